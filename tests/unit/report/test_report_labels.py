"""Every run has a label that no other has, no longer than it must be."""

from __future__ import annotations

from anomaly.report.labels import differing, labels


def test_names_that_differ_are_enough(make):
    rows = [make("a", name="demo-tiny", params={"seed": "0"}), make("b", name="demo-resnet50")]
    assert labels(rows) == {"a": "demo-tiny", "b": "demo-resnet50"}


def test_runs_of_one_name_are_distinguished_by_their_settings(make):
    rows = [
        make("a", params={"seed": "0", "model.views": "4"}),
        make("b", params={"seed": "1", "model.views": "4"}),
        make("c", name="other", params={"seed": "2", "model.views": "8"}),
    ]
    assert labels(rows) == {"a": "demo-tiny, seed=0", "b": "demo-tiny, seed=1", "c": "other"}


def test_a_choice_stands_for_the_parameters_below_it(make):
    rows = [
        make("a", augment="none"),
        make("b", augment="light", params={"augment.factor": "balance"}),
    ]
    assert differing(rows) == ["augment", "augment.factor"]
    assert labels(rows) == {"a": "demo-tiny, augment=none", "b": "demo-tiny, augment=light"}


def test_where_a_run_was_made_does_not_set_it_apart(make):
    places = ("data.root", "data.fold", "output", "tracking.uri", "cache.gigabytes")
    rows = [make("a", params=dict.fromkeys(places, "x")), make("b", params={})]
    assert differing(rows) == []


def test_many_differences_are_counted(make):
    rows = [make(id, params={f"model.p{n}": id for n in range(7)}) for id in "ab"]
    words = ", ".join(f"model.p{n}=a" for n in range(4))
    assert labels(rows)["a"] == f"demo-tiny, {words}, 3 more"


def test_the_same_run_again_is_distinguished_by_its_time(make):
    rows = [make("a"), make("b", minutes=5)]
    texts = labels(rows)
    assert texts["a"] == f"demo-tiny, {rows[0].started:%Y-%m-%d %H:%M:%S}"
    assert texts["b"] != texts["a"]


def test_even_equal_runs_of_one_second_have_different_labels(make):
    rows = [make("a"), make("b"), make("c", minutes=1)]
    assert len(set(labels(rows).values())) == 3
