"""The command line as people type it: what it sets, and what Hydra would get wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence

from anomaly.config import launchers
from anomaly.errors import InputError

FOLDERS = ("output", "hydra.run.dir", "hydra.sweep.dir")  # the keys that say where to write


def for_hydra(words: Sequence[str]) -> list[str]:
    """The command line as Hydra reads it: options first, then overrides.

    argparse takes overrides from one place only; people type -m and the like between them.
    """
    known = [launchers.for_hydra(word) for word in words]
    placed = zip(map(_is_override, known, ["", *known]), known, strict=True)
    return [word for _, word in sorted(placed, key=lambda pair: pair[0])]


def _is_override(word: str, before: str) -> bool:
    """Rather than an option of Hydra's, such as --config-dir, or the value of one."""
    return bool(re.match(r"[^-].*=|~", word)) and not re.match(r"--?(config|c[pnd]$)[^=]*$", before)


def pairs(words: Sequence[str]) -> list[tuple[str, str]]:
    """(key, value) of every KEY=VALUE."""
    split = (word.lstrip("+").partition("=") for word in words)
    return [(key, value) for key, equals, value in split if equals]


def output_folder(words: Sequence[str]) -> tuple[str, str]:
    """The key that says where to write, and the folder typed for it, empty where there is none."""
    typed = [(key, value) for key, value in pairs(words) if key in FOLDERS]
    return typed[-1] if typed else ("output", "")


def refuse_blank_folders(words: Sequence[str]) -> None:
    """Hydra makes its folder before it hands the config on: output=$UNSET would fill /runs.

    Raises:
        InputError: a key that names a folder to write to has no value.
    """
    for key, value in pairs(words):
        if key in FOLDERS and not value.strip("'\" "):
            raise InputError(f"{key}= names no folder; give it as {key}=DIR, or leave it out")


def refuse_several_sweeps(words: Sequence[str]) -> None:
    """Each file of conf/sweep says what varies; of two, Hydra would use neither.

    Raises:
        InputError: the command line names several sweeps.
    """
    for key, value in pairs(words):
        if key == "sweep" and "," in value:
            raise InputError(
                f"sweep={value} names several sweeps; give one at a time, or list what varies"
                " yourself, such as: -m data.folds=5 data.fold=0,1,2,3,4 seed=0,1"
            )
