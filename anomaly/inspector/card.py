"""The model card: what a person reads before they trust a model (Mitchell et al., FAT* 2019)."""

from __future__ import annotations

from collections.abc import Iterator

from anomaly.inspector.about import About
from anomaly.inspector.runtimes.network import KERAS
from anomaly.metrics.catalogue import COUNT, HIGH, LOW, TABLE, metric

USE = """
## Use

    anomaly inspect THIS_FOLDER PHOTOS --out VERDICTS

or from Python, `anomaly.load("THIS_FOLDER").inspect([anomaly.photo("part.png")])`, or by MLflow where
the package `anomaly` is installed: `mlflow.pyfunc.load_model(...)` takes a list of photos, or a table
with a column `photo`: each the bytes of a file, the same in base64, or its path; in a table also
(height, width, 3) uint8 RGB pixels.
Each gives a row: `verdict` (good, defect, unknown_defect, to_person), `defect` (its type), the
`probability` of what the verdict names, `score` (how unlike good parts), `probabilities` of all classes,
`boxes` (in pixels of the photo), `mask` (run lengths as COCO's, on a square over the whole photo).

A photo is decoded to 8-bit RGB, turned upright and resized to the square that the model was trained on;
its light and its angle should be those of the training images. What this folder holds is data only:
reading it runs no code of its own, and every file is checked against its SHA-256.
"""


def card(about: About) -> str:
    """MODEL_CARD.md."""
    return "\n".join([*_head(about), *_figures(about), *_decisions(about)]) + "\n" + USE


def _head(about: About) -> Iterator[str]:
    yield f"# {about.name}\n"
    kind = f"ensemble ({about.kind})" if about.ensemble else about.kind
    yield f"Inspects parts of `{about.category}`; {kind}, made {about.created} by run `{about.run['id']}`."
    if about.runtime != KERAS:
        yield (
            f"Exported to {about.runtime}: on all of validate it said what the trained model says, and it"
            " is asked again about drawn photos wherever it is loaded."
        )
    yield f"It tells apart: {', '.join(about.classes)}.\n"


def _figures(about: About) -> Iterator[str]:
    yield f"## How good it is\n\nMeasured on {about.evidence}.\n"
    yield "| figure | value | images | 95 % interval | meaning |\n|---|---|---|---|---|"
    for name, meaning in TABLE.items():
        if metric("test", name) in about.figures:
            yield _row(about, name, meaning)
    yield "\nIt says nothing of defects of a type that it never saw, of other parts, or of other light."


def _row(about: About, name: str, meaning: str) -> str:
    value, count, low, high = (
        about.figures.get(metric("test", name, end)) for end in ("", COUNT, LOW, HIGH)
    )
    images = "" if count is None else f"{round((value or 0) * count)} / {round(count)}"
    interval = "" if low is None or high is None else f"{low:.3f} to {high:.3f}"
    return f"| {name} | {value:.3f} | {images} | {interval} | {meaning} |"


def _decisions(about: About) -> Iterator[str]:
    yield "\n## How it decides\n"
    yield (
        f"- A part whose probability of a defect is {about.sorting_threshold:.4g} or more is sorted out."
    )
    yield f"- Of the others, one that is good with less than {about.reject_below:g} goes to a person."
    yield f"- So {about.on_validate(about.point)}."
    yield f"- Probabilities are at temperature {about.temperature:.3g}, fitted on validate."
