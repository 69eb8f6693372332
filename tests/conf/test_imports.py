"""Imports point downwards, and every big library has one owner."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted(path.relative_to(ROOT) for path in (ROOT / "anomaly").rglob("*.py"))

MAY_IMPORT = {
    "types": set(),
    "checks": set(),
    "code": set(),
    "quiet": set(),
    "progress": set(),
    "nearest": set(),
    "signature": {"checks", "nearest"},
    "schema": {"signature"},
    "config": {"schema", "nearest", "types"},
    "mistakes": {"interrupt", "config", "schema", "nearest", "types"},
    "data": {"types", "checks", "code"},
    "augment": {"types", "checks"},
    "backbone": {"types", "checks"},
    "optimizer": {"types", "checks"},
    "model": {
        *("types", "checks", "code", "schema", "data", "metrics", "progress", "fusion"),
        "interrupt",
    },
    "metrics": {"types"},
    "plots": {"types"},
    "tracking": {"types", "schema", "process"},
    "summary": {"types"},
    "ensemble": {"types", "checks"},
    "cases": {"types", "data", "plots"},
    "results": {"types", "schema", "data", "metrics", "plots", "tracking", "cases"},
    "learned": {"types", "data", "plots", "tracking", "results"},
    "idle": {"types", "config", "schema"},
    "members": {"types", "schema", "metrics", "tracking"},
    "naming": {"types", "config", "schema", "nest", "process", "identity"},
    "nest": set(),
    "pruning": {"types", "schema", "model"},  # of model, the type of a report
    "process": set(),
    "place": {"types", "config", "schema", "data", "identity", "summary", "tracking", "members"},
    "interrupt": set(),
    "fusion": {"types"},
    "share": set(),
    "identity": {"types", "code", "config", "schema"},
    "sweep": {
        "nearest",
        "nest",
        "place",
        "process",
        "pruning",
        "types",
        "config",
        "schema",
        "idle",
        "mistakes",
        "metrics",
        "plots",
        "tracking",
        "workflow",
    },
    "pooling": {"types", "schema", "data", "metrics", "results", "summary", "tracking"},
    "report": {"types", "schema", "metrics", "plots", "progress", "summary", "tracking"},
    "workflow": {
        *("types", "config", "schema", "data", "metrics", "plots", "tracking", "ensemble"),
        *("quiet", "summary", "results", "learned", "members", "naming", "pooling", "idle"),
        "identity",
        "place",
        "pruning",
        "fusion",
        "model",  # of it, how networks are spread over devices
    },
}
COMMANDS = {"mistakes"}  # what a module with a command line of its own may import besides

OWNERS = {  # library: the places, as path prefixes under anomaly/, that may import it
    "tensorflow": {"model/compiled.py"},
    "jax": {"model/compiled.py"},
    "mlflow": {"tracking/"},
    "filelock": {"tracking/", "model/checkpoint.py"},
    "albumentations": {"augment/"},
    "hydra": {"config.py", "mistakes.py", "place.py", "sweep/"},
    "omegaconf": {"config.py", "mistakes.py", "schema.py", "sweep/"},
    "optuna": {"sweep/", "pruning.py"},
    "matplotlib": {"plots/"},
    "pycocotools": {"metrics/"},
    "sklearn": {"metrics/", "ensemble/", "model/"},
    "scipy": {"metrics/", "ensemble/", "model/"},
    "PIL": {"data/read.py"},
    "rich": {
        "progress.py",
        "summary.py",
        "report/terminal.py",
        "sweep/result.py",
        "data/transfer.py",
    },
}
KERAS = ("backbone/", "optimizer/", "model/")  # elsewhere only inside functions


class Import(NamedTuple):
    module: str
    lazy: bool  # inside a function


def imports(path: Path) -> list[Import]:
    """What a module imports when it runs; `if TYPE_CHECKING:` does not run."""
    return list(_imports(ast.parse((ROOT / path).read_text()).body, lazy=False))


def _imports(body: list[ast.stmt], lazy: bool) -> Iterator[Import]:
    for node in body:
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, lazy) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            prefix = node.module or ""
            deeper = prefix == "anomaly" or prefix.startswith("anomaly.")
            yield from (
                Import(f"{prefix}.{alias.name}" if deeper else prefix, lazy) for alias in node.names
            )
        elif not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            inside = lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            for field in ("body", "orelse", "finalbody"):
                yield from _imports(getattr(node, field, []), inside)
            for handler in getattr(node, "handlers", []):
                yield from _imports(handler.body, inside)


def unit(path: Path) -> str:
    """The slot or top-level module a file belongs to."""
    return path.parts[1].removesuffix(".py")


def is_command(path: Path) -> bool:
    return '__name__ == "__main__"' in (ROOT / path).read_text()


def test_the_layers_have_no_cycle():
    tuple(TopologicalSorter(MAY_IMPORT).static_order())


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_a_module_imports_only_what_lies_below_it(path):
    own = unit(path)
    if own == "__init__":
        assert imports(path) == []
        return
    allowed = MAY_IMPORT[own] | {own} | (COMMANDS if is_command(path) else set())
    used = {found.module.split(".")[1] for found in imports(path) if "anomaly." in found.module}
    assert used <= allowed


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_a_big_library_is_imported_only_by_its_owner(path):
    inside = path.relative_to("anomaly").as_posix()
    for found in imports(path):
        library = found.module.split(".")[0]
        assert library not in OWNERS or inside.startswith(tuple(OWNERS[library])), found
        assert library != "keras" or found.lazy or inside.startswith(KERAS), found


def test_the_entrypoint_knows_hydra_the_config_and_the_workflow_alone():
    used = {found.module for found in imports(Path("train.py"))}
    assert used <= {
        *("logging", "os", "sys", "hydra", "omegaconf"),
        *("anomaly.config", "anomaly.interrupt", "anomaly.mistakes", "anomaly.share"),
        "anomaly.workflow",
    }


def test_reading_scoring_and_drawing_load_neither_networks_nor_tracking_nor_hydra():
    light = [p for p in MODULES if unit(p) in ("types", "checks", "data", "metrics", "plots")]
    names = [".".join(p.with_suffix("").parts) for p in light if not is_command(p)]
    heavy = {"keras", "tensorflow", "jax", "mlflow", "hydra", "albumentations"}
    code = f"""
import importlib, sys
for name in {names!r}:
    importlib.import_module(name)
print(sorted({heavy!r} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
