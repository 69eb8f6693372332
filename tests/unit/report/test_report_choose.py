"""What is asked for is found, or one sentence says what may be meant."""

from __future__ import annotations

import pytest

from anomaly.errors import InputError
from anomaly.report import choose


@pytest.fixture
def rows(make):
    return [
        make("aa1", name="bottle-tiny", category="bottle", val=0.9, accuracy=(9, 10)),
        make("ab2", name="bottle-soft_vote", category="bottle", role="ensemble", sweep=""),
        make("ba3", name="demo-tiny", model="tiny"),
    ]


def ids(rows) -> list[str]:
    return [row.id for row in rows]


def test_without_a_wish_everything_is_chosen(rows):
    assert ids(choose.of_role(choose.of_categories(rows, []), "all")) == ids(rows)


def test_wishes_narrow(rows):
    assert ids(choose.of_categories(rows, ["demo"])) == ["ba3"]
    assert ids(choose.of_role(rows, "ensemble")) == ["ab2"]
    assert ids(choose.with_tag(rows, "model=tiny")) == ["ba3"]
    assert ids(choose.with_tag(rows, "sweep=")) == ["ab2"]


def test_a_run_is_found_by_its_id_its_beginning_or_its_name(rows):
    assert choose.run(rows, "ab2").id == choose.run(rows, "ab").id == "ab2"
    assert choose.run(rows, "demo-tiny").id == "ba3"


def test_a_metric_is_a_figure_not_the_evidence_behind_it(rows):
    assert choose.metric(rows, "test/accuracy") == "test/accuracy"
    with pytest.raises(InputError, match="is not a metric of these runs; did you mean test/acc"):
        choose.metric(rows, "test/accuracy_low")


@pytest.mark.parametrize(
    "ask, sentence",
    [
        (
            lambda rows: choose.of_categories(rows, ["botle"]),
            "--category botle has no finished run; did you mean bottle? (there is: bottle, demo)",
        ),
        (
            lambda rows: choose.of_role(rows, "pooled"),
            "--role pooled: none of the finished runs is one (there is: ensemble, member)",
        ),
        (
            lambda rows: choose.with_tag(rows, "modle=tiny"),
            "--where modle=tiny: no run has the tag modle; did you mean model?"
            " (there is: category, model, role, split, sweep)",
        ),
        (
            lambda rows: choose.with_tag(rows, "model=tinny"),
            "--where model=tinny: no run has that value; did you mean tiny? (there is: tiny)",
        ),
        (
            lambda rows: choose.with_tag(rows, "model"),
            "--where model must be TAG=VALUE, such as model=mobilenetv2",
        ),
        (
            lambda rows: choose.metric(rows, "val/acuracy"),
            "--sort val/acuracy is not a metric of these runs; did you mean val/accuracy?"
            " (there is: test/accuracy, val/accuracy)",
        ),
        (
            lambda rows: choose.run(rows, "bottle-tinny"),
            "--against bottle-tinny is none of these runs; did you mean bottle-tiny?"
            " (there is: bottle-soft_vote, bottle-tiny, demo-tiny)",
        ),
        (
            lambda rows: choose.run(rows, "a"),
            "--against a names 2 runs; give one id of aa1, ab2",
        ),
    ],
)
def test_a_name_that_is_none_is_answered_with_the_nearest(ask, sentence, rows):
    with pytest.raises(InputError) as caught:
        ask(rows)
    assert str(caught.value) == sentence


def test_a_long_list_of_what_there_is_is_cut():
    assert choose.hint("x", [f"{n:02}" for n in range(30)]).endswith("18, 19, ...)")
