"""What any process needs: signals, progress bars, cores, files that are never half-written."""
