"""Learners: each learns from the train split, and predicts what an image shows."""
