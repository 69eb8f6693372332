"""What was computed once, and by which code."""
