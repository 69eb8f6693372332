"""Which figures are better when they are low; all others are better when they are high."""

LOWER_IS_BETTER = {
    *("escape_rate", "overkill_rate", "escapes", "overkill", "ece"),
    *("sorting_escape_rate", "sorting_overkill_rate"),
}
EVIDENCE = ("_count", "_low", "_high")  # what stands behind a share is no figure of its own


def lower_is_better(metric: str) -> bool:
    """Whether a metric, such as val/ece, is one of those."""
    return metric.split("/")[-1] in LOWER_IS_BETTER
