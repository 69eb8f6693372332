"""The names with which a `build` signature states what it accepts.

A slot's parameter is annotated with one of them, so that a config value is checked against its
type and range before any heavy library is imported.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple


class Bound(NamedTuple):
    """An interval of numbers; `words` finish the sentence '<key> must be ...'."""

    low: float
    high: float
    words: str
    open_low: bool = False
    open_high: bool = False
    multiple: int | None = None

    def holds(self, value: float) -> bool:
        above = value > self.low if self.open_low else value >= self.low
        below = value < self.high if self.open_high else value <= self.high
        whole = self.multiple is None or value % self.multiple == 0
        return above and below and whole


Real = Annotated[float, Bound(-1e9, 1e9, "a number from -1e9 to 1e9")]
Positive = Annotated[float, Bound(0, 1e9, "above 0", open_low=True)]
Fraction = Annotated[float, Bound(0, 1, "from 0 to below 1", open_high=True)]
Share = Annotated[float, Bound(0, 1, "above 0 and at most 1", open_low=True)]
Factor = Annotated[float, Bound(0, 10, "between 0 and 10")]
Degrees = Annotated[float, Bound(0, 180, "between 0 and 180")]
Count = Annotated[int, Bound(0, 1_000_000, "a whole number from 0")]
Seed = Annotated[int, Bound(0, 2**32 - 1, "a whole number from 0 to 4294967295")]
Number = Annotated[int, Bound(1, 1_000_000, "a whole number from 1")]
Width = Annotated[int, Bound(4, 4096, "a multiple of 4 from 4 to 4096", multiple=4)]
Side = Annotated[int, Bound(32, 4096, "a whole number from 32 to 4096")]
Size = Annotated[int, Bound(32, 4096, "a multiple of 32 from 32 to 4096", multiple=32)]
