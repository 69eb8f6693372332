"""The reading of annotations: which values fit, and in which words the others are refused."""

from __future__ import annotations

import ast

import pytest

from anomaly.config import signature
from anomaly.config.signature import accepts


def annotation(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


FITS = [
    ("str", "a"),
    ("bool", True),
    ("int", 3),
    ("float", 3),
    ("float", 0.5),
    ("None", None),
    ("int | None", None),
    ("int | None", 2),
    ("str | int | None", "x"),
    ("Literal[1, 2, 4, 8]", 4),
    ("Literal['avg']", "avg"),
    ("Number | Literal['balance']", "balance"),
    ("Number | Literal['balance']", 12),
    ("list[str]", []),
    ("list[str]", ["a", "b"]),
    ("list[Literal['C2', 'C3']]", ["C3"]),
    ("tuple[Factor, Factor]", [0.5, 1.5]),
    ("tuple[Factor, Factor]", (0, 10)),
    ("Side", 299),
    ("Side", 4096),
    ("Size", 32),
    ("Size", 4096),
    ("Fraction", 0),
    ("Fraction", 0.999),
    ("Seed", 2**32 - 1),
    ("Share", 1),
    ("Positive", 1e-7),
    ("Degrees", 180),
    ("Count", 0),
    ("Number", 1),
]
DOES_NOT_FIT = [
    ("str", 3),
    ("str", None),
    ("bool", 1),
    ("bool", "true"),
    ("int", 3.0),
    ("int", "3"),
    ("int", True),
    ("float", True),
    ("float", "0.5"),
    ("None", 0),
    ("int | None", "x"),
    ("Literal[1, 2, 4, 8]", 3),
    ("Literal[1, 2, 4, 8]", True),
    ("Literal[1, 2, 4, 8]", "1"),
    ("Literal['avg']", ["avg"]),
    ("list[str]", "abc"),
    ("list[str]", ["a", 1]),
    ("list[str]", [{"_target_": "os.system"}]),
    ("tuple[Factor, Factor]", [0.5]),
    ("tuple[Factor, Factor]", [0.5, 1, 2]),
    ("tuple[Factor, Factor]", [0.5, 11]),
    ("tuple[Factor, Factor]", 0.5),
    ("tuple[Factor, Factor]", [1.5, 0.5]),
    ("list[Literal['C2', 'C3']]", []),
    ("list[Literal['C2', 'C3']]", ["C3", "C3"]),
    ("Side", 31),
    ("Side", 4097),
    ("Side", 299.0),
    ("Size", 100),
    ("Size", 0),
    ("Size", 64.0),
    ("Size", True),
    ("Fraction", 1),
    ("Seed", 2**32),
    ("Fraction", -0.01),
    ("Fraction", True),
    ("Fraction", float("nan")),
    ("Share", 0),
    ("Positive", 0),
    ("Positive", float("inf")),
    ("Degrees", 181),
    ("Count", -1),
    ("Count", 1.0),
    ("Number", 0),
    ("Number", "balance"),
]


@pytest.mark.parametrize("text, value", FITS)
def test_a_value_that_fits_is_accepted(text, value):
    assert accepts(annotation(text), value)


@pytest.mark.parametrize("text, value", DOES_NOT_FIT)
def test_a_value_that_does_not_fit_is_refused(text, value):
    assert not accepts(annotation(text), value)


@pytest.mark.parametrize("text", ["dict[str, int]", "'int'", "typing.Any"])
def test_an_annotation_that_no_config_can_meet_is_a_programming_error(text):
    with pytest.raises(TypeError, match="annotation"):
        accepts(annotation(text), 1)


def test_all_differences_of_a_slot_are_listed_in_words():
    node = {
        "_target_": "anomaly.augment.classic.build",
        "_partial_": True,
        "factr": 12,
        "rotation": 200,
        "brightness": [1],
    }
    missing, unknown, large, short = signature.mistakes("augment", node)
    assert missing == "augment.factor is missing"
    assert unknown == ("augment.factr is not known to this augment; did you mean augment.factor?")
    assert large == "augment.rotation must be between 0 and 180, got 200"
    assert short.startswith("augment.brightness must be [low, high], each between 0 and 10")
    assert short.endswith(", got [1]")


@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "anomaly.augment.classic.Policy",
        "anomaly.model.classifier.build",
        "anomaly.augment.policy.build",
        "anomaly.augment.__init__.build",
        "anomaly.augment.nosuch.build",
        "anomaly.augment.../evil/x.build",
        None,
    ],
)
def test_a_target_that_is_no_build_of_the_slot_is_refused(target):
    (said,) = signature.mistakes("augment", {"_target_": target, "_partial_": True})
    assert said == f"augment._target_ may only name a build of anomaly.augment, got {target}"


def test_a_slot_that_would_be_called_by_hydra_itself_is_refused():
    assert signature.mistakes("augment", {"_target_": "anomaly.augment.none.build"})


@pytest.mark.parametrize("node", [None, "none", 3, []])
def test_a_slot_that_is_no_mapping_is_refused(node):
    assert signature.mistakes("augment", node) == [
        f"augment must name one of its options, got {node!r}"
    ]
