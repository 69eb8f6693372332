"""A run's identity: equal for what would end alike, and for nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from anomaly.run.identity import identity, state

DEMO = ("data=demo", "data.images=4", "data.side=64", "data.grid=64")


@pytest.fixture(scope="session")
def name(parsed, demo):
    """name("seed=1", ...) is the identity of that command line on the drawn parts."""
    return lambda *words, dataset=demo: identity(parsed(*DEMO, *words), dataset)


@pytest.mark.parametrize(
    "word", ["seed=1", "trainer.epochs=31", "augment=none", "model.head=svm", "optimizer=adam"]
)
def test_whatever_changes_the_outcome_changes_it(name, word):
    assert name(word) != name()


def test_the_backend_is_the_one_that_keras_will_take(monkeypatch, tmp_path):
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    said = state.__wrapped__
    default = said()
    (tmp_path / "keras.json").write_text('{"backend": "jax"}')
    assert said() != default
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    assert said() == default


@pytest.mark.parametrize(
    "word",
    ["output=elsewhere", "tracking.uri=http://host:1", "cache.gigabytes=1", "trainer.rerun=true"],
)
def test_where_things_lie_and_what_is_chosen_by_do_not(name, word):
    assert name(word) == name() == name("objective=val/iou")


def test_other_images_and_other_masks_are_another_run(name, demo):
    first = demo.train.samples[0]
    other = replace(
        demo.train,
        samples=(replace(first, image=replace(first.image, content="x")), *demo.train.samples[1:]),
    )
    assert name(dataset=replace(demo, train=other)) != name()
    place = next(k for k, sample in enumerate(demo.train) if sample.annotation.mask)
    samples = list(demo.train.samples)
    another = replace(samples[place].annotation, digest="another")
    samples[place] = replace(samples[place], annotation=another)
    assert name(dataset=replace(demo, train=replace(demo.train, samples=tuple(samples)))) != name()


def test_weights_count_by_what_is_in_the_file(name, tmp_path):
    file = tmp_path / "w.weights.h5"
    file.write_bytes(b"one")
    first = name(f"backbone.weights={file}")
    copy = tmp_path / "v.weights.h5"
    copy.write_bytes(b"two")
    assert name(f"backbone.weights={copy}") != first
