"""Inspects photos with a trained model: a table, a page to leaf through, and a summary.

MODEL is the folder of a run or of a bundle, the id of a run, NAME@ALIAS, or latest. PHOTOS are files, folders,
patterns, or - for a list on standard input. Photos in folders that are named as the classes are an
acceptance test. What is interrupted goes on where it was when the same command is given again.
"""

from __future__ import annotations

import argparse
import logging
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from anomaly.data.read import SUFFIXES
from anomaly.errors import InputError, first_line
from anomaly.inspector.about import About
from anomaly.inspector.bundle import check, read
from anomaly.inspector.find import bundle_of
from anomaly.inspector.folder.judging import judge, watch
from anomaly.inspector.folder.photos import files_of, typed
from anomaly.inspector.folder.results import Results
from anomaly.inspector.inspector import Inspector
from anomaly.inspector.verdict import REJECTED
from anomaly.runtime import signals

if TYPE_CHECKING:
    from anomaly.inspector.folder.summary import Findings

LOG = "inspect.log"
LONGEST = 100  # letters of a model's name in the name of a folder
REJECTED_ONE = 3  # exit code of --fail-on-defect


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge the photos; returns the exit code.

    Raises:
        InputError: no such model or photos, or a disk that is full; what was judged is kept.
    """
    options = _parser().parse_args(arguments)
    signals.raise_on_sigterm()
    signals.remember_ctrl_c()
    bundle = bundle_of(options.model, options.output, options.uri)
    out = options.out or _usual_folder(check(bundle), options.output)
    list_files = partial(files_of, typed(options.photos), out)
    files = list_files()
    if not files and not options.watch:
        raise InputError(
            f"{', '.join(options.photos)}: there is no photo to inspect ({', '.join(SUFFIXES)})"
        )
    inspector = _at_thresholds(read(bundle), options)
    results = Results(out, inspector)
    if not options.watch:
        results.choose(files)
    judge_files = _on_ray(bundle, options) if options.ray else judge
    with results.alone(), _logged(results):
        _judge(inspector, list_files, results, options.watch, judge_files)
        _conclude(inspector, results)
    rejected = any(row.verdict in REJECTED for row in results.shown)
    return REJECTED_ONE if options.fail_on_defect and rejected else 0


def _judge(
    inspector: Inspector,
    list_files: partial,
    results: Results,
    watched: bool,
    judge_files: Callable[[Inspector, Sequence[str], Results], None],
) -> None:
    """Ctrl-C is how watching ends; else it leaves what is judged in the table and on the page."""
    try:
        if watched:
            look = partial(list_files, again=True)
            watch(inspector, look, results, partial(_write, inspector, results))
        judge_files(inspector, list_files(), results)
    except KeyboardInterrupt:
        if watched:
            return
        _write(inspector, results)
        raise


def _on_ray(bundle: Path, options: argparse.Namespace) -> partial:
    """As `judge`, in the processes of a cluster.

    Raises:
        InputError: Ray is not installed, or photos are watched.
    """
    if options.watch:
        raise InputError("--ray is for photos that are there already; leave out --watch")
    try:
        from anomaly.inspector.folder import ray_data
    except ImportError as error:
        raise InputError(
            "--ray needs Ray: in this project's clone, pip install '.[inspect,ray]'"
            f" ({first_line(error)})"
        ) from None
    return partial(ray_data.judge, bundle=bundle, processes=options.ray)


def _write(inspector: Inspector, results: Results) -> Findings:
    from anomaly.inspector.folder.summary import write  # loads SciPy and Matplotlib: after verdicts

    return write(inspector, results)


def _conclude(inspector: Inspector, results: Results) -> None:
    from anomaly.inspector.folder.terminal import print_summary

    print_summary(inspector, results, _write(inspector, results))


def _at_thresholds(inspector: Inspector, options: argparse.Namespace) -> Inspector:
    """At the threshold that the command line asks for, or that of the run."""
    if options.threshold is not None:
        return inspector.with_threshold(options.threshold)
    if options.max_escape_rate is not None:
        return inspector.with_max_escape_rate(options.max_escape_rate)
    return inspector


def _usual_folder(about: About, output: Path) -> Path:
    """One for each model, so that its results are not mixed with those of another."""
    name = re.sub(r"[^\w.,=-]+", "-", about.name)[:LONGEST]  # others may have written the bundle
    return output / "inspected" / f"{name}-{about.digest[:8]}"


class _Handler(logging.FileHandler):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  (logging's name)
        """A full disk is noticed with the next verdict, in one sentence."""


@contextmanager
def _logged(results: Results) -> Iterator[None]:
    """Progress goes to a file, a line for each photo; learners say nothing of their single steps."""
    log = logging.getLogger("anomaly.inspector")
    with results.writing():
        handler = _Handler(results.folder / LOG, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)
        with suppress(OSError):
            handler.close()


def _count(text: str) -> int:
    if text.isdecimal() and int(text):
        return int(text)
    raise argparse.ArgumentTypeError(f"{text} is not a whole number from 1 on")


def _share(text: str) -> float:
    with suppress(ValueError):
        if 0 <= float(text) <= 1:
            return float(text)
    raise argparse.ArgumentTypeError(f"{text} is not a number from 0 to 1")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("anomaly inspect", description=__doc__)
    add = parser.add_argument
    add("model", metavar="MODEL", help="a run's folder or id, a bundle, or NAME@ALIAS")
    add("photos", metavar="PHOTOS", nargs="+", help="files, folders, patterns, or -")
    add("--out", type=Path, metavar="DIR",
        help="where the results go (default: one for each model in <output>/inspected)")  # fmt: skip
    add("--watch", action="store_true", help="go on with photos that come later, until Ctrl-C")
    add("--ray", type=_count, metavar="N",
        help="judge in N processes of the Ray cluster at RAY_ADDRESS, or of one on this machine")  # fmt: skip
    add("--fail-on-defect", action="store_true", help="exit code 3 when a part was sorted out")
    thresholds = parser.add_mutually_exclusive_group()
    thresholds.add_argument("--threshold", type=_share, metavar="P",
        help="sort out parts whose probability of a defect is P or more, instead of the run's")  # fmt: skip
    thresholds.add_argument("--max-escape-rate", type=_share, metavar="SHARE",
        help="sort out so many that at most this share of validate's defects escapes")  # fmt: skip
    add(
        "--output", type=Path, default=Path("outputs"), metavar="DIR", help="the folder of the runs"
    )
    add("--uri", help="the tracking store, if it is not <output>/mlflow.db")
    return parser
