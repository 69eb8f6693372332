"""Reads data sets into lists of files: one module for each folder layout or file format."""
