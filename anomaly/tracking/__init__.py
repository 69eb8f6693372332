"""The only place that knows MLflow: start a run, log it, find others, load their predictions."""
