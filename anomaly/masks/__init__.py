"""Parts, boxes, overlap and merging of masks."""
