"""Hands jobs to Hydra's launcher, and finds out what became of each: its own folder knows."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from omegaconf import OmegaConf, open_dict

from anomaly.errors import Pruned, Unsent, first_line
from anomaly.sweep.plan import Child
from anomaly.tracking.record import Record, read_record

log = logging.getLogger(__name__)
STOPPED = "stopped while it ran; the same command runs it again"
DIED = "its process ended without a word; the same command runs it again"


def launch(launcher: Launcher, children: Sequence[Child], first: int, sweep: Path) -> None:
    """Run the children, numbered from `first`, and note in each how it ended; raises nothing of theirs."""
    returns: Sequence[JobReturn | None] = [None] * len(children)
    reason = DIED
    _join_cluster(launcher)
    try:
        overrides = [child.overrides for child in children]
        returns = launcher.launch(overrides, initial_job_idx=first)
    except Exception as error:  # a launcher whose worker died, or that could not begin, has its own
        log.warning("the launcher gave up: %s: %s", type(error).__name__, error)
        said = first_line(error).split(". ")[0]  # joblib has a paragraph
        reason = (
            f"the launcher gave up ({type(error).__name__}: {said}); the same command runs what is"
            " missing"
        )
    except BaseException:  # stopped: what had not begun has not failed
        reason = ""
        raise
    finally:
        for number, (child, returned) in enumerate(zip(children, returns, strict=True), first):
            _collect(child, _folder(returned) or sweep / str(number), returned, reason)


def _join_cluster(launcher: Launcher) -> None:
    """A Ray cluster that runs already has its memory; the launcher would ask for some of its own."""
    ray = getattr(launcher, "ray_cfg", None)
    if ray and (ray.get("init") or {}).get("address"):
        with open_dict(ray.init):
            ray.init.setdefault("object_store_memory", None)


def _folder(returned: JobReturn | None) -> Path | None:
    """Where a job wrote, which hydra.sweep.subdir may have changed; None where it did not say."""
    said = returned and returned.hydra_cfg
    own = OmegaConf.select(said, "hydra.runtime.output_dir") if said else None
    return Path(own) if own else None


def _collect(child: Child, folder: Path, returned: JobReturn | None, reason: str) -> None:
    """What became of a child, whatever became of its process."""
    record = _record(folder)
    said: object = ""
    if returned is not None and returned.status == JobStatus.FAILED:
        said = returned._return_value
    if isinstance(said, Pruned):
        child.prune(str(said))
    elif record and record.status == "FINISHED" and (not said or isinstance(said, Unsent)):
        child.end("done", record.run_id, dict(record.metrics))
        child.reason = str(said)
    elif record or said or reason:
        child.fail(str(said) or reason or STOPPED)


def _record(folder: Path) -> Record | None:
    try:
        return read_record(folder)
    except (OSError, ValueError, TypeError):
        return None
