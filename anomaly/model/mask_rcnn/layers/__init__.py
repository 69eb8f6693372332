"""The layers of Mask R-CNN that Keras lacks, in fixed shapes."""
