"""From a composed config to a checked run, before a heavy library is imported."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

from hydra.conf import HydraConf
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue

from anomaly.config import suggest as nearest
from anomaly.config.schema import OVERLAYS, SLOTS, RunConfig
from anomaly.errors import InputError

LAUNCHERS = {"submitit": "submitit_slurm"}
UNUSED = {  # the keys that mean nothing to a run that trains, and to one that combines
    False: ("ensemble", "members"),
    True: ("augment", "backbone", "optimizer", "model", "trainer", "cache"),
}


@dataclass(frozen=True)
class Job:
    """What Hydra knows about this run and the config itself does not."""

    folder: Path
    choices: dict[str, str]  # the option chosen for every slot
    overrides: tuple[str, ...]
    sweep: str | None  # the folder of the sweep, when there is one


def words(typed: Sequence[str]) -> list[str]:
    """The command line as Hydra reads it.

    argparse takes overrides from one place only; people type -m and the like between them.
    sweep.launcher=joblib is what Hydra calls hydra/launcher=joblib.
    """
    own = [re.sub(r"^sweep\.launcher(?:([.])|=(\w+))", _launcher, word) for word in typed]
    placed = zip(map(_is_override, own, ["", *own]), own, strict=True)
    return [word for _, word in sorted(placed, key=lambda pair: pair[0])]


def _is_override(word: str, before: str) -> bool:
    """Rather than an option of Hydra's, such as --config-dir, or what follows one."""
    return bool(re.match(r"[^-].*=|~", word)) and not re.match(r"--?(config|c[pnd]$)[^=]*$", before)


def _launcher(found: re.Match) -> str:
    """The choice of one, or a setting of the one chosen; submitit is for SLURM."""
    if found[1] == ".":
        return "hydra.launcher."
    return "hydra/launcher=" + LAUNCHERS.get(found[2], found[2])


def register() -> None:
    """Make the schema known to Hydra; called once, by train.py."""
    ConfigStore.instance().store(name="schema", node=RunConfig)


def parse(cfg: DictConfig) -> RunConfig:
    """Resolve and check a composed config.

    Raises:
        InputError: naming every key whose value is missing, unknown or out of range.
    """
    try:
        run = OmegaConf.to_object(cfg)
    except MissingMandatoryValue as error:
        raise InputError(
            f"{error.full_key} has no value; give it as {error.full_key}=..."
        ) from None
    assert isinstance(run, RunConfig)
    known = known_keys(cfg)
    strangers = [f"{k} is not a known key{nearest.advice(k, known)}" for k in _strangers(run)]
    if mistakes := [*strangers, *run.mistakes()]:
        raise InputError("\n".join(mistakes))
    return run


def _strangers(node: Any, prefix: str = "") -> Iterator[str]:
    """Every key that +key=value brought in and nothing reads."""
    known = {f.name for f in fields(node)}
    for key, value in vars(node).items():
        if key not in known:
            yield f"{prefix}{key}"
        elif is_dataclass(value):
            yield from _strangers(value, f"{prefix}{key}.")


def parameters(run: RunConfig, without: Sequence[str] = ()) -> dict[str, Any]:
    """Every value of the run under its config path, but for groups that it does not read."""
    unused = (*UNUSED[run.ensemble is not None], *without)
    return {
        key: value
        for key, value in _flat(asdict(run)).items()
        if not key.endswith(("_target_", "_partial_")) and key.split(".")[0] not in unused
    }


def current_job() -> Job:
    """The job that Hydra is running."""
    hydra = HydraConfig.get()
    return job(hydra, Path(hydra.runtime.output_dir))


def sweeping() -> bool:
    """Whether the job that Hydra is running is one of several."""
    return HydraConfig.get().mode == RunMode.MULTIRUN


def place_among() -> tuple[Any, int]:
    """The launcher of the sweep that Hydra's job is part of, and the job's number in it."""
    hydra = HydraConfig.get()
    return hydra.launcher, int(hydra.job.num)


def job(hydra: DictConfig | HydraConf, folder: Path) -> Job:
    """What the `hydra` part of a composed config says of its job."""
    sweep = str(Path(str(hydra.sweep.dir)).absolute()) if hydra.mode == RunMode.MULTIRUN else None
    chosen = hydra.runtime.choices
    return Job(
        folder=folder,
        choices={group: chosen.get(group) or "" for group in (*SLOTS, *OVERLAYS)},
        overrides=tuple(hydra.overrides.task),
        sweep=sweep,
    )


def known_keys(cfg: DictConfig) -> list[str]:
    """Every path a user may override, for suggestions."""
    flat = _flat(OmegaConf.to_container(cfg, throw_on_missing=False))
    values = {key for key in flat if not key.endswith(("_target_", "_partial_"))}
    return sorted(values | {f.name for f in fields(RunConfig)})


def _flat(node: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(node, dict):
        return {prefix: node}
    out: dict[str, Any] = {}
    for key, value in node.items():
        out |= _flat(value, f"{prefix}.{key}" if prefix else str(key))
    return out
