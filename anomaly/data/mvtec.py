"""Any folder in the MVTec AD layout, pooled and split anew for supervised classification."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from anomaly.cache.store import Cache
from anomaly.config.ranges import Count, Number, Seed, Share, Size
from anomaly.data import split
from anomaly.data.duplicates.groups import group_files
from anomaly.data.file import File
from anomaly.data.importers.folder import read_folder
from anomaly.errors import InputError
from anomaly.types import PARTS, Annotation, Dataset, Sample, Split


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
    """Pool train/good with test/*, group copies, and deal the groups out to parts.

    With `folds`, `fold` tests, the next one validates and the rest trains.

    Raises:
        InputError: unusable files, classes too small, shares or folds that make no sense.
    """
    check(train + test + validate, folds, fold)
    files = read_folder(Path(root), category, exclude, cache)
    groups = group_files(Path(root) / category, files, copy_correlation, cache)
    items = [(file.id, file.label, group) for file, group in zip(files, groups, strict=True)]
    folds_digest = None
    if folds is None:
        parts = split.holdout(items, {"train": train, "test": test, "validate": validate}, seed)
    else:
        dealt = split.kfold(items, folds, seed)
        parts = split.rotate(dealt, folds, fold)
        folds_digest = split.digest([(id, label, str(dealt[id])) for id, label, _ in items])
    return _dataset(category, files, groups, parts, (grid, min_instance_area), folds_digest)


def check(total: float, folds: int | None, fold: int) -> None:
    """Refuse what cannot be a split.

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


def _dataset(
    category: str,
    files: Sequence[File],
    groups: Sequence[int],
    parts: dict[str, str],
    truth: tuple[int, int],
    folds_digest: str | None,
) -> Dataset:
    classes = tuple(sorted({f.label for f in files}, key=lambda name: (name != "good", name)))
    samples = [
        Sample(f.image, Annotation(classes.index(f.label), f.mask, f.mask_digest), group)
        for f, group in zip(files, groups, strict=True)
    ]
    splits = {
        part: Split(part, tuple(s for s in samples if parts[s.id] == part), *truth)
        for part in PARTS
    }
    name = split.digest([(f.id, f.label, parts[f.id]) for f in files])
    return Dataset(category, classes, **splits, digest=name, folds_digest=folds_digest)
