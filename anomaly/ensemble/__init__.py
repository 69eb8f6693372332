"""Ways to combine members: fitted on what they predict of validate, never on test."""
