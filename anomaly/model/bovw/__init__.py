"""The bag of visual words (Csurka et al., ECCV workshop 2004): SIFT, k-means, histograms, SVMs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from anomaly.cache.store import Cache
from anomaly.config.ranges import Number, Positive, Side
from anomaly.errors import InputError
from anomaly.model.bovw.learner import BagOfWords, load
from anomaly.model.bovw.training import Recipe

if TYPE_CHECKING:
    from anomaly.augment.policy import Policy

__all__ = ["build", "load"]


def build(
    *,
    classes: tuple[str, ...],
    augment: Policy,
    cache: Cache,
    seed: int,
    image_size: Side,
    sampling: Literal["keypoint", "dense"],
    step: Number,
    scales: list[Number],
    words: Number,
    root: bool,
    pyramid: Literal[1, 2, 3, 4],
    C: Positive,
    gamma: Positive,
    grid: bool,
    views: Literal[1, 2, 4, 8],
) -> BagOfWords:
    """An untrained bag of visual words.

    Raises:
        InputError: dense sampling without scales, or with one larger than the image.
    """
    if sampling == "dense" and not (scales and max(scales) <= image_size):
        raise InputError(
            "model.scales must list the sides of patches, at least one and none above"
            f" model.image_size={image_size}, got {scales}"
        )
    settings = {
        "image_size": image_size,
        "sampling": sampling,
        "step": step,
        "scales": scales,
        "root": root,
        "pyramid": pyramid,
        "views": views,
        "threshold": 0.5,
    }
    recipe = Recipe(augment, classes, words, C, gamma, grid, seed)
    return BagOfWords(classes, settings, cache, recipe)
