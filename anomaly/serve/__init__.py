"""The same judge behind HTTP, and a page."""
