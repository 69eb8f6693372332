"""Hydra's words for what varies, as Optuna's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hydra.core.override_parser.types import IntervalSweep, Override, Transformer

from anomaly.types import InputError

if TYPE_CHECKING:
    from optuna import Trial


def suggest(trial: Trial, key: str, override: Override) -> object:
    """A value of choice(...), range(...) or interval(...), the last with tag(log, ...) if typed.

    int(interval(1, 9)) has whole numbers.

    Raises:
        InputError: there is no such range, or its study had another one.
    """
    try:
        return _suggest(trial, key, override)
    except ValueError as error:
        said = str(error).splitlines()[0].rstrip(".")
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
