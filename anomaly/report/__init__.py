"""All runs of a category side by side: one HTML page and one table, read from MLflow."""
