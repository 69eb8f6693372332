"""The result of a sweep: a table, its best job, a picture, and the command that repeats it."""

from __future__ import annotations

import csv
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from anomaly.metrics.catalogue import lower_is_better
from anomaly.plots.sweep import sweep_chart
from anomaly.runtime.files import replacing
from anomaly.sweep.plan import Child, settings, varied
from anomaly.tracking.names import PARENT

TEST = "test/accuracy"
# Among jobs that differ by chance, or in what they are tested on, none is the best.
INCOMPARABLE = {"data.fold", "data.seed", "seed", "data", "data.root", "data.category"}
STYLES = {"done": "green", "skipped": "dim", "pruned": "yellow", "failed": "red"}


def best(children: Sequence[Child], objective: str) -> Child | None:
    """The child with the best objective, of equal ones the first.

    None if no child has the objective, or if they differ in a seed, a fold or their data.
    """
    scored = [child for child in children if objective in child.metrics]
    if INCOMPARABLE & set(varied(children)):
        return None
    sign = -1 if lower_is_better(objective) else 1
    return max(scored, key=lambda child: sign * child.metrics[objective], default=None)


def rows(children: Sequence[Child], objective: str) -> list[list[str]]:
    """A header, then one row for each child: varied settings, state, objective, run, reason.

    No test figures, since people would choose by them; MLflow has them for each run.
    """
    keys = varied(children)
    header = [*brief(keys), "state", objective, "run", "reason"]
    ends = [[c.state, _number(c.metrics.get(objective)), c.run_id, c.reason] for c in children]
    return [header, *([*_typed(c, keys), *end] for c, end in zip(children, ends, strict=True))]


def brief(keys: Sequence[str]) -> list[str]:
    """The last word of each key, or the whole key where two have the same last word."""
    last = [key.rpartition(".")[2] for key in keys]
    return [word if last.count(word) == 1 else key for word, key in zip(last, keys, strict=True)]


def _typed(child: Child, keys: Sequence[str]) -> list[str]:
    typed = settings(child)
    return [typed.get(key, "") for key in keys]


def _tested(child: Child) -> str:
    """The test accuracy of the chosen job, with its 95 % interval."""
    figures = [child.metrics.get(f"{TEST}{end}") for end in ("", "_low", "_high")]
    if None in figures:
        return ""
    value, low, high = map(_number, figures)
    return f"{TEST} {value} ({low} to {high})"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def write(folder: Path, children: Sequence[Child], objective: str) -> None:
    """Write sweep.csv and sweep.png."""
    with replacing(folder / "sweep.csv") as aside, aside.open("w", newline="") as file:
        csv.writer(file).writerows(rows(children, objective))
    keys = varied(children)
    typed = [_typed(child, keys) for child in children]
    values = [child.metrics.get(objective) for child in children]
    with replacing(folder / "sweep.png") as aside:
        sweep_chart(brief(keys), typed, values, objective).savefig(aside, format="png")


def show(children: Sequence[Child], objective: str, chosen: Child | None) -> None:
    """Print the table without run ids, the reasons of failures, the counts, and the best job."""
    if not children:
        return
    console = Console(soft_wrap=True)
    header, *body = rows(children, objective)
    table = Table(title="Sweep", title_justify="left", title_style="bold")
    for column in header[:-2]:
        table.add_column(escape(column), justify="right" if column == objective else "left")
    for child, row in zip(children, body, strict=True):
        table.add_row(
            *map(escape, row[:-2]), style="bold" if child is chosen else STYLES.get(child.state)
        )
    console.print(table)
    for child in (child for child in children if child.reason):
        console.print(f"{child.state}   {_title(child, children)}: {child.reason}", markup=False)
    console.print(counts(children), highlight=False)
    if chosen:
        console.print(f"best     {_title(chosen, children)}", markup=False, highlight=False)
        figure = f"{objective} {_number(chosen.metrics[objective])}"
        console.print(f"         {figure}; {_tested(chosen)}; run {chosen.run_id}", highlight=False)


def counts(children: Sequence[Child]) -> str:
    """How many jobs ended in each state."""
    states = [child.state for child in children]
    numbers = [f"{states.count(s)} {s}" for s in (*STYLES, "planned") if s in states]
    text = ", ".join(numbers).replace("planned", "not started")
    before = any(child.state == "skipped" and not child.reason for child in children)
    hint = "; skipped: finished before, with the same settings, data and code" if before else ""
    return f"jobs     {text}{hint}"


def note(children: Sequence[Child], objective: str, chosen: Child | None) -> str:
    """The description that the MLflow UI shows, in Markdown."""
    header, *body = rows(children, objective)
    lines = [header[:-2], ["---"] * len(header[:-2]), *(row[:-2] for row in body)]
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    chosen_is = f"{_title(chosen, children)}; {_tested(chosen)}" if chosen else "none chosen"
    return f"`{command()}`\n\n{counts(children)}\n\nbest: {chosen_is}\n\n{table}"


def titles(children: Sequence[Child], parent: str) -> dict[str, str]:
    """{run id: its varied settings, in short} of all jobs below the run `parent`, old and new."""
    keys = varied(children)
    short = brief(keys)
    done = [c for c in children if c.state == "done" or c.tags.get(PARENT) == parent]
    return {
        child.run_id: " ".join(map("=".join, zip(short, _typed(child, keys), strict=True)))
        for child in done
    }


def command() -> str:
    """The command line that was typed."""
    return shlex.join(["python", "train.py", *sys.argv[1:]])


def _title(child: Child, children: Sequence[Child]) -> str:
    keys, typed = varied(children), settings(child)
    return " ".join(f"{key}={typed.get(key, '')}" for key in keys) or " ".join(child.overrides)
