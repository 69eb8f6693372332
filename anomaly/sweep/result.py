"""What a sweep says at its end: a table, its best job, a picture, and the command that repeats it."""

from __future__ import annotations

import csv
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from anomaly.plots.settings import settings_chart
from anomaly.sweep.plan import Child, settings, varied

TEST = "test/accuracy"
STYLES = {"done": "green", "skipped": "dim", "failed": "red"}


def best(children: Sequence[Child], objective: str) -> Child | None:
    """The child with the highest objective, of equal ones the first; None where none has one."""
    scored = [child for child in children if objective in child.metrics]
    return max(scored, key=lambda child: child.metrics[objective], default=None)


def rows(children: Sequence[Child], objective: str) -> list[list[str]]:
    """A header, then one row for each child: varied settings, state, objective, test, run, reason."""
    keys = varied(children)
    header = [*brief(keys), "state", objective, TEST, "95 % interval", "run", "reason"]
    return [header, *([*_typed(child, keys), *_figures(child, objective)] for child in children)]


def brief(keys: Sequence[str]) -> list[str]:
    """The last words of the keys, where those tell them apart."""
    last = [key.rpartition(".")[2] for key in keys]
    return [word if last.count(word) == 1 else key for word, key in zip(last, keys, strict=True)]


def _typed(child: Child, keys: Sequence[str]) -> list[str]:
    own = settings(child)
    return [own.get(key, "") for key in keys]


def _figures(child: Child, objective: str) -> list[str]:
    figures = [_number(child.metrics.get(name)) for name in (objective, TEST)]
    return [child.state, *figures, _interval(child), child.run_id, child.reason]


def _interval(child: Child) -> str:
    ends = [child.metrics.get(f"{TEST}_{end}") for end in ("low", "high")]
    return "" if None in ends else " to ".join(map(_number, ends))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def write(folder: Path, children: Sequence[Child], objective: str) -> None:
    """sweep.csv and sweep.png."""
    with (folder / "sweep.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows(children, objective))
    keys = varied(children)
    typed = [_typed(child, keys) for child in children]
    values = [child.metrics.get(objective) for child in children]
    settings_chart(brief(keys), typed, values, objective).savefig(folder / "sweep.png")


def show(children: Sequence[Child], objective: str, chosen: Child | None) -> None:
    """The table without run ids, the failures' reasons, the counts, and the best job."""
    console = Console(soft_wrap=True)
    header, *body = rows(children, objective)
    table = Table(title="Sweep", title_justify="left", title_style="bold")
    for column in header[:-2]:
        table.add_column(column, justify="right" if column in (objective, TEST) else "left")
    for child, row in zip(children, body, strict=True):
        table.add_row(*row[:-2], style="bold" if child is chosen else STYLES.get(child.state))
    console.print(table)
    for child in (child for child in children if child.reason):
        console.print(f"{child.state}   {_title(child, children)}: {child.reason}", markup=False)
    console.print(counts(children), highlight=False)
    if chosen:
        console.print(f"best     {_title(chosen, children)}  ({chosen.run_id})", markup=False)


def counts(children: Sequence[Child]) -> str:
    """How many were run, skipped and failed."""
    states = [child.state for child in children]
    said = [
        f"{states.count(s)} {s}" for s in ("done", "skipped", "failed", "planned") if s in states
    ]
    text = ", ".join(said).replace("planned", "never begun")
    hint = "; finished before, with the same settings, data and code" if "skipped" in states else ""
    return f"jobs     {text}{hint}"


def note(children: Sequence[Child], objective: str, chosen: Child | None) -> str:
    """The description that the MLflow UI shows, in Markdown."""
    header, *body = rows(children, objective)
    lines = [header[:-2], ["---"] * len(header[:-2]), *(row[:-2] for row in body)]
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    best_is = f"best: {_title(chosen, children)} (run {chosen.run_id})" if chosen else "no result"
    return f"`{command()}`\n\n{counts(children)}; {best_is}\n\n{table}"[:60000]


def command() -> str:
    """The command line that was typed."""
    return shlex.join(["python", "train.py", *sys.argv[1:]])


def _title(child: Child, children: Sequence[Child]) -> str:
    keys, own = varied(children), settings(child)
    return " ".join(f"{key}={own.get(key, '')}" for key in keys) or " ".join(child.overrides)
