"""What any process needs: signals, progress bars, cores, whole files."""
