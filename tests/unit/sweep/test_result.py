"""The result of a sweep."""

from __future__ import annotations

import pytest

from anomaly.sweep import result
from anomaly.sweep.plan import Child


def done(*overrides: str, accuracy: float) -> Child:
    child = Child(overrides)
    child.end("done", "id", {"val/accuracy": accuracy})
    return child


@pytest.mark.parametrize("luck", ["seed", "data.fold", "data.seed"])
def test_the_luckiest_is_not_the_best(luck):
    children = [
        done(f"{luck}={k}", f"augment={name}", accuracy=accuracy)
        for k, name, accuracy in ((0, "none", 0.9), (1, "none", 0.1), (0, "light", 0.8))
    ]
    assert result.best(children, "val/accuracy") is None


def test_of_jobs_that_differ_by_settings_the_first_of_the_best_is_chosen():
    children = [
        done(f"augment={k}", accuracy=value) for k, value in (("a", 0.5), ("b", 0.7), ("c", 0.7))
    ]
    assert result.best(children, "val/accuracy") is children[1]


def test_values_in_brackets_are_shown(capsys):
    children = [done(f"data.exclude={names}", accuracy=0.5) for names in ("[]", "[hole]", "[/x]")]
    result.show(children, "val/accuracy", None)
    printed = capsys.readouterr().out
    assert "[hole]" in printed and "[/x]" in printed
