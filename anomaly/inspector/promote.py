"""Gives a run's model a name and an alias in MLflow, and says what it replaces and whether it is better.

RUN is the id of a finished run. The line then asks for NAME@ALIAS, and gets this model.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from anomaly.errors import InputError
from anomaly.inspector.about import About
from anomaly.inspector.bundle import check
from anomaly.inspector.find import bundle_of
from anomaly.inspector.folder.acceptance import PROMISED, compare
from anomaly.metrics.mcnemar import mcnemar
from anomaly.metrics.recorded import scores_of
from anomaly.tracking.registry import Version, client_at, finished, holder, register

DIFFERENT = 0.05  # p below which one of two models is called better


def main(arguments: Sequence[str] | None = None) -> None:
    """Register the model and print what has changed.

    Raises:
        InputError: no such run, it left no model, or MLflow refuses the name.
    """
    options = _parser().parse_args(arguments)
    client = client_at(options.output, options.uri)
    run = finished(client, options.run)
    about = check(bundle_of(options.run, options.output, options.uri))
    name = options.name or about.category
    before = holder(client, name, options.alias)
    replaced = _replaced(before, about, options) if before else "it replaces nothing"
    version = register(client, name, options.alias, run)
    words = ("anomaly", "inspect", f"{name}@{options.alias}", "PHOTOS", "--output")
    lines = [
        _line(f"{name}@{options.alias} is version {version.version}", version, about),
        replaced,
        f"inspect with: {shlex.join([*words, str(options.output)])}",
    ]
    print("\n".join(lines))


def _replaced(before: Version, about: About, options: argparse.Namespace) -> str:
    what = f"it replaces version {before.version}"
    try:
        earlier = check(bundle_of(before.run_id, options.output, options.uri))
    except InputError as error:  # such as a run that was deleted since
        return f"{what}, with which it cannot be compared: {error}"
    lines = [_line(what, before, earlier), compared(about.outcomes, earlier.outcomes)]
    return "\n".join([*lines, *worse_shares(about.figures, earlier.figures)])


def worse_shares(new: Mapping[str, float], old: Mapping[str, float]) -> list[str]:
    """A warning for each promised share, sorting above all, that is worse than before."""
    shares = (scores_of(figures, "test").intervals for figures in (new, old))
    return [
        f"warning: {each.name} is {each.here.hits}/{each.here.total} instead of"
        f" {each.promised.hits}/{each.promised.total} (Fisher p = {each.p:.2g}): the new one is WORSE"
        for each in compare(*shares)
        if each.holds is False
    ]


def _line(what: str, version: Version, about: About) -> str:
    shares = scores_of(about.figures, "test").intervals
    figures = [f"{n} {shares[n].hits}/{shares[n].total}" for n in PROMISED if n in shares]
    return f"{what}: {about.name} (run {version.run_id}), {', '.join(figures)}, on {about.evidence}"


def compared(new: Mapping[str, bool], old: Mapping[str, bool]) -> str:
    """Whether the new model is better than the old one on the test images that both have."""
    shared = new.keys() & old.keys()
    if not shared:
        return "whether it is better cannot be said: the two were tested on different images"
    only_new, only_old, p = mcnemar({i: new[i] for i in shared}, {i: old[i] for i in shared})
    facts = (
        f"of {len(shared)} test images that both have, {only_new} are named right by the new one"
        f" alone and {only_old} by the old one alone (McNemar p = {p:.2g})"
    )
    if p >= DIFFERENT:
        return f"{facts}: no evidence that either is better"
    if only_new > only_old:
        return f"{facts}: the new one is better"
    return f"warning: {facts}: the new one is WORSE; promote the old run again to go back"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("anomaly promote", description=__doc__)
    add = parser.add_argument
    add("run", metavar="RUN", help="the id of a finished run")
    add("alias", metavar="ALIAS", help="such as champion")
    add("--name", help="of the model in MLflow (default: the category of the run)")
    add(
        "--output", type=Path, default=Path("outputs"), metavar="DIR", help="the folder of the runs"
    )
    add("--uri", help="the tracking store, if it is not <output>/mlflow.db")
    return parser
