"""How a classifier's network learns: the head, then everything, then, where asked for, an SVM."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import keras
import numpy as np

from anomaly.cache.store import Cache
from anomaly.config.schema import StageConfig, TrainerConfig
from anomaly.model.classifier import network
from anomaly.model.classifier.finetune import Labelled, finetune
from anomaly.model.classifier.head_training import evaluate, train_head
from anomaly.model.classifier.svm_head import Svm, fit_head
from anomaly.model.features import Extractor
from anomaly.model.learner import Report
from anomaly.model.pictures import firsts, training_pictures, views
from anomaly.model.training.checkpoint import Checkpoint, key_of
from anomaly.model.training.distribution import over_devices
from anomaly.model.training.epochs import FIGURES, numbered_after
from anomaly.types import Split

if TYPE_CHECKING:
    from anomaly.augment.policy import Policy

OptimizerBuilder = Callable[..., keras.optimizers.Optimizer]
Vectors = tuple[np.ndarray, np.ndarray]  # (n, f) features and (n,) labels


@dataclass(frozen=True)
class Recipe:
    """What a classifier needs to learn, and not to predict."""

    augment: Policy
    optimizer: OptimizerBuilder
    seed: int
    svm: Svm | None  # where the head is one


class Stages:
    """The stages of a network's training: pictures to learn from, and those that say when it was best."""

    def __init__(
        self, model: keras.Model, recipe: Recipe, train: Split, validate: Split, cache: Cache
    ) -> None:
        self.model, self.recipe, self.cache = model, recipe, cache
        self.checkpoints: list[Checkpoint] = []  # of each stage, kept until the model is saved
        size = model.input_shape[1]
        versions = recipe.augment.versions(train.labels)
        self.train = Labelled(
            training_pictures(train.samples, recipe.augment, size, cache),
            np.repeat(train.labels, versions),
        )
        self.validate = Labelled(views(validate.images, 0, size, cache), validate.labels)

    def learn(self, trainer: TrainerConfig, report: Report) -> keras.Model:
        """The network after all stages; an SVM needs no head before it, unless all is fine-tuned.

        Raises:
            InputError: the loss is no longer finite.
        """
        done = 0
        if trainer.epochs and (trainer.finetune.epochs or not self.recipe.svm):
            self._train_head(trainer, report)
            done = trainer.epochs
        if trainer.finetune.epochs:
            self._finetune(trainer, numbered_after(done, report))
            done += trainer.finetune.epochs
        if self.recipe.svm:
            self.model = self._fit_svm(self.recipe.svm, numbered_after(done, report))
        return self.model

    def _train_head(self, stage: StageConfig, report: Report) -> None:
        (x, y), validation = self._features()
        head, optimizer = self.model.get_layer("head"), self._optimizer(stage)
        self._standardise(head, x)
        checkpoint = self._checkpoint(head, optimizer, (x, y, *validation), stage)
        given = (head, optimizer, (x, y), validation, stage, self.recipe.seed, report)
        train_head(*given, checkpoint)

    def _finetune(self, trainer: TrainerConfig, report: Report) -> None:
        stage = trainer.finetune
        with over_devices(trainer.distribution):
            optimizer = self._optimizer(stage)
        seen = [
            f"{picture.key} {label}"
            for pictures, labels in (self.train, self.validate)
            for picture, label in zip(pictures, labels, strict=True)
        ]
        checkpoint = self._checkpoint(self.model, optimizer, (), stage, seen, trainer.xla)
        given = (self.model, optimizer, self.train, self.validate)
        finetune(*given, trainer, self.recipe.seed, report, checkpoint)

    def _checkpoint(
        self,
        network: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        arrays: Sequence[np.ndarray],
        stage: StageConfig,
        *words: object,
    ) -> Checkpoint:
        decides = (stage.settings(), self.recipe.seed, keras.config.dtype_policy().name, *words)
        key = key_of(network, optimizer, arrays, *decides)
        self.checkpoints.append(Checkpoint(self.cache.root.with_name("checkpoints"), key))
        return self.checkpoints[-1]

    def _fit_svm(self, svm: Svm, report: Report) -> keras.Model:
        """Nothing is repeated: the classes balance by weight, and there is one epoch to report."""
        (x, y), validation = self._features()
        head, distinct = self.model.get_layer("head"), firsts(self.train.pictures)
        normalise = self._standardise(head, x)
        head = fit_head(x[distinct], y[distinct], normalise, svm)
        figures = (*evaluate(head, x, y), *evaluate(head, *validation))
        report(0, dict(zip(FIGURES, figures, strict=True)))
        return network.join(self.model.get_layer("features"), head)

    def _features(self) -> tuple[Vectors, Vectors]:
        extract = Extractor(self.model.get_layer("features"), self.cache)
        train = extract(self.train.pictures, "train features"), self.train.labels
        return train, (
            extract(self.validate.pictures, "validation features"),
            self.validate.labels,
        )

    def _standardise(self, head: keras.Model, vectors: np.ndarray) -> keras.Layer | None:
        """On the scale of distinct pictures good parts vary little, and a defect is far off.

        The repetitions that balance the classes would stretch it (docs/decisions/0006).
        """
        layer = next((x for x in head.layers if x.name == "standardise"), None)
        if layer is not None:
            layer.adapt(vectors[firsts(self.train.pictures)])
        return layer

    def _optimizer(self, stage: StageConfig) -> keras.optimizers.Optimizer:
        steps = stage.epochs * stage.steps(len(self.train.pictures))
        return self.recipe.optimizer(learning_rate=stage.learning_rate, steps=steps)
