"""What all pictures share: colours that colour-blind people can distinguish, sizes, a title."""

from __future__ import annotations

from textwrap import fill

from matplotlib.figure import Figure

# Source: M. Okabe and K. Ito, "Color universal design" (2008).
BLUE, VERMILLION, GREY = "#0072B2", "#D55E00", "#6B6B6B"

TITLE, TEXT, SMALL = 12, 10, 8.5  # points
DPI = 110
INCHES = 0.0077  # the mean width of a character, per point of its font
BOLD = 1.15  # and how much wider it is in bold


def titled_figure(title: str, width: float, height: float) -> Figure:
    """An empty figure of this size in inches, under a title that is wrapped to its width.

    It is made without pyplot: nothing global, no window, freed with its last reference.
    """
    heading = wrapped(title, width, TITLE * BOLD)
    extra = 0.25 * heading.count("\n")
    # The layout "compressed" is the one for images, which keep their aspect.
    figure = Figure(figsize=(width, height + extra), dpi=DPI, layout="compressed")
    # Names of folders are text: a dollar sign must not start a formula.
    figure.suptitle(heading, fontsize=TITLE, fontweight="bold", parse_math=False)
    return figure


def notice(title: str, sentence: str) -> Figure:
    """A figure with one sentence: why there is nothing to draw."""
    figure = titled_figure(title, 5, 1.5)
    figure.text(0.5, 0.4, sentence, ha="center", fontsize=TEXT, color=GREY)
    return figure


def wrapped(text: str, width: float, points: float) -> str:
    """The text in lines of at most `width` inches."""
    return "\n".join(fill(line, int(width / points / INCHES)) for line in text.splitlines())


def text_width(text: str, points: float) -> float:
    """About how many inches it takes."""
    return len(text) * points * INCHES
