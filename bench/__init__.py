"""Measures the speed claims; run it as `make bench ROOT=DIR`, with the category bottle in DIR."""
