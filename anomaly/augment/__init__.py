"""Builds the policies that turn one training image into several."""
