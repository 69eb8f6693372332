"""What all learners train with: checkpoints, epochs, prefetching, devices."""
