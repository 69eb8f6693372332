"""Reads again what a finished run learned from and what it recorded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from anomaly.config.again import config_of
from anomaly.config.command_line import pairs
from anomaly.config.explain import sentence
from anomaly.config.schema import RunConfig
from anomaly.errors import InputError
from anomaly.run.prepare import dataset_of
from anomaly.types import Dataset

if TYPE_CHECKING:
    from anomaly.tracking.store import Store


class Again(NamedTuple):
    """What a run learned from, split as it was, and its config."""

    dataset: Dataset
    config: RunConfig


def read(store: Store, run_id: str, split: str, root: Path | None = None) -> Again:
    """A run's data set and config.

    Args:
        split: the digest of the split, as the run's bundle has it.
        root: where the data lies now, if it was moved.

    Raises:
        InputError: there is no such run, or its data is not where it was, or was changed.
    """
    from anomaly.tracking.find import overrides_of

    words = [word for word in overrides_of(store, run_id) if not word.startswith("hydra.")]
    typed = dict(pairs(words))
    words = [word for word in words if root is None or not word.startswith("data.root=")]
    words += [f"data.root={root}"] if root else []
    try:
        config = config_of(words)
        dataset = dataset_of(config)
    except Exception as error:  # Hydra, OmegaConf and the readers of data raise their own
        if said := sentence(error):
            raise InputError(
                f"the data of run {run_id} ({typed.get('data.root', 'data.root')}) cannot be read"
                f" again: {said}; give its folder as --data-root"
            ) from None
        raise
    if dataset.digest != split:
        raise InputError(
            f"the data of run {run_id} has changed since: its images or its split are others; give"
            " the folder that it was trained on as --data-root"
        )
    return Again(dataset, config)
