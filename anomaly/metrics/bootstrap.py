"""95 % bootstrap intervals of figures that are no shares: the images are resampled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from pycocotools.cocoeval import COCOeval

from anomaly.metrics.average_precision import Judged, named
from anomaly.types import Spread, Truth

DRAWS = 1000
ENDS = (0.025, 0.975)
LEFT_OUT = -1
BLOCK = 100  # draws at a time: memory stays small with very many detections


def draws(truth: Truth) -> np.ndarray:
    """(1000, n) int64: how often each image is drawn, with replacement from those of its class.

    So every class keeps its number of images and none is lost. The draws are always the same.

    Source: B. Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics
    7 (1979), within strata.
    """
    generator = np.random.default_rng(0)
    strata = np.where(truth.annotated | (truth.labels == 0), truth.labels, LEFT_OUT)
    drawn = np.zeros((DRAWS, len(strata)), np.int64)
    for stratum in np.unique(strata):
        members = np.flatnonzero(strata == stratum)
        count = len(members)
        drawn[:, members] = generator.multinomial(count, np.full(count, 1 / count), DRAWS)
    return drawn


def of_means(figures: Mapping[str, np.ndarray], drawn: np.ndarray) -> dict[str, Spread]:
    """Of the means of (n,) figures, one for each image; NaN where an image has none."""
    return {name: _spread(_means(each, drawn)) for name, each in figures.items()}


def of_average_precisions(judged: Judged | None, drawn: np.ndarray) -> dict[str, Spread]:
    """Of the figures that `average_precisions` gives, by the same names."""
    if judged is None:
        return {}
    masks, boxes = (_redrawn(each, drawn) for each in (judged.masks, judged.boxes))
    figures = named(judged, masks, boxes, lambda figures: figures.mean((0, 1)))
    return {name: _spread(values) for name, values in figures.items()}


def _means(figures: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    has = np.isfinite(figures)
    return drawn[:, has] @ figures[has] / drawn[:, has].sum(1)


def _redrawn(judge: COCOeval, drawn: np.ndarray) -> np.ndarray:
    """(10, k, draws) average precision by IoU threshold and label."""
    images = np.array(judge.params.imgIds) - 1
    by_label = np.array(judge.evalImgs, object).reshape(-1, len(images))
    return np.stack([_of_type(row, images, judge.params.recThrs, drawn) for row in by_label], 1)


def _of_type(
    matched: np.ndarray, images: np.ndarray, recalls: np.ndarray, drawn: np.ndarray
) -> np.ndarray:
    """(10, draws) from what pycocotools matched in each of the images, None where nothing is."""
    seen = [(image, row) for image, row in zip(images, matched, strict=True) if row]
    of = np.repeat([image for image, _ in seen], [len(row["dtScores"]) for _, row in seen])
    order = np.argsort(-np.concatenate([row["dtScores"] for _, row in seen]), kind="stable")
    hits = np.concatenate([row["dtMatches"] for _, row in seen], 1)[:, order] > 0
    true = np.zeros(drawn.shape[1], np.int64)
    for image, row in seen:
        true[image] = len(row["gtIds"])
    blocks = np.split(drawn, range(BLOCK, len(drawn), BLOCK))
    areas = [list(_areas(hits, block[:, of[order]], block @ true, recalls)) for block in blocks]
    return np.concatenate(areas, 1)


def _areas(
    hits: np.ndarray, weights: np.ndarray, true: np.ndarray, recalls: np.ndarray
) -> Iterator[np.ndarray]:
    """(draws,) areas under the curves of precision that only falls, as COCO samples them."""
    ranked = np.cumsum(weights, 1)
    for hit in hits:
        right = np.cumsum(weights[:, hit], 1)
        precision = right / np.maximum(ranked[:, hit], 1)
        falling = np.maximum.accumulate(precision[:, ::-1], 1)[:, ::-1]
        reached = np.searchsorted(recalls, right / true[:, None], "right")
        yield (falling * np.diff(reached, axis=1, prepend=0)).sum(1) / len(recalls)


def _spread(values: np.ndarray) -> Spread:
    return Spread(*map(float, np.quantile(values, ENDS)))
