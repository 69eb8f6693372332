"""How Mask R-CNN is trained: batches, targets, losses, epochs, stages."""
