"""All runs of a category side by side: one HTML page and one CSV file, read from MLflow."""
