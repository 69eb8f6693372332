"""For every file of conf/optimizer: the rate at step 0 and at the end; it moves weights."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

OPTIONS = sorted(p.stem for p in (Path(__file__).parents[2] / "conf/optimizer").glob("*.yaml"))
RATE, STEPS = 0.01, 200


@pytest.fixture
def optimizer(parsed, build):
    def make(option: str, steps: int = STEPS) -> keras.optimizers.Optimizer:
        node = parsed(f"optimizer={option}").optimizer
        return build(node, learning_rate=RATE, steps=steps)

    return make


def rate_at(own: keras.optimizers.Optimizer, step: int) -> float:
    own.iterations.assign(step)
    return float(own.learning_rate)


@pytest.mark.parametrize("option", OPTIONS)
def test_the_rate_begins_as_given_and_never_rises_above_it_or_below_zero(option, optimizer):
    own = optimizer(option)
    rates = [rate_at(own, step) for step in range(0, STEPS + 1, 20)]
    assert rates[0] == pytest.approx(0 if option == "warmup" else RATE)
    assert all(0 <= rate <= RATE * (1 + 1e-6) for rate in rates)


@pytest.mark.parametrize("option", OPTIONS)
def test_it_finds_the_bottom_of_a_bowl(option, optimizer):
    own, place = optimizer(option), keras.Variable(np.float32([1, -1]))
    own.build([place])
    for _ in range(STEPS):
        own.apply([2 * place.value], [place])
    assert np.abs(place.numpy()).max() < 0.5


@pytest.mark.parametrize("option", OPTIONS)
def test_a_training_of_no_steps_is_no_error(option, optimizer):
    assert rate_at(optimizer(option, steps=0), 0) == pytest.approx(RATE)


def test_warmup_rises_to_the_rate_in_a_twentieth_of_the_steps_and_ends_at_nothing(optimizer):
    own = optimizer("warmup")
    assert [rate_at(own, step) for step in (5, 10)] == pytest.approx([RATE / 2, RATE])
    assert rate_at(own, STEPS) == pytest.approx(0, abs=1e-8)
    assert own.global_clipnorm == 10


def test_adam_keeps_its_rate(optimizer):
    assert rate_at(optimizer("adam"), STEPS) == pytest.approx(RATE)


def test_cosine_is_halfway_down_at_half_time_and_ends_at_nothing(optimizer):
    own = optimizer("cosine")
    assert rate_at(own, STEPS // 2) == pytest.approx(RATE / 2, rel=1e-4)
    assert rate_at(own, STEPS) == pytest.approx(0, abs=1e-8)
