"""Digests of source code: an edit changes the keys of what it computes, and no others."""

from __future__ import annotations

import ast
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from anomaly.cache import code
from anomaly.data import images
from anomaly.data.duplicates import groups
from anomaly.model import features, pictures
from anomaly.model.bovw import descriptors
from anomaly.model.training import checkpoint
from anomaly.run.identity import COMPUTES_NOTHING

CACHED = {
    "resized images": images.MAKERS,
    "augmented pictures": pictures.MAKERS,
    "features": features.MAKERS,
    "visual words": descriptors.MAKERS,
    "similar pairs": groups.MAKERS,
    "checkpoints": checkpoint.MAKERS,
}
# Code on which no cached number depends: values, errors, threads, progress bars, the cache.
NO_INFLUENCE = {
    *("types.py", "errors.py", "data/file.py", "config/ranges.py", "config/schema.py"),
    *("cache", "runtime"),
    *("model/pictures.py", "model/fingerprint.py"),  # their results are part of the keys
}


@pytest.fixture
def package(tmp_path, monkeypatch) -> Iterator[Path]:
    """A copy of our code that can be edited."""
    copy = tmp_path / "anomaly"
    ignored = shutil.ignore_patterns("__pycache__")
    monkeypatch.setattr(code, "PACKAGE", Path(shutil.copytree(code.PACKAGE, copy, ignore=ignored)))
    yield copy
    clear_digests()


def clear_digests() -> None:
    """Clear the digests that a process computes only once."""
    code.digest.cache_clear()
    code.digest_of_all_but.cache_clear()


def digests() -> dict[str, str]:
    clear_digests()
    cached = {what: code.digest(*makers) for what, makers in CACHED.items()}
    return {**cached, "runs": code.digest_of_all_but(*COMPUTES_NOTHING)}


def changed_by(edit: Callable[[], object]) -> set[str]:
    before = digests()
    edit()
    after = digests()
    return {what for what in before if before[what] != after[what]}


def edited(file: Path) -> Callable[[], object]:
    return lambda: file.write_text(file.read_text() + "\n# edited\n")


@pytest.mark.parametrize("name", ["plots/style.py", "data/download/transfer.py", "report/page.py"])
def test_an_edit_in_plots_reports_or_downloads_changes_no_key(package, name):
    assert changed_by(edited(package / name)) == set()


@pytest.mark.parametrize(
    "name, keys",
    [
        ("metrics/calibration.py", {"checkpoints", "runs"}),
        ("data/split.py", {"checkpoints", "runs"}),
        ("model/bovw/vocabulary.py", {"visual words", "checkpoints", "runs"}),
        ("backbone/resnet50.py", {"features", "checkpoints", "runs"}),
        ("data/duplicates/texture.py", {"similar pairs", "runs"}),
        (
            "data/read.py",
            {*CACHED, "runs"} - {"features", "visual words"},
        ),  # whose keys include the pictures
    ],
)
def test_an_edit_changes_the_keys_of_what_it_computes(package, name, keys):
    assert changed_by(edited(package / name)) == keys


def test_a_new_folder_changes_the_key_of_runs_until_it_is_listed(package):
    def build() -> None:
        (package / "attention").mkdir()
        (package / "attention" / "gate.py").write_text("a = 1\n")

    assert changed_by(build) == {"runs"}


@pytest.mark.parametrize("name", COMPUTES_NOTHING)
def test_every_listed_folder_exists(name):
    assert (code.PACKAGE / name).exists()


@pytest.mark.parametrize("what", CACHED)
def test_the_code_that_makes_a_cached_array_includes_all_that_it_imports(what):
    makers = CACHED[what]
    files = [file for name in makers for file in code._files(code.PACKAGE / name)]
    used = {name for file in files for name in imported(file)}
    inside = (*makers, *NO_INFLUENCE)
    assert {name for name in used if not any(lies_in(name, place) for place in inside)} == set()


def imported(file: Path) -> Iterator[str]:
    """Paths below anomaly/ of the modules that a file imports when it runs."""
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("anomaly."):
            place = node.module.removeprefix("anomaly.").replace(".", "/")
            for alias in node.names:
                module = code.PACKAGE / place / f"{alias.name}.py"
                yield f"{place}/{alias.name}.py" if module.is_file() else file_of(place)


def file_of(place: str) -> str:
    return f"{place}.py" if (code.PACKAGE / f"{place}.py").is_file() else f"{place}/__init__.py"


def lies_in(name: str, place: str) -> bool:
    return name == place or name.startswith(f"{place}/")
