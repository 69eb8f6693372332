"""Splitting samples: laws that hold for any classes, groups and seeds."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import pytest

from anomaly.data.split import digest, holdout, kfold, rotate
from anomaly.errors import InputError

SHARES = {"train": 0.7, "test": 0.15, "validate": 0.15}
SEEDS = pytest.mark.parametrize("seed", range(5))


def singles(**counts: int) -> list[tuple[str, str, int]]:
    """Samples of which each is one group."""
    names = [(label, i) for label, count in counts.items() for i in range(count)]
    return [(f"{label}/{i:03}", label, number) for number, (label, i) in enumerate(names)]


def grouped(seed: int, mixed: bool = False) -> list[tuple[str, str, int]]:
    """Samples of three classes in groups of 1 to 3; with `mixed`, some groups hold two classes."""
    random, items = np.random.default_rng(seed), []
    for group in range(60):
        labels = [("good", "bent", "crack")[group % 3]] * random.integers(1, 4)
        if mixed and group % 10 == 0:
            labels[0] = "bent"
        items += [(f"{group:02}/{i}", label, group) for i, label in enumerate(labels)]
    return items


def counts(items, splits) -> Counter:
    return Counter((label, splits[id]) for id, label, _ in items)


@SEEDS
@pytest.mark.parametrize("mixed", [False, True])
def test_every_sample_is_assigned_and_every_class_is_in_every_split(mixed, seed):
    items = grouped(seed, mixed)
    splits = holdout(items, SHARES, seed)
    assert set(splits) == {id for id, _, _ in items}
    assert set(counts(items, splits)) == {
        (label, split) for label in ("good", "bent", "crack") for split in SHARES
    }


@SEEDS
@pytest.mark.parametrize("mixed", [False, True])
def test_a_group_is_never_divided(mixed, seed):
    items = grouped(seed, mixed)
    splits, places = holdout(items, SHARES, seed), defaultdict(set)
    for id, _, group in items:
        places[group].add(splits[id])
    assert all(len(place) == 1 for place in places.values())


@SEEDS
def test_shares_are_kept_to_within_one_sample(seed):
    items = singles(good=209, bent=21, crack=40)
    splits = holdout(items, SHARES, seed)
    totals = Counter(label for _, label, _ in items)
    for (label, split), count in counts(items, splits).items():
        assert abs(count - SHARES[split] * totals[label]) < 1


@SEEDS
def test_groups_of_copies_keep_shares_to_within_the_largest_group(seed):
    items = grouped(seed)
    splits = holdout(items, SHARES, seed)
    totals = Counter(label for _, label, _ in items)
    for (label, split), count in counts(items, splits).items():
        assert abs(count - SHARES[split] * totals[label]) < 3


def test_the_order_of_the_input_does_not_matter():
    items = grouped(0, mixed=True)
    shuffled = [items[i] for i in np.random.default_rng(1).permutation(len(items))]
    assert holdout(items, SHARES, 7) == holdout(shuffled, SHARES, 7)
    assert kfold(items, 4, 7) == kfold(shuffled, 4, 7)


def test_the_seed_alone_decides():
    items = singles(good=40, bent=10)
    assert holdout(items, SHARES, 0) == holdout(items, SHARES, 0)
    assert len({tuple(sorted(holdout(items, SHARES, s).items())) for s in range(10)}) == 10


def test_three_groups_of_a_class_are_enough():
    items = singles(good=20, bent=3)
    splits = holdout(items, SHARES, 0)
    assert {splits[id] for id, label, _ in items if label == "bent"} == set(SHARES)


def test_a_class_is_in_every_split_though_all_its_groups_are_mixed():
    items = singles(good=20, bent=6, crack=6, scratch=6)
    for group, (label, rare) in enumerate([("bent", "a"), ("crack", "b"), ("scratch", "c")]):
        items += [(f"m{group}", label, 100 + group), (f"n{group}", "stain", 100 + group)]
        items += [(f"{rare}{i}", rare, 200 + 10 * group + i) for i in range(3)]
        items += [(f"r{group}", rare, 100 + group)]
    for seed in range(10):
        splits = holdout(items, SHARES, seed)
        assert {splits[id] for id, label, _ in items if label == "stain"} == set(SHARES)


def test_a_class_too_small_is_named_with_its_count_and_the_remedy():
    with pytest.raises(InputError) as caught:
        holdout(singles(good=20, bent=2), SHARES, 0)
    assert str(caught.value) == (
        "class 'bent' has 2 independent images, too few for train, test and validate:"
        " add at least 1 more, or leave it out with data.exclude=[bent]"
    )


def test_copies_do_not_make_a_class_larger_and_the_message_names_the_setting():
    items = [*singles(good=20), *((f"bent/{i}", "bent", 100 + i % 2) for i in range(10))]
    with pytest.raises(InputError) as caught:
        holdout(items, SHARES, 0)
    assert str(caught.value) == (
        "class 'bent' has 10 images, but copies of one part count once, which leaves 2 independent"
        " ones, too few for train, test and validate: if they show different parts, raise"
        " data.copy_correlation (1 joins only identical files) and look at groups.csv;"
        " else add at least 1 more, or leave it out with data.exclude=[bent]"
    )


def test_one_part_photographed_sixty_times_counts_as_one():
    items = [*singles(bent=9), *((f"good/{i}", "good", 100) for i in range(60))]
    with pytest.raises(InputError, match=r"'good' has 60 images, .* leaves 1 independent one,"):
        holdout(items, SHARES, 0)


def test_good_parts_are_never_offered_for_exclusion():
    with pytest.raises(InputError, match=r"class 'good' has 1 independent image,.*more$"):
        holdout(singles(good=1, bent=9), SHARES, 0)


@SEEDS
@pytest.mark.parametrize("folds", [3, 5])
def test_over_the_folds_every_sample_is_tested_once_and_validates_once(folds, seed):
    items = singles(good=31, bent=8)
    fold_of = kfold(items, folds, seed)
    rounds = [rotate(fold_of, folds, fold) for fold in range(folds)]
    for id, _, _ in items:
        seen = Counter(splits[id] for splits in rounds)
        assert seen == {"test": 1, "validate": 1, "train": folds - 2}


@pytest.mark.parametrize(
    "fold, splits",
    [
        (0, ["test", "validate", "train", "train"]),
        (1, ["train", "test", "validate", "train"]),
        (2, ["train", "train", "test", "validate"]),
        (3, ["validate", "train", "train", "test"]),
    ],
)
def test_a_fold_is_test_the_next_validate_and_the_rest_train(fold, splits):
    fold_of = {"a": 0, "b": 1, "c": 2, "d": 3}
    assert list(rotate(fold_of, 4, fold).values()) == splits


@SEEDS
def test_every_class_is_in_every_fold_in_equal_shares(seed):
    items = singles(good=31, bent=8)
    fold_of = kfold(items, 5, seed)
    for label, total in (("good", 31), ("bent", 8)):
        sizes = Counter(fold_of[id] for id, name, _ in items if name == label)
        assert set(sizes) == set(range(5))
        assert max(sizes.values()) - min(sizes.values()) <= 1
        assert sum(sizes.values()) == total


def test_a_class_with_fewer_groups_than_folds_is_refused():
    with pytest.raises(InputError, match=r"'bent' has 4 .* too few for 5 folds \(data\.folds\)"):
        kfold(singles(good=20, bent=4), 5, 0)


def test_a_digest_names_the_rows_whatever_their_order():
    rows = [("a", "good", "train"), ("b", "bent", "test"), ("c", "good", "test")]
    assert digest(rows) == digest(rows[::-1])
    changed = [[("a", "good", "test"), *rows[1:]], [("a", "bent", "train"), *rows[1:]], rows[:2]]
    assert len({digest(rows), *map(digest, changed)}) == 4
