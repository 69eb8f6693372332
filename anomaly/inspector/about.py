"""What a bundle says of itself: inspector.json."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np

from anomaly.errors import InputError
from anomaly.inspector.fields import problem
from anomaly.inspector.runtimes.network import KERAS
from anomaly.inspector.verdict import is_doubtful
from anomaly.metrics.operating import OperatingPoint

FORMAT = 2  # increased when an older version could not read what a newer one writes
LATER = {"runtime": KERAS, "golden": []}  # fields that bundles of format 1 lack


@dataclass(frozen=True)
class About:
    """How a photo is judged, and how sure that is. Nothing of it names a module or a path."""

    kind: str  # classifier, bovw, mask_rcnn, or how an ensemble combines its members
    ensemble: bool
    category: str
    classes: Sequence[str]  # good first
    grid: int  # side of masks and heat, pixels
    temperature: float
    sorting_threshold: float
    reject_below: float
    validate_scores: Sequence[float]  # how unlike good each validate image is
    validate_defective: Sequence[bool]  # which of them are defective
    figures: Mapping[str, float]  # as scores.json: values, counts and intervals
    evidence: str  # in words: the images that the figures are of
    outcomes: Mapping[str, bool]  # {each of these images: whether it was named right}
    run: Mapping[str, str]  # id, name, split, git
    versions: Mapping[str, str]  # of the libraries that computed it
    created: str  # UTC
    runtime: str = KERAS  # that runs its network, or one of `runtimes.network.RUNTIMES`
    golden: Sequence[Mapping[str, Any]] = ()  # what an exported one says of drawn photos
    files: Mapping[str, str] = field(default_factory=dict)  # {path in the bundle: SHA-256}
    digest: str = ""  # of all of this, so of the whole bundle

    @property
    def point(self) -> OperatingPoint:
        """The operating point that was chosen on validate."""
        return OperatingPoint(self.temperature, self.sorting_threshold, self.reject_below)

    @property
    def validate(self) -> tuple[np.ndarray, np.ndarray]:
        """(n,) float64: how unlike good each validate image is; (n,) bool: which are defective."""
        return np.array(self.validate_scores), np.array(self.validate_defective, bool)

    def on_validate(self, point: OperatingPoint) -> str:
        """What an operating point does to the images of validate, in words."""
        scores, defective = self.validate
        out, doubtful = scores >= point.sorting_threshold, is_doubtful(scores, point)
        bad, good = (
            (int(of.sum()), int((out & of).sum()), int((doubtful & of).sum()))
            for of in (defective, ~defective)
        )
        return (
            f"of validate's {bad[0]} defective parts {bad[1]} are sorted out, {bad[2]} go to a person"
            f" and {bad[0] - bad[1] - bad[2]} pass as good; of its {good[0]} good ones {good[1]} are"
            f" sorted out and {good[2]} go to a person"
        )

    @property
    def name(self) -> str:
        """What people call the model."""
        return self.run["name"]

    def names(self) -> dict[str, str]:
        """By which a verdict says where it comes from."""
        return {"name": self.name, "run": self.run["id"], "digest": self.digest}


def to_text(about: About) -> str:
    """The JSON of a bundle, with a digest of the rest of it."""
    content = {"format": FORMAT, **asdict(about)}
    return json.dumps({**content, "digest": digest_of(content)}, indent=2) + "\n"


def digest_of(content: Mapping[str, Any]) -> str:
    """The SHA-256 of everything in inspector.json but the digest itself."""
    rest = {name: value for name, value in content.items() if name != "digest"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def from_text(text: str, where: str) -> About:
    """What `to_text` wrote; `where` is its folder, for messages.

    Raises:
        InputError: it is of a later format, was changed, has fields of other types or ranges, or is
            something else.
    """
    content = _parsed(text, where)
    if content["format"] > FORMAT:
        raise InputError(
            f"the bundle {where} has format {content['format']}, and this version reads up to {FORMAT}:"
            " install a newer anomaly"
        )
    if content.get("digest") != digest_of(content):
        raise InputError(
            f"the bundle {where} was changed: inspector.json does not match its digest; copy it again"
        )
    content = content if content["format"] > 1 else LATER | content
    if wrong := problem(content):
        raise InputError(f"the bundle {where} cannot be used: its inspector.json {wrong}")
    return About(**{each.name: content[each.name] for each in fields(About)})


def _parsed(text: str, where: str) -> dict[str, Any]:
    """A JSON object with a `format`."""
    try:
        content = json.loads(text)
        if type(content["format"]) is int and content["format"] > 0:
            return content
    except (ValueError, TypeError, KeyError, RecursionError):
        pass
    raise InputError(
        f"the bundle {where} is damaged: inspector.json is cut off or another file; copy it again"
    )
