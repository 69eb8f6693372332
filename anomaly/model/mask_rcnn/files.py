"""The files of a trained detector: its network, and what else it needs to predict."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras

MODEL_FILE, SETTINGS_FILE = "model.keras", "detector.json"


def write(folder: Path, model: keras.Model, settings: dict[str, Any]) -> None:
    """Write both files."""
    folder.mkdir(parents=True, exist_ok=True)
    model.save(folder / MODEL_FILE)
    (folder / SETTINGS_FILE).write_text(json.dumps(settings, indent=2))


def read_model(path: Path | str) -> keras.Model:
    """The network in a file. Damaged files raise various errors."""
    return keras.saving.load_model(path, compile=False, safe_mode=True)


def read_settings(folder: Path) -> dict[str, Any]:
    """The settings in a folder. Damaged files raise various errors."""
    return json.loads((folder / SETTINGS_FILE).read_text())
