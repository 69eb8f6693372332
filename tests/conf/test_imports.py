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

# The rooms, by what they may import besides themselves, `types` and `errors`.
MAY_IMPORT = {
    "types": set(),
    "errors": set(),
    "runtime": set(),
    "cache": {"runtime"},
    "masks": set(),
    "config": {"runtime"},
    "metrics": {"masks"},
    "plots": set(),
    "data": {"config", "cache", "masks", "runtime"},
    "augment": {"config"},
    "backbone": {"config"},
    "optimizer": {"config"},
    "ensemble": {"config", "masks"},
    "model": {"config", "runtime", "cache", "masks", "data", "metrics"},
    "tracking": {"config", "runtime", "masks"},
    "report": {"config", "runtime", "metrics", "plots", "tracking"},
    "inspector": {
        *("config", "runtime", "cache", "masks", "data", "metrics", "plots", "ensemble"),
        *("model", "tracking"),
    },
    "run": {
        *("config", "runtime", "cache", "masks", "data", "metrics", "plots", "ensemble"),
        *("model", "tracking", "inspector"),
    },
    "sweep": {"config", "runtime", "metrics", "plots", "tracking", "run"},
    "export": {
        *("config", "runtime", "cache", "masks", "data", "metrics", "plots", "ensemble"),
        *("model", "tracking", "inspector", "run"),
    },
    "serve": {
        *("config", "runtime", "cache", "masks", "data", "metrics", "plots", "ensemble"),
        *("model", "tracking", "inspector"),
    },
    "cli": {"config"},  # each verb's module is imported by name, when it is typed
}

OWNERS = {  # library: the places, as path prefixes under anomaly/, that may import it
    "tensorflow": {"model/classifier/compiled.py", "inspector/runtimes/saved_model.py"},
    "onnxruntime": {"inspector/runtimes/"},
    "openvino": {"inspector/runtimes/", "export/"},
    "ai_edge_litert": {"inspector/runtimes/"},
    "nncf": {"export/"},
    "onnx": {"export/"},
    "fastapi": {"serve/"},
    "uvicorn": {"serve/"},
    "prometheus_client": {"serve/"},
    "ray": {"serve/cluster/", "inspector/folder/ray_data.py"},
    "jax": {"model/classifier/compiled.py"},
    "mlflow": {"tracking/"},
    "filelock": {
        *("tracking/", "model/training/checkpoint.py"),
        "inspector/folder/results.py",
    },
    "albumentations": {"augment/"},
    "hydra": {"config/", "run/build.py", "run/train.py", "sweep/"},
    "omegaconf": {"config/", "run/train.py", "sweep/"},
    "optuna": {"sweep/", "run/pruning.py"},
    "matplotlib": {"plots/"},
    "pycocotools": {"metrics/"},
    "sklearn": {"metrics/", "ensemble/", "model/"},
    "scipy": {
        *("metrics/", "ensemble/", "model/", "data/duplicates/"),
        *("inspector/folder/acceptance.py", "inspector/folder/drift.py"),
    },
    "PIL": {"data/read.py"},
    "jinja2": {"report/page.py", "inspector/folder/page.py"},
    "rich": {
        "runtime/progress.py",
        "run/summary.py",
        "report/terminal.py",
        "inspector/folder/terminal.py",
        "sweep/result.py",
        "data/download/transfer.py",
    },
}
KERAS = ("backbone/", "optimizer/", "model/", "export/")  # elsewhere only inside functions


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
    """The room that a file belongs to."""
    return path.parts[1].removesuffix(".py")


def is_command(path: Path) -> bool:
    return '__name__ == "__main__"' in (ROOT / path).read_text()


def test_the_layers_have_no_cycle():
    tuple(TopologicalSorter(MAY_IMPORT).static_order())


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_a_module_imports_only_what_lies_below_it(path):
    own = unit(path)
    if own == "__init__":  # the public names are imported when they are asked for
        assert {found.module for found in imports(path)} <= sys.stdlib_module_names
        return
    used = {found.module.split(".")[1] for found in imports(path) if "anomaly." in found.module}
    assert used <= MAY_IMPORT[own] | {own, "types", "errors"}


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_a_big_library_is_imported_only_by_its_owner(path):
    inside = path.relative_to("anomaly").as_posix()
    for found in imports(path):
        library = found.module.split(".")[0]
        assert library not in OWNERS or inside.startswith(tuple(OWNERS[library])), found
        assert library != "keras" or found.lazy or inside.startswith(KERAS), found


def test_the_entrypoint_knows_hydra_and_the_config_until_a_run_begins():
    assert {each.module for each in imports(Path("train.py"))} == {"sys", "anomaly.run.train.main"}
    first = {each.module for each in imports(Path("anomaly/run/train.py")) if not each.lazy}
    ours = {module for module in first if module.startswith("anomaly.")}
    assert first - ours <= {
        "__future__",
        "collections.abc",
        "logging",
        "os",
        "sys",
        "hydra",
        "omegaconf",
    }
    assert {module.split(".")[1] for module in ours} == {"config", "runtime"}


def test_reading_scoring_and_drawing_load_neither_networks_nor_tracking_nor_hydra():
    light = [p for p in MODULES if unit(p) in ("types", "masks", "data", "metrics", "plots")]
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


@pytest.mark.parametrize("module", ["anomaly.inspector.bundle", "anomaly.serve.command"])
def test_judging_and_serving_load_only_what_their_extras_install(module):
    heavy = {
        "keras",
        "tensorflow",
        "mlflow",
        "hydra",
        "omegaconf",
        "sklearn",
        "pycocotools",
        "pandas",
    }
    code = f"import sys, {module}; print(sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr
