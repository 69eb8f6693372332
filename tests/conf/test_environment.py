"""One set of versions for everybody, one OpenCV, and a package that holds all it needs."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import distributions, packages_distributions
from pathlib import Path
from zipfile import ZipFile

import cv2
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
OTHER_BACKEND = "jax"  # what Keras may compute with instead; whoever wants it installs it


def pins(name: str) -> dict[str, str]:
    """{package: version} of a lock file."""
    text = (ROOT / "requirements" / name).read_text()
    return dict(re.findall(r"^([a-zA-Z0-9_.-]+)==([^ ;\\\n]+)", text, re.MULTILINE))


def requirements(*extras: str) -> list[Requirement]:
    """What the package asks for, with these extras."""
    metadata = PROJECT["project"]
    optional = [line for extra in extras for line in metadata["optional-dependencies"][extra]]
    return [Requirement(line) for line in [*metadata["dependencies"], *optional]]


def left_out() -> set[str]:
    """The packages that the locks do without."""
    return {Requirement(line).name for line in PROJECT["tool"]["uv"]["override-dependencies"]}


def imported(path: Path) -> Iterator[str]:
    """The top-level packages that a file imports, at once or later."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


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
    assert base.items() <= pins("docs.txt").items()


@pytest.mark.parametrize(
    "lock, extras",
    {
        "base.txt": ("train",),
        "slurm.txt": ("train", "slurm"),
        "ray.txt": ("train", "serve", "ray"),
    }.items(),
)
def test_the_locked_versions_are_among_those_that_the_package_accepts(lock, extras):
    locked = pins(lock)
    for requirement in requirements(*extras):
        if requirement.name not in left_out():
            assert requirement.specifier, requirement.name
            assert locked[requirement.name] in requirement.specifier, requirement


def test_what_the_package_imports_is_what_it_asks_for():
    extras = requirements("train", "serve", "export", "ray")
    asked = {canonicalize_name(r.name) for r in extras} | {OTHER_BACKEND}
    providers = {"ray": ["ray"], **packages_distributions()}  # which has an environment for itself
    for path in (ROOT / "anomaly").rglob("*.py"):
        for name in set(imported(path)) - sys.stdlib_module_names - {"anomaly"}:
            provided_by = {canonicalize_name(d) for d in providers[name]}
            assert provided_by & asked, f"{path} imports {name}"


def test_the_core_reads_photos_and_fetches_data_without_what_training_needs():
    training = {r.name for r in requirements("train")} - {r.name for r in requirements()}
    blocked = {
        m for m, d in packages_distributions().items() if {*map(canonicalize_name, d)} & training
    }
    rooms = ("masks", "runtime", "data/download")
    files = [path for room in rooms for path in (ROOT / "anomaly" / room).glob("*.py")]
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in files]
    names += [f"anomaly.{name}" for name in ("cli", "types", "errors", "data.images")]
    code = f"""
import importlib, sys
sys.modules |= dict.fromkeys({sorted(blocked - {"cv2"})!r})  # None: importing it fails
for name in {sorted(names)!r}:
    importlib.import_module(name)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_wheel_holds_the_code_the_configs_and_the_plugins(tmp_path):
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, capture_output=True, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    folders = ("anomaly", "conf", "hydra_plugins")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]
    sources = {p.relative_to(ROOT).as_posix() for p in files if "__pycache__" not in p.parts}
    packed = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert packed == {re.sub("^conf/", "anomaly/conf/", name) for name in sources}


def test_locks_have_hashes_and_no_hosts():
    for name in ("base.txt", "test.txt", "docs.txt", "uv.txt"):
        text = (ROOT / "requirements" / name).read_text()
        assert text.count("--hash=sha256:") >= len(pins(name))
        assert "://" not in text and "--index" not in text


def test_the_installed_opencv_is_the_one_with_the_contrib_modules():
    assert hasattr(cv2, "xfeatures2d")
    installed = {distribution.name for distribution in distributions()}
    assert {name for name in installed if "opencv" in name} == {"opencv-contrib-python-headless"}
