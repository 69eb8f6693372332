"""Draws the parts of the demo."""
