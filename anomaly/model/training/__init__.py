"""What the learners train with: checkpoints, epochs, prefetched batches, devices."""
