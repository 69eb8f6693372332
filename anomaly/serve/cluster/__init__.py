"""The same service on a Ray cluster."""
