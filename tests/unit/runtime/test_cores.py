"""All cores, each on its own item: order, mistakes, and the libraries' threads."""

from __future__ import annotations

import time

import cv2
import pytest
from threadpoolctl import threadpool_info

from anomaly.runtime.cores import each


def threads() -> tuple:
    blas = [library for library in threadpool_info() if library["user_api"] == "blas"]
    return cv2.getNumThreads(), [library["num_threads"] for library in blas]


@pytest.mark.parametrize("label", ["", "numbers"])
def test_results_come_in_the_order_of_the_items(label):
    def late(number: int) -> int:
        time.sleep(0.002 * (10 - number))
        return number**2

    assert each(late, range(10), label) == [number**2 for number in range(10)]
    assert each(late, [], label) == []


def test_libraries_keep_to_one_thread_meanwhile_and_get_theirs_back():
    before = threads()
    (inside,) = each(lambda _: threads(), [0])
    assert inside == (1, [1] * len(inside[1]))
    assert threads() == before


def test_a_mistake_surfaces_and_the_libraries_get_their_threads_back():
    before = threads()
    with pytest.raises(ZeroDivisionError):
        each(lambda number: 1 / number, [2, 1, 0])
    assert threads() == before
