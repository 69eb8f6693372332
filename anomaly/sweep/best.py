"""The best settings of a search, as an experiment and as the commands that use it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import yaml
from omegaconf import OmegaConf

from anomaly.config.schema import OVERLAYS, SLOTS
from anomaly.sweep import result
from anomaly.sweep.plan import settings

if TYPE_CHECKING:
    from anomaly.sweep.session import Session

GROUPS = (*SLOTS, *OVERLAYS)
PLACES = ("output", "data.root", "data.category", "tracking.uri", "cache.gigabytes")
OWN = (*PLACES, "sweep", "objective")  # no part of what was found


def write(session: Session, same: Sequence[str]) -> None:
    """experiment/best.yaml in the sweep's folder, and how to use it on the terminal."""
    found = result.best(session.children, session.config.objective)
    if found is None:
        return
    chosen = {k: v for k, v in settings(found).items() if k not in OWN}
    path = session.folder / "experiment" / "best.yaml"
    path.parent.mkdir(exist_ok=True)
    figure = f"{session.config.objective} {found.metrics[session.config.objective]:.3f}"
    path.write_text(
        f"# @package _global_\n# Found by {result.command()}: {figure}\n{_yaml(chosen)}"
    )
    rest = [word for word in same if word.partition("=")[0] in PLACES]
    typed = [f"{key}={value}" for key, value in chosen.items()]
    file = ["--config-dir", str(session.folder), "experiment=best"]
    print(f"as typed {shlex.join(['python', 'train.py', *rest, *typed])}")
    print(f"as file  {shlex.join(['python', 'train.py', *file, *rest])}")


def _yaml(chosen: dict[str, str]) -> str:
    """Options of groups as a defaults list, values below their keys."""
    content: dict[str, Any] = {}
    groups = [_default(key, value) for key, value in chosen.items() if key in GROUPS]
    if groups:
        content["defaults"] = groups
    values = [f"{key}={value}" for key, value in chosen.items() if key not in GROUPS]
    content |= OmegaConf.to_container(OmegaConf.from_dotlist(values))  # type: ignore[arg-type]
    return yaml.safe_dump(content, sort_keys=False)


def _default(group: str, option: str) -> Any:
    """A line of the defaults list; the experiment that was searched in stands beside this file."""
    return option if group == "experiment" else {f"override /{group}": option}
