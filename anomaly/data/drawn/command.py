"""Draws parts of the demo that no model has seen, to try inspecting with: DIR/<class>/000.png, ..."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from anomaly.data.drawn.render import KINDS, render
from anomaly.errors import InputError
from anomaly.runtime.files import replacing


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw the parts, and say where they are.

    Raises:
        InputError: they cannot be written.
    """
    options = _parser().parse_args(arguments)
    for kind in options.kinds:
        for index in range(options.images):
            picture = render(kind, options.seed, index, options.side).image
            _write(options.folder / kind / f"{index:03d}.png", _lit(picture, options.light))
    print(options.folder)


def _lit(picture: np.ndarray, light: float) -> np.ndarray:
    """The uint8 picture in light of another brightness."""
    return np.clip(np.rint(picture * light), 0, 255).astype(np.uint8)


def _write(path: Path, picture: np.ndarray) -> None:
    png = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1].tobytes()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as aside:
            aside.write_bytes(png)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from None


def _number(text: str) -> int:
    if int(text) < 0:
        raise argparse.ArgumentTypeError(f"{text} is below 0")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("anomaly data draw", description=__doc__)
    add = parser.add_argument
    add("folder", type=Path, metavar="DIR", help="where they go")
    add("--seed", type=_number, default=1, help="other parts than those of the demo, which has 0")
    add("--images", type=_number, default=1, help="how many of each class")
    add("--kinds", nargs="+", choices=KINDS, default=list(KINDS), help="which classes")
    add("--side", type=int, default=256, help="of a picture, pixels")
    add("--light", type=float, default=1.0, help="brightness: 1 as usual, 0.7 a weak lamp")
    return parser
