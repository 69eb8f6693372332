"""Measures the speed claims: `make bench ROOT=DIR`, with the category bottle in DIR."""
