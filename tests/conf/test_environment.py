"""One set of versions for everybody, and one OpenCV."""

from __future__ import annotations

import re
from importlib.metadata import distributions
from pathlib import Path

import cv2
import yaml

ROOT = Path(__file__).parents[2]


def pins(name: str) -> dict[str, str]:
    """{package: version} of a lock file."""
    text = (ROOT / "requirements" / name).read_text()
    return dict(re.findall(r"^([a-zA-Z0-9_.-]+)==([^ ;\\\n]+)", text, re.MULTILINE))


def test_conda_users_install_with_the_uv_of_the_lock():
    dependencies = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    by_pip = next(entry["pip"] for entry in dependencies if isinstance(entry, dict))
    assert by_pip == [f"uv=={pins('uv.txt')['uv']}"]


def test_conda_brings_a_python_that_the_project_supports():
    dependencies = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    python = next(entry for entry in dependencies if str(entry).startswith("python="))
    assert python.removeprefix("python=") in ("3.11", "3.12", "3.13")


def test_what_runs_need_has_the_same_versions_in_both_locks():
    base, test = pins("base.txt"), pins("test.txt")
    assert base.items() <= test.items()


def test_locks_have_hashes_and_no_hosts():
    for name in ("base.txt", "test.txt", "uv.txt"):
        text = (ROOT / "requirements" / name).read_text()
        assert text.count("--hash=sha256:") >= len(pins(name))
        assert "://" not in text and "--index" not in text


def test_the_installed_opencv_is_the_one_with_the_contrib_modules():
    assert hasattr(cv2, "xfeatures2d")
    installed = {distribution.name for distribution in distributions()}
    assert {name for name in installed if "opencv" in name} == {"opencv-contrib-python-headless"}
