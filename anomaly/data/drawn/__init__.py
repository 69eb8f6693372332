"""Draws the images of the demo data set."""
