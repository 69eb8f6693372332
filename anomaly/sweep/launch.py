"""Hands jobs to Hydra's launcher, and reads in each job's folder how it ended."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from omegaconf import OmegaConf, open_dict

from anomaly.errors import Pruned, Unsent, first_line
from anomaly.sweep.plan import Child
from anomaly.tracking.disk.record import Record, read_record

log = logging.getLogger(__name__)
STOPPED = "stopped before it finished; the same command runs it again"
DIED = "its process died without an error message; the same command runs it again"


def launch(launcher: Launcher, children: Sequence[Child], first: int, sweep: Path) -> None:
    """Run the children, numbered from `first`, and note in each how it ended; none raises."""
    returns: Sequence[JobReturn | None] = [None] * len(children)
    reason = DIED
    _join_cluster(launcher)
    try:
        overrides = [child.overrides for child in children]
        returns = launcher.launch(overrides, initial_job_idx=first)
    except Exception as error:  # each launcher raises other types, when a worker dies for instance
        log.warning("the launcher failed: %s: %s", type(error).__name__, error)
        sentence = first_line(error).split(". ")[0]  # joblib writes a paragraph
        reason = (
            f"the launcher failed ({type(error).__name__}: {sentence}); the same command runs what"
            " is missing"
        )
    except BaseException:  # stopped: a job that had not begun has not failed
        reason = ""
        raise
    finally:
        for number, (child, returned) in enumerate(zip(children, returns, strict=True), first):
            _collect(child, _folder(returned) or sweep / str(number), returned, reason)


def _join_cluster(launcher: Launcher) -> None:
    """Ask for no object store where a Ray cluster runs already: Ray would refuse to join it."""
    ray = getattr(launcher, "ray_cfg", None)
    if ray and (ray.get("init") or {}).get("address"):
        with open_dict(ray.init):
            ray.init.setdefault("object_store_memory", None)


def _folder(returned: JobReturn | None) -> Path | None:
    """Where a job wrote, which hydra.sweep.subdir may have changed; None where it is not known."""
    config = returned and returned.hydra_cfg
    folder = OmegaConf.select(config, "hydra.runtime.output_dir") if config else None
    return Path(folder) if folder else None


def _collect(child: Child, folder: Path, returned: JobReturn | None, reason: str) -> None:
    """Note how a child ended, even if its process could not report it."""
    record = _record(folder)
    error: object = ""
    if returned is not None and returned.status == JobStatus.FAILED:
        error = returned._return_value
    if isinstance(error, Pruned):
        child.prune(str(error))
    elif record and record.status == "FINISHED" and (not error or isinstance(error, Unsent)):
        child.end("done", record.run_id, dict(record.metrics))
        child.reason = str(error)
    elif record or error or reason:
        child.fail(str(error) or reason or STOPPED)


def _record(folder: Path) -> Record | None:
    try:
        return read_record(folder)
    except (OSError, ValueError, TypeError):
        return None
