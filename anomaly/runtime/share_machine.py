"""A job's share of a machine that several jobs use at the same time."""

from __future__ import annotations

import os
from glob import glob
from typing import Any

# TensorFlow, JAX and BLAS read these when they are first imported; what the user has set stays.
THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
GPU_MEMORY = 0.9  # of a GPU, for all its jobs; the rest is left to the driver


def divide(launcher: Any, number: int) -> None:
    """Limit this process to its share of the cores and GPUs; call it before Keras is imported.

    Args:
        launcher: the settings of Hydra's launcher.
        number: of the job in its sweep; a worker process keeps the GPU of its first job.
    """
    jobs, cores = at_once(launcher), cores_of(launcher)
    if jobs < 2 and cores == available():
        return
    for name in THREADS:
        os.environ.setdefault(name, str(cores))
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    if (gpus := len(glob("/dev/nvidia[0-9]*"))) and not _scheduled(launcher):
        os.environ.setdefault("CUDA_VISIBLE_DEVICES", str(number % gpus))
        per_gpu = -(-jobs // gpus)
        os.environ.setdefault("XLA_PYTHON_CLIENT_MEM_FRACTION", f"{GPU_MEMORY / per_gpu:.2f}")


def at_once(launcher: Any) -> int:
    """How many jobs run at a time on this machine, as far as the launcher knows."""
    jobs = launcher.get("n_jobs") or 1
    return available() if jobs < 0 else jobs


def cores_of(launcher: Any) -> int:
    """The cores of one job: as many as a scheduler gives it, or an equal share."""
    granted = launcher.get("cpus_per_task")
    if "ray" in launcher:
        granted = launcher.ray.remote.get("num_cpus", 1)  # what Ray assumes for a job
    return max(1, min(granted or available() // at_once(launcher), available()))


def available() -> int:
    """The cores that this process may use, which a scheduler may have limited."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _scheduled(launcher: Any) -> bool:
    """Whether SLURM or Ray assigns the GPUs."""
    return "cpus_per_task" in launcher or "ray" in launcher
