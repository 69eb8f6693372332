"""Settings that were typed and would change nothing, refused rather than ignored."""

from __future__ import annotations

from anomaly.config.job import Job
from anomaly.config.schema import TRAINING, RunConfig
from anomaly.errors import InputError


def refuse(config: RunConfig, job: Job) -> None:
    """Stop where a setting was typed that this kind of run does not read.

    Raises:
        InputError: naming each of them.
    """
    unread = TRAINING if config.ensemble else ("members",)
    typed = [word for word in job.overrides if _group(word) in unread and not _is_of_sweeps(word)]
    if not typed:
        return
    words = ", ".join(typed)
    if config.ensemble:
        raise InputError(
            f"an ensemble combines finished runs and trains nothing: leave out {words}; which runs"
            " it combines is chosen by members.run_ids or members.where"
        )
    raise InputError(f"{words} means nothing without an ensemble; add ensemble=... or leave it out")


def _group(override: str) -> str:
    return override.lstrip("+~").split("=")[0].split(".")[0]


def _is_of_sweeps(override: str) -> bool:
    """Sweeps of ensembles too ask whether a finished job runs again."""
    return override.lstrip("+~").startswith("trainer.rerun=")
