"""The same judge in other runtimes, and the proof that it says the same."""
