"""The tags that MLflow's UI reads."""

DESCRIPTION = "mlflow.note.content"  # Markdown
PARENT = "mlflow.parentRunId"  # a run is shown below this one
