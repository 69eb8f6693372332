"""Any folder in the MVTec AD layout, pooled and split again for supervised classification."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from anomaly.cache.store import Cache
from anomaly.config.ranges import Count, Number, Seed, Share, Size
from anomaly.data import split
from anomaly.data.duplicates.groups import group_files
from anomaly.data.file import File
from anomaly.data.importers.folder import read_folder
from anomaly.types import GOOD, PARTS, Annotation, Dataset, Sample, Split


def build(
    *,
    cache: Cache,
    root: str,
    category: str,
    exclude: list[str],
    train: Share,
    test: Share,
    validate: Share,
    folds: Number | None,
    fold: Count,
    seed: Seed,
    copy_correlation: Share,
    grid: Size,
    min_instance_area: Count,
) -> Dataset:
    """Pool train/good with test/*, group copies, and assign the groups to splits.

    With `folds`, fold number `fold` is test, the next one validate, and the others are train.

    Raises:
        InputError: unusable files, classes too small, shares or folds that make no sense.
    """
    split.check_settings(train + test + validate, folds, fold)
    files = read_folder(Path(root), category, exclude, cache)
    groups = group_files(Path(root) / category, files, copy_correlation, cache)
    items = [(file.id, file.label, group) for file, group in zip(files, groups, strict=True)]
    folds_digest = None
    if folds is None:
        splits = split.holdout(items, {"train": train, "test": test, "validate": validate}, seed)
    else:
        fold_of = split.kfold(items, folds, seed)
        splits = split.rotate(fold_of, folds, fold)
        folds_digest = split.digest([(id, label, str(fold_of[id])) for id, label, _ in items])
    return _dataset(category, files, groups, splits, (grid, min_instance_area), folds_digest)


def _dataset(
    category: str,
    files: Sequence[File],
    groups: Sequence[int],
    splits: dict[str, str],
    evaluation: tuple[int, int],
    folds_digest: str | None,
) -> Dataset:
    """The data set of files, each with its group and its split."""
    classes = tuple(sorted({f.label for f in files}, key=lambda name: (name != GOOD, name)))
    samples = [
        Sample(f.image, Annotation(classes.index(f.label), f.mask, f.mask_digest), group)
        for f, group in zip(files, groups, strict=True)
    ]
    by_name = {
        name: Split(name, tuple(s for s in samples if splits[s.id] == name), *evaluation)
        for name in PARTS
    }
    digest = split.digest([(f.id, f.label, splits[f.id]) for f in files])
    return Dataset(category, classes, **by_name, digest=digest, folds_digest=folds_digest)
