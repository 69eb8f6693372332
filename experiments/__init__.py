"""Studies: each with a question, the exact commands and their results."""
