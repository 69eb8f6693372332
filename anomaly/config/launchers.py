"""Hydra's launchers: the names that people type, and how to install those that are extra."""

from __future__ import annotations

import re

HYDRA_NAMES = {"submitit": "submitit_slurm"}  # where it differs from the name that is typed
EXTRAS = {
    "submitit": "make extra EXTRA=slurm, or pip install '.[slurm]'",
    "submitit_local": "make extra EXTRA=slurm, or pip install '.[slurm]'",
    "ray": "make extra EXTRA=ray VENV=.venv-ray, then .venv-ray/bin/python train.py ...; or, in an"
    " environment for it alone, pip install '.[train,ray]'",
}


def for_hydra(word: str) -> str:
    """The word of a command line as Hydra knows it.

    `sweep.launcher=joblib` is hydra/launcher=joblib, and `sweep.launcher.n_jobs=2` a setting of it.
    """
    return re.sub(r"^sweep\.launcher(?:\.|=(\w+))", _hydra_key, word)


def _hydra_key(match: re.Match) -> str:
    name = match[1]
    return f"hydra/launcher={HYDRA_NAMES.get(name, name)}" if name else "hydra.launcher."


def not_installed(option: str) -> str | None:
    """The sentence for a launcher that Hydra does not know and an extra would bring."""
    launcher = option.removesuffix("_slurm")
    if launcher not in EXTRAS:
        return None
    return f"sweep.launcher={launcher} is not installed: {EXTRAS[launcher]}"
