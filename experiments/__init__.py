"""Studies: a question, the exact commands, the figures they gave."""
