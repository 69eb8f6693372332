"""How Mask R-CNN learns: batches, targets, losses, epochs."""
