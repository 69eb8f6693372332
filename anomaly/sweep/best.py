"""The best settings of a search, as an experiment and as the commands that use it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf

from anomaly.config.schema import OVERLAYS, SLOTS
from anomaly.runtime.files import write_text
from anomaly.sweep import result
from anomaly.sweep.plan import Child, settings

GROUPS = (*SLOTS, *OVERLAYS)
PLACES = ("output", "data.root", "data.category", "tracking.uri", "cache.gigabytes")
EXCLUDED = (*PLACES, "sweep", "objective")  # keys that are not settings of the best run


def write(folder: Path, children: Sequence[Child], objective: str, same: Sequence[str]) -> None:
    """Write experiment/best.yaml in the sweep's folder, and print two commands that use it.

    Args:
        same: the overrides that all children share.
    """
    best = result.best(children, objective)
    if best is None:
        return
    chosen = {k: v for k, v in settings(best).items() if k not in EXCLUDED}
    path = folder / "experiment" / "best.yaml"
    path.parent.mkdir(exist_ok=True)
    figure = f"{objective} {best.metrics[objective]:.3f}"
    write_text(
        path, f"# @package _global_\n# The best of {result.command()}: {figure}\n{_yaml(chosen)}"
    )
    places = [word for word in same if word.partition("=")[0] in PLACES]
    typed = [f"{key}={value}" for key, value in chosen.items()]
    file = ["--config-dir", str(folder), "experiment=best"]
    print(f"as typed {shlex.join(['python', 'train.py', *places, *typed])}")
    print(f"as file  {shlex.join(['python', 'train.py', *file, *places])}")


def _yaml(chosen: dict[str, str]) -> str:
    """YAML: options of groups as a defaults list, values below their keys."""
    content: dict[str, Any] = {}
    groups = [_default(key, value) for key, value in chosen.items() if key in GROUPS]
    if groups:
        content["defaults"] = groups
    values = [f"{key}={value}" for key, value in chosen.items() if key not in GROUPS]
    content |= OmegaConf.to_container(OmegaConf.from_dotlist(values))  # type: ignore[arg-type]
    return yaml.safe_dump(content, sort_keys=False)


def _default(group: str, option: str) -> Any:
    """An entry of the defaults list; the experiment that was searched in is not overridden."""
    return option if group == "experiment" else {f"override /{group}": option}
