"""Builds Keras optimizers."""
