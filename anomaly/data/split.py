"""Deals groups of samples out to parts: stratified by class, seeded, copies kept together."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from anomaly.errors import InputError
from anomaly.types import GOOD

Items = Sequence[tuple[str, str, int]]  # (id, class name, group) of every sample


def holdout(items: Items, shares: dict[str, float], seed: int) -> dict[str, str]:
    """The part of every id. Every class reaches every part, in about the given shares.

    Raises:
        InputError: a class has fewer groups than there are parts.
    """
    return _deal(items, shares, seed, "have a part each in train, test and validate")


def kfold(items: Items, folds: int, seed: int) -> dict[str, int]:
    """The fold of every id, 0 to folds - 1, every class in every fold.

    Raises:
        InputError: a class has fewer groups than there are folds.
    """
    shares = {str(fold): 1 / folds for fold in range(folds)}
    dealt = _deal(items, shares, seed, f"be in each of {folds} folds (data.folds)")
    return {id: int(fold) for id, fold in dealt.items()}


def rotate(folds: dict[str, int], count: int, fold: int) -> dict[str, str]:
    """The parts of one round of cross-validation: fold tests, the next validates, the rest trains."""
    names = {fold: "test", (fold + 1) % count: "validate"}
    return {id: names.get(k, "train") for id, k in folds.items()}


def digest(rows: Sequence[tuple[str, str, str]]) -> str:
    """One name for a split: over (id, label, part), whatever the order of the rows."""
    text = "\n".join("\t".join(row) for row in sorted(rows))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _deal(items: Items, shares: dict[str, float], seed: int, aim: str) -> dict[str, str]:
    groups = _groups(items)
    _big_enough(groups, len(shares), aim)
    parts = list(shares)
    totals = _totals(groups)
    have: dict[tuple[str, str], int] = defaultdict(int)  # (class, part) to samples dealt
    place: dict[int, str] = {}
    for number, members in _order(groups, seed):
        place[number] = max(parts, key=lambda part: _need(members, part, shares, totals, have))
        for label in members.values():
            have[label, place[number]] += 1
    return {id: place[group] for id, _, group in items}


def _groups(items: Items) -> dict[int, dict[str, str]]:
    """{group: {id: class}}, in the order of ids, so that the order of `items` does not matter."""
    groups: dict[int, dict[str, str]] = defaultdict(dict)
    for id, label, group in sorted(items):
        groups[group][id] = label
    return groups


def _order(groups: dict[int, dict[str, str]], seed: int) -> list[tuple[int, dict[str, str]]]:
    """Shuffled; then mixed and large groups first, while there is still room to make up for them."""
    entries = list(groups.items())
    shuffled = [entries[i] for i in np.random.default_rng(seed).permutation(len(entries))]
    return sorted(shuffled, key=lambda e: (-len(set(e[1].values())), -len(e[1])))


def _need(members, part, shares, totals, have) -> tuple[int, float]:
    """How much a part wants a group: first by the classes it still lacks, then by what it misses."""
    labels = list(members.values())
    lacks = sum(have[label, part] == 0 for label in set(labels))
    missing = sum(shares[part] * totals[label] - have[label, part] for label in labels)
    return lacks, round(missing, 9)


def _totals(groups: dict[int, dict[str, str]]) -> dict[str, int]:
    totals: dict[str, int] = defaultdict(int)
    for members in groups.values():
        for label in members.values():
            totals[label] += 1
    return totals


def _big_enough(groups: dict[int, dict[str, str]], least: int, aim: str) -> None:
    counts: dict[str, int] = defaultdict(int)
    for members in groups.values():
        for label in set(members.values()):
            counts[label] += 1
    totals = _totals(groups)
    for label, count in sorted(counts.items()):
        if count < least:
            raise InputError(_too_few(label, totals[label], count, least, aim))


def _too_few(label: str, total: int, count: int, least: int, aim: str) -> str:
    """What is wrong with a class of `total` images that are `count` groups, and what helps."""
    drop = "" if label == GOOD else f", or leave it out with data.exclude=[{label}]"
    if total < least or total == count:
        return (
            f"class '{label}' has {count} independent image{'s' * (count != 1)}, too few to"
            f" {aim}: add at least {least - count} more{drop}"
        )
    return (
        f"class '{label}' has {total} images, but copies of one part were joined, which leaves"
        f" {count} independent one{'s' * (count != 1)}, too few to {aim}: if they show different"
        f" parts, raise data.copy_correlation (1 joins only identical files) and look at groups.csv;"
        f" else add at least {least - count} more{drop}"
    )
