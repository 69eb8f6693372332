"""Puts finished runs side by side: one HTML page and one CSV file.

Runs are sorted by a validation figure, as models are chosen on validation images and test images
only show how good the choice is. Only runs that were tested on the same images are compared.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from anomaly.config.schema import STORE
from anomaly.errors import InputError
from anomaly.report import choose
from anomaly.report.collect import group_by_category, read_artifacts
from anomaly.report.csv_file import csv_text
from anomaly.report.page import page
from anomaly.report.runs import Row, rows
from anomaly.report.terminal import print_groups
from anomaly.runtime.files import write_text
from anomaly.tracking.read import all_finished, reader
from anomaly.tracking.store import store_at


def main(arguments: Sequence[str] | None = None, program: str = "anomaly report") -> None:
    """Read the runs, compare them, and write the page and the table.

    Args:
        arguments: words of the command line; None takes those of this process.
        program: what the user typed before them.

    Raises:
        InputError: there is no run, no run has a given name, or a store or folder cannot be used.
    """
    options = _parser(program).parse_args(arguments)
    uri = _uri(options)
    client = reader(uri)
    runs = rows(all_finished(client)) if client else []
    if client is None or not runs:
        raise InputError(_no_run(uri))
    chosen = _chosen(runs, options)
    metric = choose.metric(chosen, options.sort) if options.sort else choose.first_metric(chosen)
    reference = choose.run(chosen, options.against) if options.against else None
    artifacts = read_artifacts(client, chosen)
    categories = group_by_category(client, runs, chosen, artifacts, metric, reference)
    folder = options.to or options.output / "report"
    html = page(categories, artifacts, metric, uri, datetime.now())
    print_groups(categories)
    if not metric.startswith("val/"):
        print(f"note: sorted by {metric}; a choice made on test images is not proven by them")
    print("page    ", _write(folder / "report.html", html))
    print("table   ", _write(folder / "report.csv", csv_text(categories)))


def _uri(options: argparse.Namespace) -> str:
    if options.uri and not STORE.match(options.uri):
        raise InputError(
            f"--uri {options.uri} must be a server (http://HOST:PORT) or a database"
            " (sqlite:////FOLDER/mlflow.db)"
        )
    return store_at(options.output, options.uri).uri


def _no_run(uri: str) -> str:
    return (
        f"no finished run in {uri}; make one with"
        " `python train.py data.root=DIR data.category=NAME model=mobilenetv2` or `make demo`,"
        " or give the folder of your runs as --output"
    )


def _chosen(runs: Sequence[Row], options: argparse.Namespace) -> list[Row]:
    chosen = choose.of_role(choose.of_categories(runs, options.category), options.role)
    for condition in options.where:
        chosen = choose.with_tag(chosen, condition)
    return chosen


def _write(path: Path, text: str) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"cannot write {path}: {reason}; choose another folder by --to") from None
    return path


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(program, description=__doc__)
    add = parser.add_argument
    add("--output", type=Path, default=Path("outputs"), help="the output folder of the runs")
    add("--uri", help="the tracking store, if it is not <output>/mlflow.db")
    add("--category", nargs="+", default=[], metavar="NAME", help="only runs of these categories")
    add("--role", choices=("member", "pooled", "ensemble", "all"), default="all",
        help="only single models, pooled folds or ensembles")  # fmt: skip
    add("--where", nargs="+", default=[], metavar="TAG=VALUE", help="only runs with these tags")
    add("--sort", metavar="METRIC", help="sort by this figure, if not by validation accuracy")
    add("--against", metavar="RUN", help="compare the others with this run: an id or a name")
    add("--to", type=Path, metavar="FOLDER", help="where to write, if not to <output>/report")
    return parser
