"""Progress bars: live on a terminal, one line each in a log file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

BRIEF = 4  # steps that are over before a bar could be read
T = TypeVar("T")
console = Console(stderr=True, soft_wrap=True)


def bar() -> Progress:
    """A progress display; use it as a context, add tasks and advance them."""
    text = TextColumn("{task.description:<28}")
    figures = TextColumn("{task.fields[figures]}")
    columns = (text, BarColumn(24), MofNCompleteColumn(), TimeRemainingColumn(), figures)
    return Progress(*columns, console=console)


def track(items: Iterable[T], description: str, total: int) -> Iterator[T]:
    """The items, one by one, counted by a bar unless they are few."""
    if total <= BRIEF:
        yield from items
        return
    with bar() as display:
        task = display.add_task(description, total=total, figures="")
        for item in items:
            yield item
            display.advance(task)
