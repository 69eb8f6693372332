"""Judges files in many processes, on all machines of a Ray cluster: the rows are those of `judging.judge`.

Every machine needs the bundle and the photos at the same paths.
"""

from __future__ import annotations

import json
import logging
import math
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import ray
from ray.data import ActorPoolStrategy, DataContext, Dataset

from anomaly.inspector.bundle import read
from anomaly.inspector.folder.judging import judged
from anomaly.inspector.folder.photos import load
from anomaly.inspector.folder.results import Results
from anomaly.inspector.folder.rows import Row, line
from anomaly.inspector.inspector import Inspector
from anomaly.metrics.operating import OperatingPoint
from anomaly.runtime import signals
from anomaly.runtime.progress import track

FILE, DIGEST, ROW, PICTURE = "file", "digest", "row", "picture"  # columns
UNKNOWN = "unknown"  # as DIGEST, of a file that was not judged; that of an unreadable one is empty
FILES = 32  # that a process is given at a time
ADDRESS = "RAY_ADDRESS"  # of a cluster that runs; without it, one starts here


def judge(
    inspector: Inspector, files: Sequence[str], results: Results, *, bundle: Path, processes: int
) -> None:
    """As `judging.judge`, in so many processes; `bundle` is the folder of the inspector.

    Raises:
        InputError: a disk that is full; what was judged is kept.
    """
    _connect()
    try:
        dataset = _dataset(files, results).map(
            Judge,
            fn_constructor_args=(str(bundle.absolute()), inspector.point),
            compute=ActorPoolStrategy(size=processes),
            num_cpus=1,
        )
        for item in track(dataset.iter_rows(), "photos", len(files)):
            signals.check()
            if item[ROW]:
                results.add(Row(**json.loads(item[ROW])), item[PICTURE] or None)
    finally:
        ray.shutdown()


class Judge:
    """The model in one process."""

    def __init__(self, bundle: str, point: OperatingPoint) -> None:
        self.inspector = replace(read(Path(bundle), threads=1), point=point)

    def __call__(self, item: dict[str, Any]) -> dict[str, Any]:
        """The row of a file as JSON, and its small picture; nothing if it was judged before."""
        photo = load(os.fsdecode(item[FILE]), lambda _, digest: digest == item[DIGEST])
        if photo is None:
            return {ROW: "", PICTURE: b""}
        row, picture = judged(self.inspector, photo)
        return {ROW: line(row), PICTURE: picture or b""}


def _dataset(files: Sequence[str], results: Results) -> Dataset:
    """Each file, as bytes since its name need not be UTF-8, and its content that was judged before."""
    digests = {os.path.abspath(row.file): row.digest for row in results.rows.values()}
    items = [
        {FILE: os.fsencode(file), DIGEST: digests.get(os.path.abspath(file), UNKNOWN)}
        for file in files
    ]
    return ray.data.from_items(items, override_num_blocks=math.ceil(len(items) / FILES))


def _connect() -> None:
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    here = {} if os.environ.get(ADDRESS) else {"include_dashboard": False}
    ray.init(log_to_driver=False, logging_level="ERROR", **here)
    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.preserve_order = True
