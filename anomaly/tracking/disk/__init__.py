"""What a run keeps in its folder: its record, its curves, what it predicted; MLflow gets a copy."""
