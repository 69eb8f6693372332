"""What one run does and leaves."""
