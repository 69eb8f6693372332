"""Turns a folder into samples, splits, truth and arrays; downloads and renders data sets."""
