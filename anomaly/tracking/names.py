"""The tags that MLflow's UI reads, and the word for the newest run."""

DESCRIPTION = "mlflow.note.content"  # Markdown
PARENT = "mlflow.parentRunId"  # a run is shown below this one
LATEST = "latest"  # instead of the id of a run: the one that finished last
