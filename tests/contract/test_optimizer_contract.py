"""For every file of conf/optimizer: the learning rate over the steps, and that it minimises."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

OPTIONS = sorted(p.stem for p in (Path(__file__).parents[2] / "conf/optimizer").glob("*.yaml"))
RATE, STEPS = 0.01, 200


@pytest.fixture
def optimizer_of(parsed, build):
    def make(option: str, steps: int = STEPS) -> keras.optimizers.Optimizer:
        node = parsed(f"optimizer={option}").optimizer
        return build(node, learning_rate=RATE, steps=steps)

    return make


def rate_at(optimizer: keras.optimizers.Optimizer, step: int) -> float:
    optimizer.iterations.assign(step)
    return float(optimizer.learning_rate)


@pytest.mark.parametrize("option", OPTIONS)
def test_the_rate_begins_as_given_and_never_rises_above_it_or_below_zero(option, optimizer_of):
    optimizer = optimizer_of(option)
    rates = [rate_at(optimizer, step) for step in range(0, STEPS + 1, 20)]
    assert rates[0] == pytest.approx(0 if option == "warmup" else RATE)
    assert all(0 <= rate <= RATE * (1 + 1e-6) for rate in rates)


@pytest.mark.parametrize("option", OPTIONS)
def test_it_finds_the_minimum_of_a_parabola(option, optimizer_of):
    optimizer, weights = optimizer_of(option), keras.Variable(np.float32([1, -1]))
    optimizer.build([weights])
    for _ in range(STEPS):
        optimizer.apply([2 * weights.value], [weights])
    assert np.abs(weights.numpy()).max() < 0.5


@pytest.mark.parametrize("option", OPTIONS)
def test_zero_steps_are_no_error(option, optimizer_of):
    assert rate_at(optimizer_of(option, steps=0), 0) == pytest.approx(RATE)


def test_warmup_rises_to_the_rate_in_a_twentieth_of_the_steps_and_ends_at_zero(optimizer_of):
    optimizer = optimizer_of("warmup")
    assert [rate_at(optimizer, step) for step in (5, 10)] == pytest.approx([RATE / 2, RATE])
    assert rate_at(optimizer, STEPS) == pytest.approx(0, abs=1e-8)
    assert optimizer.global_clipnorm == 10


def test_adam_keeps_its_rate(optimizer_of):
    assert rate_at(optimizer_of("adam"), STEPS) == pytest.approx(RATE)


def test_cosine_is_halfway_down_at_half_time_and_ends_at_zero(optimizer_of):
    optimizer = optimizer_of("cosine")
    assert rate_at(optimizer, STEPS // 2) == pytest.approx(RATE / 2, rel=1e-4)
    assert rate_at(optimizer, STEPS) == pytest.approx(0, abs=1e-8)
