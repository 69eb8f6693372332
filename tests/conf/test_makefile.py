"""What make hands to the shell: each variable as one word, whatever characters it holds."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
ODD = "/my data/it's (1)"


# What an outer make hands on, such as the ARGS of `make test ARGS=...`, is not of these.
CLEAN = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}


def dry_run(target: str, *given: str) -> str:
    """What make would run."""
    command = ["make", "--no-print-directory", "-n", target, *given]
    options = {"cwd": ROOT, "env": CLEAN, "capture_output": True, "text": True}
    return subprocess.run(command, check=True, **options).stdout


def words(target: str, **variables: str) -> list[str]:
    """The words of the last command that a target would run."""
    given = [f"{name}={value}" for name, value in variables.items()]
    return shlex.split(dry_run(target, *given).splitlines()[-1])


@pytest.mark.parametrize("name", ["ARGS", "OUTPUT", "MAKEFLAGS", "MAKEOVERRIDES"])
def test_what_an_outer_make_was_given_changes_nothing(name, monkeypatch):
    expected = dry_run("report")
    monkeypatch.setenv(name, "ARGS=typed" if name.startswith("MAKE") else "typed")
    assert dry_run("report") == expected


@pytest.mark.parametrize("source", ["https://host/a?x=1&y=2", "/tmp/my archive.tar.xz"])
def test_a_source_reaches_the_download_as_it_was_typed(source):
    given = {"CATEGORY": "my part", "ROOT": ODD, "SOURCE": source, "SHA256": "a b"}
    module = ["-m", "anomaly.data.download", "my part", ODD]
    assert words("data", **given)[1:] == [*module, "--source", source, "--sha256", "a b"]


def test_what_is_not_given_is_not_handed_on():
    assert words("data")[1:] == ["-m", "anomaly.data.download", "bottle", "datasets"]


def test_the_demo_and_the_benchmark_find_folders_with_spaces():
    assert words("demo", OUTPUT=ODD)[-3:] == [f"{ODD}/unseen", "--output", ODD]
    assert words("bench", ROOT=ODD)[-1] == ODD


def test_the_report_and_the_study_find_them_too():
    assert words("report", OUTPUT=ODD, ARGS="--category a")[-4:] == [
        "--output",
        ODD,
        "--category",
        "a",
    ]
    assert words("study-bottle", ROOT="a b", OUTPUT=ODD)[-2:] == [
        "a b",
        f"{ODD}/studies/bottle_classifiers",
    ]


def test_photos_are_inspected_by_the_newest_model_or_another():
    verb = ["-m", "anomaly.cli", "inspect"]
    assert words("inspect", PHOTOS=ODD)[1:] == [*verb, "latest", ODD, "--output", "outputs"]
    given = words("inspect", PHOTOS="a/*.png", MODEL="bottle@champion", ARGS="--watch")
    assert given[1:] == [*verb, "bottle@champion", "a/*.png", "--output", "outputs", "--watch"]


def test_the_ui_opens_the_output_folder_at_a_port():
    module = ["-m", "anomaly.tracking.ui"]
    assert words("ui")[1:] == [*module, "--output", "outputs", "--port", "5000"]
    assert words("ui", OUTPUT=ODD, PORT="1")[1:] == [*module, "--output", ODD, "--port", "1"]


def test_lock_compiles_every_list_but_that_of_uv_itself():
    compiled = set(re.findall(r"-o requirements/(\S+)", dry_run("lock")))
    assert compiled == {path.name for path in (ROOT / "requirements").glob("*.txt")} - {"uv.txt"}


def test_a_warning_stops_the_documentation():
    assert "-m sphinx --quiet --fail-on-warning --keep-going --nitpicky" in dry_run("docs")


def test_a_commit_is_checked_by_make_lint():
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    (hook,) = repository["hooks"]
    assert hook["entry"] == "make lint" and hook["language"] == "system"
    assert hook["pass_filenames"] is False  # it checks everything, whatever the commit holds
