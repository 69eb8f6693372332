"""Learners: fit on images, predict Predictions."""
