"""The command line chooses runs; a name that no run has gets one sentence with the nearest one."""

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


def test_without_conditions_every_run_is_chosen(rows):
    assert ids(choose.of_role(choose.of_categories(rows, []), "all")) == ids(rows)


def test_conditions_narrow_the_choice(rows):
    assert ids(choose.of_categories(rows, ["demo"])) == ["ba3"]
    assert ids(choose.of_role(rows, "ensemble")) == ["ab2"]
    assert ids(choose.with_tag(rows, "model=tiny")) == ["ba3"]
    assert ids(choose.with_tag(rows, "sweep=")) == ["ab2"]


def test_a_run_is_found_by_its_id_its_beginning_or_its_name(rows):
    assert choose.run(rows, "ab2").id == choose.run(rows, "ab").id == "ab2"
    assert choose.run(rows, "demo-tiny").id == "ba3"


def test_a_metric_is_a_figure_not_its_count_or_interval(rows):
    assert choose.metric(rows, "test/accuracy") == "test/accuracy"
    with pytest.raises(InputError, match="is not a metric of these runs; did you mean test/acc"):
        choose.metric(rows, "test/accuracy_low")


@pytest.mark.parametrize(
    "ask, sentence",
    [
        (
            lambda rows: choose.of_categories(rows, ["botle"]),
            "--category botle has no finished run; did you mean bottle? (one of: bottle, demo)",
        ),
        (
            lambda rows: choose.of_role(rows, "pooled"),
            "--role pooled: no finished run has this role (one of: ensemble, member)",
        ),
        (
            lambda rows: choose.with_tag(rows, "modle=tiny"),
            "--where modle=tiny: no run has the tag modle; did you mean model?"
            " (one of: category, model, role, split, sweep)",
        ),
        (
            lambda rows: choose.with_tag(rows, "model=tinny"),
            "--where model=tinny: no run has this value; did you mean tiny? (one of: tiny)",
        ),
        (
            lambda rows: choose.with_tag(rows, "model"),
            "--where model must be TAG=VALUE, such as model=mobilenetv2",
        ),
        (
            lambda rows: choose.metric(rows, "val/acuracy"),
            "--sort val/acuracy is not a metric of these runs; did you mean val/accuracy?"
            " (one of: test/accuracy, val/accuracy)",
        ),
        (
            lambda rows: choose.run(rows, "bottle-tinny"),
            "--against bottle-tinny is none of these runs; did you mean bottle-tiny?"
            " (one of: bottle-soft_vote, bottle-tiny, demo-tiny)",
        ),
        (
            lambda rows: choose.run(rows, "a"),
            "--against a matches 2 runs; give one of aa1, ab2",
        ),
    ],
)
def test_an_unknown_name_gets_one_sentence_with_the_nearest(ask, sentence, rows):
    with pytest.raises(InputError) as caught:
        ask(rows)
    assert str(caught.value) == sentence
