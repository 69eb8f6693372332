"""The bag of visual words (Csurka et al., ECCV workshop 2004): SIFT, k-means, histograms, SVMs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from anomaly.cache.store import Cache
from anomaly.data.truth import load_instances
from anomaly.model.bovw.bag import Bag, from_arrays
from anomaly.model.bovw.descriptors import Sampling
from anomaly.model.bovw.encoder import Reader
from anomaly.model.bovw.training import Recipe
from anomaly.model.bovw.votes import heat
from anomaly.model.localise import choose_threshold, instances
from anomaly.model.pictures import turn_back, views
from anomaly.types import Image, Predictions, Split

if TYPE_CHECKING:
    from anomaly.config.schema import TrainerConfig
    from anomaly.model.learner import Report

SETTINGS = ("image_size", "sampling", "step", "scales", "root", "pyramid", "views", "threshold")


class BagOfWords:
    """A learner without a network: what it has learned is a `Bag`, `settings` hold the rest."""

    reads = frozenset({"augment"})
    tells = frozenset({"types", "heat", "instances"})
    augments_anew = False
    model = None  # nothing of Keras

    def __init__(
        self,
        classes: tuple[str, ...],
        settings: dict,
        cache: Cache,
        recipe: Recipe | None = None,
        bag: Bag | None = None,
    ) -> None:
        self.classes = classes
        self.settings = settings
        self.cache = cache
        self.recipe = recipe
        self.bag = bag
        way, step, scales = (settings[name] for name in ("sampling", "step", "scales"))
        self.reader = Reader(Sampling(way, step, tuple(scales)), cache)

    def fit(self, train: Split, validate: Split, trainer: TrainerConfig, report: Report) -> None:
        """Learn words and machines from `train`, choose the heat map's threshold on `validate`.

        None of it has epochs: `trainer` has no say, and there is nothing to `report`.

        Raises:
            InputError: fewer descriptors than words, or a class too small for the grid search.
        """
        if self.recipe is None:
            raise ValueError("a loaded bag of words predicts; build a new one to learn")
        size, root, levels = (self.settings[name] for name in ("image_size", "root", "pyramid"))
        self.bag = self.recipe(train, self.reader, size=size, root=root, levels=levels)
        _, found = self._see(validate.images, validate.grid, self.bag)
        masks = load_instances(validate) > 0
        self.settings["threshold"] = choose_threshold(found, masks)

    def predict(self, images: Sequence[Image], grid: int) -> Predictions:
        """Probabilities averaged over the views, heat maps, and instances at the threshold."""
        proba, found = self._see(images, grid, self._bag())
        threshold = self.settings["threshold"]
        detections = tuple(instances(h, p, threshold) for h, p in zip(found, proba, strict=True))
        ids = tuple(image.id for image in images)
        return Predictions(ids, self.classes, proba, found, found >= threshold, detections)

    def _see(self, images: Sequence[Image], grid: int, bag: Bag) -> tuple[np.ndarray, np.ndarray]:
        """(n, c) float64 probabilities, and (n, grid, grid) float32 heat in 0..1.

        Heat is the map of the votes times the probability of a defect.
        """
        count, size = self.settings["views"], self.settings["image_size"]
        pictures = [p for v in range(count) for p in views(images, v, size, self.cache)]
        patches = self.reader(pictures, bag.vocabulary, "visual words")
        proba = np.zeros((len(images), len(self.classes)))
        total = np.zeros((len(images), grid, grid), np.float32)
        for view in range(count):
            of_view = patches[view * len(images) : (view + 1) * len(images)]
            proba_of_view, evidence = bag(of_view, grid)
            proba += proba_of_view / count
            total += [turn_back(one, view) for one in evidence]
        defective = (1 - proba[:, 0]).astype(np.float32)
        return proba, np.stack([heat(e) * p for e, p in zip(total, defective, strict=True)])

    def _bag(self) -> Bag:
        if self.bag is None:
            raise ValueError("a bag of words has to learn before it predicts or is saved")
        return self.bag

    def save(self, folder: Path) -> None:
        """bovw.json and bovw.npz."""
        folder.mkdir(parents=True, exist_ok=True)
        content = {"classes": self.classes, **self.settings}
        (folder / "bovw.json").write_text(json.dumps(content, indent=2))
        arrays: Any = self._bag().arrays()
        np.savez_compressed(folder / "bovw.npz", **arrays)


def load(folder: Path, cache: Cache) -> BagOfWords:
    """The bag of words that `save` wrote; it predicts the same. Damaged files raise whatever they do."""
    content = json.loads((folder / "bovw.json").read_text())
    settings = {name: content[name] for name in SETTINGS}
    classes = tuple(content["classes"])
    with (folder / "bovw.npz").open("rb") as stream, np.load(stream, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    bag = from_arrays(arrays, len(classes), settings["root"], settings["pyramid"])
    return BagOfWords(classes, settings, cache, bag=bag)
