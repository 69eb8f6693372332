"""McNemar's exact test: its laws, and the coins counted in whole numbers."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest

from anomaly.metrics.mcnemar import Comparison, mcnemar


def outcomes(only_first: int, only_second: int, both: int = 5, neither: int = 2):
    """Two models that differ in so many images."""
    pairs = [(True, False)] * only_first + [(False, True)] * only_second
    pairs += [(True, True)] * both + [(False, False)] * neither
    first, second = ({f"{i:04}.png": pair[k] for i, pair in enumerate(pairs)} for k in (0, 1))
    return first, second


@pytest.mark.parametrize("counts", [(0, 1), (1, 0), (3, 12), (5, 6), (40, 60), (0, 30), (700, 800)])
def test_p_is_the_share_of_all_ways_the_coins_fall(counts):
    compared = mcnemar(*outcomes(*counts))
    assert (compared.only_first, compared.only_second) == counts
    tail = sum(comb(sum(counts), k) for k in range(min(counts) + 1))
    assert compared.p == pytest.approx(min(1, 2 * tail / 2 ** sum(counts)), rel=1e-12)


@pytest.mark.parametrize(
    "counts, p", {(0, 5): 2 / 32, (1, 5): 2 * 7 / 64, (0, 6): 2 / 64, (2, 2): 1.0}.items()
)
def test_p_of_few_coins_is_counted_by_hand(counts, p):
    assert mcnemar(*outcomes(*counts)).p == pytest.approx(p, rel=1e-12)


def test_images_that_both_or_neither_name_right_change_nothing():
    few = mcnemar(*outcomes(3, 12, both=0, neither=0))
    assert mcnemar(*outcomes(3, 12, both=500, neither=70)) == few


@pytest.mark.parametrize("counts", [(0, 0), (3, 12), (7, 7)])
def test_exchanging_the_two_exchanges_the_counts_alone(counts):
    first, second = outcomes(*counts)
    there, back = mcnemar(first, second), mcnemar(second, first)
    assert there == Comparison(back.only_second, back.only_first, back.p)


@pytest.mark.parametrize("images", [0, 1, 50])
def test_a_model_against_itself_is_no_better(images):
    first, _ = outcomes(images, 0)
    assert mcnemar(first, first) == Comparison(0, 0, 1.0)


def test_images_are_joined_by_id_not_by_position():
    first, second = outcomes(3, 12)
    shuffled = dict(np.random.default_rng(0).permutation(list(second.items())))
    shuffled = {image: second[str(image)] for image in shuffled}
    assert list(shuffled) != list(second)
    assert mcnemar(first, shuffled) == mcnemar(first, second)


def test_p_stays_finite_where_floats_would_overflow():
    assert mcnemar(*outcomes(0, 5000)).p == 0.0
    assert mcnemar(*outcomes(3000, 3000)).p == 1.0


def test_other_images_are_refused():
    first, second = outcomes(1, 1)
    second["9999.png"] = second.pop("0000.png")
    with pytest.raises(ValueError, match=r"2 images, such as 0000\.png"):
        mcnemar(first, second)
