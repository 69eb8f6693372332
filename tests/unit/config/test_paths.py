"""conf/ is found in a clone and in an installed package."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from anomaly.config import paths


@pytest.fixture
def copied(tmp_path) -> Callable[..., Path]:
    """copied(*folders) is where a copy of the module in `tmp_path`, with these folders, finds conf/."""

    def load(*folders: str) -> Path:
        place = tmp_path / "anomaly" / "config" / "paths.py"
        for folder in ("anomaly/config", *folders):
            (tmp_path / folder).mkdir(parents=True)
        shutil.copy(paths.__file__, place)
        spec = importlib.util.spec_from_file_location("copied", place)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.CONF

    return load


def test_in_a_clone_it_lies_beside_the_package(copied, tmp_path):
    assert copied("conf") == tmp_path / "conf"


def test_installed_it_lies_in_the_package_whatever_lies_beside(copied, tmp_path):
    assert copied("conf", "anomaly/conf") == tmp_path / "anomaly" / "conf"


def test_groups_and_options_are_its_folders_and_files():
    assert {"data", "model", "sweep"} < paths.groups() and "config" not in paths.groups()
    assert {"demo", "mvtec"} <= set(paths.options("data"))
