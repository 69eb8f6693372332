"""Names the class of an image: a dense head on a backbone's pooled features."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import keras
import numpy as np

from anomaly.checks import Fraction, Number, Size
from anomaly.config import StageConfig, TrainerConfig
from anomaly.data.cache import Cache
from anomaly.data.images import load_masks
from anomaly.model import network
from anomaly.model.features import Extractor
from anomaly.model.finetune import finetune
from anomaly.model.head_training import train_head
from anomaly.model.inference import Inference, Reference
from anomaly.model.learner import Report
from anomaly.model.localise import choose_threshold, instances
from anomaly.model.pictures import Picture, firsts, training_pictures, views
from anomaly.types import Predictions, Split

if TYPE_CHECKING:
    from anomaly.augment.policy import Policy

REFERENCE = 50  # good images that show what good looks like
OptimizerBuilder = Callable[..., keras.optimizers.Optimizer]


def build(
    *,
    backbone: Callable[..., keras.Model],
    classes: tuple[str, ...],
    augment: Policy,
    optimizer: OptimizerBuilder,
    cache: Cache,
    seed: int,
    image_size: Size,
    levels: list[Literal["C2", "C3", "C4", "C5"]],
    pooling: list[Literal["avg", "max"]],
    standardise: bool,
    dropout: Fraction,
    units: Number,
    views: Literal[1, 2, 4, 8],
) -> Classifier:
    """A classifier with a fresh head; `backbone` and `optimizer` are partial builds."""
    features = network.pool(backbone(image_size=image_size), levels, pooling)
    head = network.head(
        features.output_shape[-1],
        len(classes),
        units=units,
        dropout=dropout,
        standardise=standardise,
    )
    model = network.join(features, head)
    settings = {"levels": levels, "pooling": pooling, "views": views, "threshold": 0.5}
    return Classifier(model, classes, settings, cache, Training(augment, optimizer, seed))


@dataclass(frozen=True)
class Training:
    """What a classifier needs to learn, and not to predict."""

    augment: Policy
    optimizer: OptimizerBuilder
    seed: int


class Classifier:
    """A learner; `model` maps RGB 0-255 to probabilities, `settings` hold the rest."""

    def __init__(
        self,
        model: keras.Model,
        classes: tuple[str, ...],
        settings: dict,
        cache: Cache,
        training: Training | None = None,
        good: Reference = (),
    ) -> None:
        self.model = model
        self.classes = classes
        self.settings = settings
        self.cache = cache
        self.training = training
        self.good = good
        self.features = model.get_layer("features")
        self.head = model.get_layer("head")
        self.size = model.input_shape[1]
        self.inference = self._inference()

    def fit(self, train: Split, validate: Split, trainer: TrainerConfig, report: Report) -> None:
        """Stage one on frozen features, stage two on everything, then the heat map's threshold.

        Raises:
            InputError: the loss is no longer finite.
        """
        if self.training is None:
            raise ValueError("a loaded classifier predicts; build a new one to learn")
        pictures = training_pictures(train.samples, self.training.augment, self.size, self.cache)
        if trainer.epochs:
            self._fit_head(pictures, validate, trainer, self.training, report)
        if trainer.finetune.epochs:
            shift = trainer.epochs
            self._finetune(
                pictures,
                validate,
                trainer.finetune,
                self.training,
                lambda epoch, values: report(shift + epoch, values),
            )
        good = [sample for sample in train.samples if sample.label == 0][:REFERENCE]
        self.inference = self._inference()
        self.good = self.inference.reference(good)
        _, heat = self.inference(validate, self.good)
        masks = load_masks(validate.samples, validate.grid)
        self.settings["threshold"] = choose_threshold(heat, masks)

    def _fit_head(
        self,
        pictures: list[Picture],
        validate: Split,
        stage: StageConfig,
        training: Training,
        report: Report,
    ) -> None:
        extract = Extractor(self.features, self.cache)
        x, y = extract(pictures, "train features"), np.array([p.label for p in pictures])
        own = extract(self._pictures(validate), "validation features")
        self._standardise(x[firsts(pictures)])
        optimizer = training.optimizer(
            learning_rate=stage.learning_rate, steps=_steps(stage, pictures)
        )
        validation = (own, validate.labels)
        train_head(self.head, optimizer, (x, y), validation, stage, training.seed, report)

    def _standardise(self, vectors: np.ndarray) -> None:
        """On the scale of distinct pictures good parts vary little, and a defect is far off.

        The repetitions that balance the classes would stretch it (docs/decisions/0006).
        """
        for layer in self.head.layers:
            if isinstance(layer, keras.layers.Normalization):
                layer.adapt(vectors)

    def _finetune(
        self,
        pictures: list[Picture],
        validate: Split,
        stage: StageConfig,
        training: Training,
        report: Report,
    ) -> None:
        optimizer = training.optimizer(
            learning_rate=stage.learning_rate, steps=_steps(stage, pictures)
        )
        own = self._pictures(validate)
        finetune(self.model, optimizer, pictures, own, stage, training.seed, report)

    def predict(self, split: Split) -> Predictions:
        """Probabilities averaged over the views, heat maps, and instances at the threshold."""
        proba, heat = self.inference(split, self.good)
        threshold = self.settings["threshold"]
        found = [instances(h, p, threshold) for h, p in zip(heat, proba, strict=True)]
        return Predictions(split.ids, self.classes, proba, heat, heat >= threshold, tuple(found))

    def _inference(self) -> Inference:
        chosen = {name: self.settings[name] for name in ("levels", "pooling", "views")}
        return Inference(self.features, self.head, cache=self.cache, **chosen)

    def _pictures(self, split: Split) -> list[Picture]:
        return views(split.samples, 0, self.size, self.cache)

    def save(self, folder: Path) -> None:
        """model.keras (RGB to probabilities), classifier.json and good.npz."""
        folder.mkdir(parents=True, exist_ok=True)
        self.model.save(folder / "model.keras")
        content = {"classes": self.classes, **self.settings}
        (folder / "classifier.json").write_text(json.dumps(content, indent=2))
        np.savez(folder / "good.npz", *(level for view in self.good for level in view))


def load(folder: Path, cache: Cache) -> Classifier:
    """The classifier that `save` wrote; it predicts the same."""
    model = keras.saving.load_model(folder / "model.keras", compile=False, safe_mode=True)
    settings = json.loads((folder / "classifier.json").read_text())
    with np.load(folder / "good.npz", allow_pickle=False) as file:
        flat = [file[name] for name in file.files]
    levels = len(settings["levels"])
    good = [flat[i : i + levels] for i in range(0, len(flat), levels)]
    return Classifier(model, tuple(settings.pop("classes")), settings, cache, good=good)


def _steps(stage: StageConfig, pictures: Sequence[Picture]) -> int:
    return stage.epochs * -(-len(pictures) // stage.batch_size)
