"""Translates Hydra's sweep syntax, such as choice(...) and interval(...), into Optuna's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from hydra.core.override_parser.types import IntervalSweep, Override, Transformer

from anomaly.config.parse import parameters
from anomaly.config.schema import OVERLAYS, SLOTS, RunConfig
from anomaly.config.suggest import suggest_key
from anomaly.errors import InputError, first_line

if TYPE_CHECKING:
    from optuna import Trial


def check(ranges: Mapping[str, Override], run: RunConfig) -> None:
    """Check that every key to be searched exists in this run, or below a group that is searched.

    Raises:
        InputError: a key is unknown, or trainer.rerun is set.
    """
    if run.trainer.rerun:
        raise InputError(
            "a search keeps its finished trials, so trainer.rerun=true has no effect on it;"
            " start a new search with hydra.sweeper.study=NAME"
        )
    known = [*parameters(run), *SLOTS, *OVERLAYS]
    for key in (key for key in ranges if key.split(".")[0] not in ranges):
        if key not in known and not any(other.startswith(f"{key}.") for other in known):
            raise InputError(
                f"{key} cannot be searched: it is not a known key{suggest_key(key, known)};"
                " to search Mask R-CNN, use sweep=search_mask_rcnn"
            )


def suggest(trial: Trial, key: str, override: Override) -> object:
    """A value of choice(...), range(...) or interval(...), which tag(log, ...) spreads over decades.

    int(interval(1, 9)) gives whole numbers.

    Raises:
        InputError: the range is invalid, or its study has other choices.
    """
    try:
        return _suggest(trial, key, override)
    except ValueError as error:
        why = first_line(error)
        if "dynamic value space" in why:
            why = "its study has other choices; give hydra.sweeper.study another name"
        raise InputError(f"{override.input_line} cannot be searched: {why}") from None


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
    """A drawn value as a person would type it: a float with 4 significant digits."""
    return float(f"{value:.4g}") if isinstance(value, float) else value
