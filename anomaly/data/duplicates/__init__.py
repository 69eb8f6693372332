"""Finds images that show the same physical part."""
