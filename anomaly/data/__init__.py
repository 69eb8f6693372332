"""Turns folders into samples, splits and truth."""
