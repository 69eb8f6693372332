"""Finds the images that show one part."""
