"""Source code as a name: an edit makes anew what it may have changed, and nothing else."""

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
# What no cached number depends on: values and errors, how work is spread and shown, where it is kept.
HANDS_ON = {
    *("types.py", "errors.py", "data/file.py", "config/ranges.py", "config/schema.py"),
    *("cache", "runtime"),
    *("model/pictures.py", "model/fingerprint.py"),  # what they make is part of the keys
}


@pytest.fixture
def package(tmp_path, monkeypatch) -> Iterator[Path]:
    """A copy of our code, to be edited."""
    copy = tmp_path / "anomaly"
    ignored = shutil.ignore_patterns("__pycache__")
    monkeypatch.setattr(code, "PACKAGE", Path(shutil.copytree(code.PACKAGE, copy, ignore=ignored)))
    yield copy
    forget()


def forget() -> None:
    """What a process remembers of its own code, which does not change while it runs."""
    code.digest.cache_clear()
    code.digest_of_all_but.cache_clear()


def names() -> dict[str, str]:
    forget()
    cached = {what: code.digest(*makers) for what, makers in CACHED.items()}
    return {**cached, "runs": code.digest_of_all_but(*COMPUTES_NOTHING)}


def changed_by(edit: Callable[[], object]) -> set[str]:
    before = names()
    edit()
    after = names()
    return {what for what in before if before[what] != after[what]}


def edited(file: Path) -> Callable[[], object]:
    return lambda: file.write_text(file.read_text() + "\n# edited\n")


@pytest.mark.parametrize("name", ["plots/style.py", "data/download/transfer.py", "report/page.py"])
def test_how_things_are_shown_or_fetched_keeps_every_cache_entry_and_skipped_job(package, name):
    assert changed_by(edited(package / name)) == set()


@pytest.mark.parametrize(
    "name, of",
    [
        ("metrics/calibration.py", {"checkpoints", "runs"}),
        ("data/split.py", {"checkpoints", "runs"}),
        ("model/bovw/vocabulary.py", {"visual words", "checkpoints", "runs"}),
        ("backbone/resnet50.py", {"features", "checkpoints", "runs"}),
        ("data/duplicates/texture.py", {"similar pairs", "runs"}),
        ("data/read.py", {*CACHED, "runs"} - {"features", "visual words"}),  # by their pictures
    ],
)
def test_an_edit_makes_anew_what_it_computes(package, name, of):
    assert changed_by(edited(package / name)) == of


def test_a_new_room_counts_for_runs_until_somebody_says_otherwise(package):
    def build() -> None:
        (package / "attention").mkdir()
        (package / "attention" / "gate.py").write_text("a = 1\n")

    assert changed_by(build) == {"runs"}


@pytest.mark.parametrize("name", COMPUTES_NOTHING)
def test_what_computes_nothing_is_there(name):
    assert (code.PACKAGE / name).exists()


@pytest.mark.parametrize("what", CACHED)
def test_the_code_that_makes_a_cached_array_includes_all_that_it_imports(what):
    makers = CACHED[what]
    files = [file for name in makers for file in code._files(code.PACKAGE / name)]
    used = {name for file in files for name in imported(file)}
    inside = (*makers, *HANDS_ON)
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
