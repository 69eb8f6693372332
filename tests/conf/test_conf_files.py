"""Every file under conf/ is one test parameter: it composes, parses, and binds to its build."""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from anomaly.config import ranges, signature
from anomaly.config.parse import UNREAD, parameters
from anomaly.config.schema import OVERLAYS, SLOTS, RunConfig

ROOT = Path(__file__).parents[2]
CONF = ROOT / "conf"
EVERY = sorted(path.relative_to(CONF).as_posix() for path in CONF.rglob("*.yaml"))
FILES = [name for name in EVERY if not name.startswith("hydra/")]
BUILT = (*SLOTS, "ensemble")  # the groups whose options are a `build` each
BUILDS = [
    name for name in FILES if name.startswith(BUILT) and "_target_" in OmegaConf.load(CONF / name)
]
GROUPS = {*SLOTS, "ensemble", "trainer", "experiment", "sweep"}
HEAVY = {"tensorflow", "jax", "keras", "mlflow", "albumentations", "sklearn", "matplotlib", "cv2"}


def override(name: str) -> list[str]:
    """The command line that chooses a file; the primary one is chosen by saying nothing."""
    path = Path(name)
    return [] if name == "config.yaml" else [f"{path.parent.as_posix()}={path.stem}"]


def test_conf_holds_exactly_the_groups_that_the_program_knows():
    assert {str(Path(name).parent) for name in FILES if name != "config.yaml"} == GROUPS
    assert {*SLOTS, *OVERLAYS} == GROUPS
    assert set(signature.RUNTIME) == set(BUILT)


def test_a_run_trains_unless_an_ensemble_is_chosen(parsed):
    assert parsed().ensemble is None
    assert parsed("ensemble=soft_vote").ensemble["_target_"] == "anomaly.ensemble.soft_vote.build"


def test_tags_of_members_are_typed_as_the_comment_says(parsed):
    typed = "members.where=['trainer=transfer']"
    assert typed.removeprefix("members.where=") in (CONF / "config.yaml").read_text()
    assert parsed("ensemble=soft_vote", typed).members.where == ["trainer=transfer"]


def test_a_run_records_no_parameter_that_means_nothing_to_it(parsed):
    for overrides, combines in ([], False), (["ensemble=meta_learner"], True):
        groups = {key.split(".")[0] for key in parameters(parsed(*overrides))}
        assert groups.isdisjoint(UNREAD[combines])
        assert {"data", "evaluate", "seed", "objective"} <= groups
        assert ("members" in groups, "model" in groups) == (combines, not combines)
    kept = parameters(parsed(), ("backbone", "trainer"))
    assert {key.split(".")[0] for key in kept}.isdisjoint({"backbone", "trainer"})
    keys = set(RunConfig.__dataclass_fields__)
    assert set(UNREAD[True]) | set(UNREAD[False]) <= keys


@pytest.mark.parametrize("name", FILES)
def test_the_file_composes_and_passes_every_check(name, parsed):
    parsed(*override(name))


def test_composing_and_parsing_imports_no_heavy_library():
    code = f"""
import sys
from hydra import compose, initialize_config_dir
from anomaly.config.parse import parse, register
register()
with initialize_config_dir({str(CONF)!r}, version_base="1.3"):
    for overrides in {[override(name) for name in FILES]!r}:
        parse(compose("config", overrides))
print(sorted({HEAVY!r} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.parametrize("name", FILES)
def test_a_package_directive_stands_in_the_first_line_where_hydra_reads_it(name):
    lines = (CONF / name).read_text().splitlines()
    assert not [line for line in lines[1:] if line.lstrip("# ").startswith("@package")]
    if name.startswith(("experiment/", "sweep/")):
        assert lines[0] == "# @package _global_"


@pytest.mark.parametrize(
    "name", [name for name in FILES if name.startswith(("experiment/", "sweep/"))]
)
def test_a_recipe_says_the_command_that_repeats_it(name):
    path = Path(name)
    assert f"python train.py {path.parent}={path.stem}" in (CONF / name).read_text()


def test_every_option_of_a_slot_is_a_build_or_a_short_name():
    plain = set(FILES) - set(BUILDS) - {"config.yaml"}
    overlays = ("trainer/", "experiment/", "sweep/")
    short = {name for name in plain if not name.startswith(overlays)}
    assert all((CONF / name).read_text().startswith("# @package _global_") for name in short)


@pytest.mark.parametrize("name", BUILDS)
def test_the_target_is_a_build_of_its_own_slot_left_for_the_workflow_to_call(name):
    node = OmegaConf.load(CONF / name)
    package, slot, module, function = node._target_.split(".")
    assert (package, slot, function) == ("anomaly", Path(name).parent.name, "build")
    place = ROOT / "anomaly" / slot / module
    assert place.with_suffix(".py").is_file() or (place / "__init__.py").is_file()
    assert node._partial_ is True


@pytest.mark.parametrize("name", BUILDS)
def test_keys_and_runtime_arguments_bind_exactly_to_the_imported_build(name):
    slot, node = Path(name).parent.name, OmegaConf.load(CONF / name)
    keys = {key for key in node if key not in ("_target_", "_partial_", "defaults")}
    module = importlib.import_module(node._target_.removesuffix(".build"))
    wanted = inspect.signature(module.build).parameters
    assert {p.kind for p in wanted.values()} <= {inspect.Parameter.KEYWORD_ONLY}
    assert {p.default for p in wanted.values()} <= {inspect.Parameter.empty}  # values live in YAML
    assert set(wanted) == keys | (set(wanted) & signature.RUNTIME[slot])
    assert slot == "model" or signature.RUNTIME[slot] <= set(wanted)  # learners differ in needs


@pytest.mark.parametrize("name", BUILDS)
def test_the_signature_read_from_source_is_the_one_python_sees(name):
    slot, node = Path(name).parent.name, OmegaConf.load(CONF / name)
    module = importlib.import_module(node._target_.removesuffix(".build"))
    read = signature.parameters(Path(module.__file__), signature.RUNTIME[slot])
    assert set(read) == set(inspect.signature(module.build).parameters) - signature.RUNTIME[slot]
    names = {n.id for a in read.values() for n in ast.walk(a) if isinstance(n, ast.Name)}
    for word in names - set(signature.PLAIN) - {"Literal", "list", "tuple"}:
        assert getattr(module, word) is getattr(ranges, word)
