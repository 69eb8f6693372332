"""Folders of photos, judged one by one: rows, a page to leaf through, and what they say together."""
