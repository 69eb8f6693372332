"""Puts all runs of a category side by side: one HTML page and one CSV file.

Ranked is by a validation figure, as validation chooses and test only reports, and only where the
same images were tested.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from anomaly.config import explain as mistakes
from anomaly.config.schema import STORE, TrackingConfig
from anomaly.errors import InputError
from anomaly.report import choose
from anomaly.report.collect import arranged, read_all
from anomaly.report.page import page
from anomaly.report.runs import Row, rows
from anomaly.report.sheet import sheet
from anomaly.report.terminal import print_groups
from anomaly.tracking.read import all_finished, reader
from anomaly.tracking.store import store_uri


def main(arguments: Sequence[str] | None = None) -> None:
    """Read, arrange and write.

    Raises:
        InputError: no run, a name that is none of theirs, a store or a folder that cannot be used.
    """
    given = _parser().parse_args(arguments)
    uri = _uri(given)
    client = reader(uri)
    found = rows(all_finished(client)) if client else []
    if client is None or not found:
        raise InputError(_nothing(uri))
    chosen = _chosen(found, given)
    metric = choose.metric(chosen, given.sort)
    against = choose.run(chosen, given.against) if given.against else None
    seen = read_all(client, chosen)
    categories = arranged(client, found, chosen, seen, metric, against)
    folder = given.to or given.output / "report"
    html = page(categories, seen, metric, uri, datetime.now())
    print_groups(categories)
    if not metric.startswith("val/"):
        print(f"note: sorted by {metric}; what is chosen by a test figure is not proven by it")
    print("page    ", _write(folder / "report.html", html))
    print("table   ", _write(folder / "report.csv", sheet(categories)))


def _uri(given: argparse.Namespace) -> str:
    if given.uri and not STORE.match(given.uri):
        raise InputError(
            f"--uri {given.uri} must be a server (http://HOST:PORT) or a database"
            " (sqlite:////FOLDER/mlflow.db)"
        )
    return store_uri(TrackingConfig(given.uri), given.output)


def _nothing(uri: str) -> str:
    return (
        f"no finished run in {uri}; make one with"
        " `python train.py data.root=DIR data.category=NAME model=mobilenetv2` or `make demo`,"
        " or name the folder of your runs with --output"
    )


def _chosen(found: Sequence[Row], given: argparse.Namespace) -> list[Row]:
    chosen = choose.of_role(choose.of_categories(found, given.category), given.role)
    for condition in given.where:
        chosen = choose.with_tag(chosen, condition)
    return chosen


def _write(path: Path, text: str) -> Path:
    """In one piece: a browser that reloads meanwhile sees the old page or the new one."""
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8", newline="")
        os.replace(part, path)
    except OSError as error:
        why = error.strerror or error
        raise InputError(f"cannot write {path}: {why}; name another folder with --to") from None
    return path


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m anomaly.report", description=__doc__)
    add = parser.add_argument
    add("--output", type=Path, default=Path("outputs"), help="the output folder of the runs")
    add("--uri", help="their tracking store, if it is not <output>/mlflow.db")
    add("--category", nargs="+", default=[], metavar="NAME", help="only these")
    add("--role", choices=("member", "pooled", "ensemble", "all"), default="all", help="only these")
    add("--where", nargs="+", default=[], metavar="TAG=VALUE", help="only runs with these tags")
    add("--sort", default="val/accuracy", metavar="METRIC", help="what orders them")
    add("--against", metavar="RUN", help="whom the others are compared with: a run's id or name")
    add("--to", type=Path, metavar="FOLDER", help="where to write, if not to <output>/report")
    return parser


if __name__ == "__main__":
    with mistakes.explained():
        main()
