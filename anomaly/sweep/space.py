"""Hydra's words for what varies, as Optuna's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from hydra.core.override_parser.types import IntervalSweep, Override, Transformer

from anomaly.config import suggest as nearest
from anomaly.config.parse import parameters
from anomaly.config.schema import OVERLAYS, SLOTS, RunConfig
from anomaly.errors import InputError, first_line

if TYPE_CHECKING:
    from optuna import Trial


def check(ranges: Mapping[str, Override], run: RunConfig) -> None:
    """Every key that is to vary must be one of this run's; of a group that varies all may be.

    Raises:
        InputError: naming what is unknown; or each trial is to be run again, which a study is not.
    """
    if run.trainer.rerun:
        raise InputError(
            "a search keeps what it has found, so trainer.rerun=true means nothing to it;"
            " hydra.sweeper.study=NAME begins another one"
        )
    known = [*parameters(run), *SLOTS, *OVERLAYS]
    for key in (key for key in ranges if key.split(".")[0] not in ranges):
        if key not in known and not any(other.startswith(f"{key}.") for other in known):
            raise InputError(
                f"{key} is to be searched, and is not a known key{nearest.advice(key, known)}; for"
                " Mask R-CNN there is sweep=search_mask_rcnn"
            )


def suggest(trial: Trial, key: str, override: Override) -> object:
    """A value of choice(...), range(...) or interval(...), the last with tag(log, ...) if typed.

    int(interval(1, 9)) has whole numbers.

    Raises:
        InputError: there is no such range, or its study had another one.
    """
    try:
        return _suggest(trial, key, override)
    except ValueError as error:
        said = first_line(error)
        if "dynamic value space" in said:
            said = "its study had other choices; give hydra.sweeper.study another name"
        raise InputError(f"{override.input_line} cannot be searched: {said}") from None


def _suggest(trial: Trial, key: str, override: Override) -> object:
    value = override.value()
    if isinstance(value, IntervalSweep):
        log = "log" in value.tags
        if isinstance(value.start, int) and isinstance(value.end, int):
            return trial.suggest_int(key, value.start, value.end, log=log)
        assert value.start is not None and value.end is not None
        return typed(trial.suggest_float(key, value.start, value.end, log=log))
    choices = list(override.sweep_iterator(Transformer.encode))
    return trial.suggest_categorical(key, choices)  # type: ignore[arg-type]


def typed(value: object) -> object:
    """A drawn value as a person would type it."""
    return float(f"{value:.4g}") if isinstance(value, float) else value
