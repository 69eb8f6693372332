"""Fetches public data sets."""
