"""Sockets, limits and refusals: what every request meets before a route."""
