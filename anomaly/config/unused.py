"""Settings that were typed and would mean nothing to the run; silence would be a lie."""

from __future__ import annotations

from anomaly.config.parse import Job
from anomaly.config.schema import RunConfig
from anomaly.errors import InputError

TRAINING = ("augment", "backbone", "optimizer", "model", "trainer")  # what a combining run lacks
COMBINING = ("members",)


def refuse(config: RunConfig, job: Job) -> None:
    """Stop where a setting of the other kind of run was typed.

    Raises:
        InputError: naming each of them.
    """
    unread = TRAINING if config.ensemble else COMBINING
    typed = [own for own in job.overrides if _group(own) in unread and not _is_of_sweeps(own)]
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
    """Whether a finished job runs again is asked of ensembles as well."""
    return override.lstrip("+~").startswith("trainer.rerun=")
