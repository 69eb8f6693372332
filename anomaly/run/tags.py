"""The tags by which runs are found in MLflow: the kind of model, the split, the cross-validation."""

from __future__ import annotations

import hashlib
import json
import shlex
import subprocess

from anomaly.config.job import Job
from anomaly.config.parse import parameters
from anomaly.config.paths import CONF, INSTALLED
from anomaly.config.schema import SLOTS, RunConfig
from anomaly.run.identity import APART as WHEREABOUTS
from anomaly.run.identity import state
from anomaly.runtime import process
from anomaly.tracking.names import DESCRIPTION
from anomaly.tracking.nest import parent_of
from anomaly.types import Dataset

# What may differ between two folds of one cross-validation.
APART = ("data.fold", *WHEREABOUTS)
OF_ENSEMBLES = ("data", "ensemble", "experiment")  # the groups that matter to an ensemble


def model_kind(config: RunConfig, backbone: str | None) -> str:
    """What kind of model it is, by learner, backbone and head; ensembles take one of each."""
    learner = learner_kind(config)
    words = ("" if learner == "classifier" else learner, backbone, config.model.get("head"))
    return "-".join(word for word in words if word and word != "dense")


def learner_kind(config: RunConfig) -> str:
    """The name of the learner's module, such as classifier."""
    return str(config.model["_target_"]).split(".")[-2]


def tags(config: RunConfig, job: Job, dataset: Dataset) -> dict[str, str]:
    """What MLflow shows beside the figures and finds runs by."""
    groups = OF_ENSEMBLES if config.ensemble else job.choices
    tags = {
        "category": dataset.category,
        "split": dataset.digest,
        "folder": str(job.folder),
        "sweep": job.sweep or "",
        **parent_of(job.sweep),
        "process": process.this(),
        "git": _git_commit(),
        **{
            group: job.choices[group] for group in groups if group != "sweep"
        },  # "sweep" is its folder
        DESCRIPTION: "`" + shlex.join(["python", "train.py", *job.overrides]) + "`",
    }
    if dataset.folds_digest:
        tags["cross_validation"] = _cross_validation(config, job, dataset)
        tags["fold"] = str(config.data["fold"])
    return tags


def _cross_validation(config: RunConfig, job: Job, dataset: Dataset) -> str:
    """One name for all folds of one configuration.

    The members that an ensemble finds may change from day to day: its folds are of one sweep.
    """
    same = {k: v for k, v in parameters(config).items() if k not in APART}
    slots = ("ensemble",) if config.ensemble else SLOTS
    builds = [getattr(config, slot)["_target_"] for slot in slots]
    sweep = job.sweep if config.ensemble else None
    text = json.dumps(
        [dataset.folds_digest, builds, same, sweep, state()], sort_keys=True, default=str
    )
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _git_commit() -> str:
    """Of our clone; an installed package may lie in somebody else's."""
    if CONF == INSTALLED:
        return ""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        done = subprocess.run(command, cwd=CONF, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):  # no git, or no repository
        return ""
    return done.stdout.strip()
