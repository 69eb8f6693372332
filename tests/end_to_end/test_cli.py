"""The command `anomaly`: its verbs are the commands that exist, and it answers at once."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import anomaly
from anomaly.cli import VERBS

ROOT = Path(__file__).parents[2]


def run(*words: object, cwd: Path = ROOT, **variables: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "anomaly.cli", *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)


def test_the_installed_command_is_this_module():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["scripts"] == {"anomaly": "anomaly.cli:main"}


def test_version_and_help_load_nothing_heavy():
    code = """
import sys
from anomaly.cli import main
codes = main(["--version"]), main(["--help"])
print(codes, sorted({"numpy", "cv2", "hydra", "keras", "mlflow"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    version, *help_, last = done.stdout.splitlines()
    assert version == f"anomaly {anomaly.__version__}"
    assert all(f"anomaly {verb} " in "\n".join(help_) for verb in VERBS)
    assert last == "(0, 0) []"


@pytest.mark.parametrize(
    "words, sentence",
    {
        ("reprot",): "anomaly reprot is not known; did you mean report? (one of: train, inspect, ",
        ("data", "downlaod"): "anomaly data downlaod is not known; did you mean data download?",
        (): "give a verb, one of: train, inspect, export, deploy, serve, serve-ray, promote, report, ui, data draw, data download",
        ("inspect", "nowhere", "x.png"): "nowhere is no model: there is no such folder",
        ("promote", "0" * 32, "champion", "--output", "nowhere"): "no run was ever recorded in ",
        ("train", "data.categry=x"): "data.categry is not a known key; did you mean data.category?",
        ("report", "--output", "nowhere"): "no finished run in ",
        ("data", "download", "bottel", "."): "bottel is not a category of MVTec AD",
    }.items(),
)
def test_a_mistake_is_answered_with_one_sentence_from_any_folder(words, sentence, tmp_path):
    done = run(*words, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {sentence}") and len(done.stderr.splitlines()) == 1


def test_the_config_of_a_command_is_that_of_train_py(tmp_path):
    words = ("model=tiny", "data=demo", "seed=3", "--cfg", "job")
    direct = [sys.executable, str(ROOT / "train.py"), *words]
    expected = subprocess.run(direct, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert run("train", *words, cwd=tmp_path).stdout == expected.stdout


@pytest.mark.parametrize("verb, package", [("train", "hydra"), ("report", "mlflow")])
def test_a_verb_without_its_packages_says_how_to_install_them(verb, package, tmp_path):
    (tmp_path / f"{package}.py").write_text(f"raise ModuleNotFoundError(name='{package}')")
    done = run(verb, cwd=tmp_path, PYTHONPATH=f"{tmp_path}:{ROOT}")
    assert done.returncode == 1
    needs = f"error: anomaly {verb} needs more packages: in this project's clone, pip install '.[train]'"
    assert done.stderr == f"{needs} ({package} is missing)\n"


def test_the_wheel_alone_finds_its_configs(tmp_path):
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, capture_output=True, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    unpack = [sys.executable, "-m", "zipfile", "-e", str(wheel), str(tmp_path / "site")]
    subprocess.run(unpack, check=True)
    done = run("train", "model=tiny", "--cfg", "job", cwd=tmp_path, PYTHONPATH=f"{tmp_path}/site")
    assert done.returncode == 0, done.stderr
    assert "_target_: anomaly.backbone.tiny.build" in done.stdout
