"""Keeps results on disk, under keys that include the code that computed them."""
