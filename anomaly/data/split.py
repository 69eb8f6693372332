"""Assigns groups of samples to splits or folds: stratified by class, seeded, copies together."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from anomaly.errors import InputError
from anomaly.types import GOOD

Items = Sequence[tuple[str, str, int]]  # (id, class name, group) of every sample


def check_settings(total: float, folds: int | None, fold: int) -> None:
    """Check the sum of the shares, the number of folds (None without) and which one is tested.

    Raises:
        InputError: shares or folds that make no sense.
    """
    if abs(total - 1) > 1e-6:
        raise InputError(f"data.train + data.test + data.validate must be 1, got {total:.3g}")
    if folds is None and fold:
        raise InputError(
            f"data.fold={fold} needs data.folds=K, the number of folds; without it there is one split"
        )
    if folds is not None and folds < 3:
        raise InputError(f"data.folds must be 3 or more (train, validate, test), got {folds}")
    if folds is not None and fold >= folds:
        raise InputError(
            f"data.fold must be between 0 and {folds - 1} (data.folds={folds}), got {fold}"
        )


def holdout(items: Items, shares: dict[str, float], seed: int) -> dict[str, str]:
    """{id: split}, with every class in every split, in about the given shares.

    Raises:
        InputError: a class has fewer groups than there are splits.
    """
    return _assign(items, shares, seed, "train, test and validate")


def kfold(items: Items, folds: int, seed: int) -> dict[str, int]:
    """{id: fold} with folds from 0 to folds - 1 and every class in every fold.

    Raises:
        InputError: a class has fewer groups than there are folds.
    """
    shares = {str(fold): 1 / folds for fold in range(folds)}
    assigned = _assign(items, shares, seed, f"{folds} folds (data.folds)")
    return {id: int(fold) for id, fold in assigned.items()}


def rotate(folds: dict[str, int], count: int, fold: int) -> dict[str, str]:
    """The splits of one round: fold number `fold` is test, the next validate, others train."""
    names = {fold: "test", (fold + 1) % count: "validate"}
    return {id: names.get(k, "train") for id, k in folds.items()}


def digest(rows: Sequence[tuple[str, str, str]]) -> str:
    """16 hexadecimal digits for rows of (id, label, split), whatever their order."""
    text = "\n".join("\t".join(row) for row in sorted(rows))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _assign(items: Items, shares: dict[str, float], seed: int, splits: str) -> dict[str, str]:
    """{id: split}; `splits` describes them in messages."""
    groups = _groups(items)
    totals = _samples_per_class(groups)
    _check_sizes(groups, totals, len(shares), splits)
    assigned: dict[tuple[str, str], int] = defaultdict(int)  # (class, split): samples so far
    split_of: dict[int, str] = {}
    for number, members in _ordered(groups, seed):
        split = max(shares, key=lambda name: _need(members, name, shares, totals, assigned))
        split_of[number] = split
        for label in members.values():
            assigned[label, split] += 1
    return {id: split_of[group] for id, _, group in items}


def _groups(items: Items) -> dict[int, dict[str, str]]:
    """{group: {id: class}}, in the order of ids, so that the order of `items` does not matter."""
    groups: dict[int, dict[str, str]] = defaultdict(dict)
    for id, label, group in sorted(items):
        groups[group][id] = label
    return groups


def _ordered(groups: dict[int, dict[str, str]], seed: int) -> list[tuple[int, dict[str, str]]]:
    """Shuffled, with mixed and large groups first: later ones can still balance the shares."""
    entries = list(groups.items())
    shuffled = [entries[i] for i in np.random.default_rng(seed).permutation(len(entries))]
    return sorted(shuffled, key=lambda e: (-len(set(e[1].values())), -len(e[1])))


def _need(members, split, shares, totals, assigned) -> tuple[int, float]:
    """How much a split needs a group: first by the classes, then by the samples that it lacks."""
    labels = list(members.values())
    classes = sum(assigned[label, split] == 0 for label in set(labels))
    samples = sum(shares[split] * totals[label] - assigned[label, split] for label in labels)
    return classes, round(samples, 9)


def _samples_per_class(groups: dict[int, dict[str, str]]) -> dict[str, int]:
    totals: dict[str, int] = defaultdict(int)
    for members in groups.values():
        for label in members.values():
            totals[label] += 1
    return totals


def _check_sizes(
    groups: dict[int, dict[str, str]], totals: dict[str, int], needed: int, splits: str
) -> None:
    counts: dict[str, int] = defaultdict(int)
    for members in groups.values():
        for label in set(members.values()):
            counts[label] += 1
    for label, count in sorted(counts.items()):
        if count < needed:
            raise InputError(_too_few(label, totals[label], count, needed, splits))


def _too_few(label: str, total: int, count: int, needed: int, splits: str) -> str:
    """What is wrong with a class of `total` images in `count` groups, and what to do."""
    exclude = "" if label == GOOD else f", or leave it out with data.exclude=[{label}]"
    if total < needed or total == count:
        return (
            f"class '{label}' has {count} independent image{'s' * (count != 1)}, too few for"
            f" {splits}: add at least {needed - count} more{exclude}"
        )
    return (
        f"class '{label}' has {total} images, but copies of one part count once, which leaves"
        f" {count} independent one{'s' * (count != 1)}, too few for {splits}: if they show"
        " different parts, raise data.copy_correlation (1 joins only identical files) and look at"
        f" groups.csv; else add at least {needed - count} more{exclude}"
    )
