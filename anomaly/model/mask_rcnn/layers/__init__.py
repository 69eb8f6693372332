"""The layers of Mask R-CNN that Keras lacks; all shapes are fixed."""
