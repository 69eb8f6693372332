"""The stages of a classifier's training: the head, then every weight, then an SVM if configured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import keras
import numpy as np

from anomaly.cache.store import Cache
from anomaly.config.schema import StageConfig, TrainerConfig
from anomaly.model.classifier import network
from anomaly.model.classifier.batches import Labelled
from anomaly.model.classifier.finetune import finetune
from anomaly.model.classifier.head_training import evaluate, train_head
from anomaly.model.classifier.standardisation import adapt
from anomaly.model.classifier.svm_head import SvmSettings, fit_head
from anomaly.model.features import Extractor
from anomaly.model.learner import Report
from anomaly.model.pictures import first_occurrences, training_pictures, views
from anomaly.model.training.checkpoint import Checkpoint, key_of
from anomaly.model.training.distribution import over_devices
from anomaly.model.training.epochs import FIGURES, numbered_from
from anomaly.types import Split

if TYPE_CHECKING:
    from anomaly.augment.policy import Policy

OptimizerBuilder = Callable[..., keras.optimizers.Optimizer]
Vectors = tuple[np.ndarray, np.ndarray]  # (n, f) features and (n,) labels


@dataclass(frozen=True)
class Recipe:
    """What a classifier needs for training, but not for prediction."""

    augment: Policy
    optimizer: OptimizerBuilder
    seed: int
    svm: SvmSettings | None  # None for the other heads


class Stages:
    """Trains a network stage by stage, on the pictures of train; validate decides which epoch is best."""

    def __init__(
        self, model: keras.Model, recipe: Recipe, train: Split, validate: Split, cache: Cache
    ) -> None:
        self.model, self.recipe, self.cache = model, recipe, cache
        self.checkpoints: list[Checkpoint] = []  # one per stage, kept until the model is saved
        size = model.input_shape[1]
        versions = recipe.augment.versions(train.labels)
        pictures = training_pictures(train.samples, recipe.augment, size, cache)
        self.train_set = Labelled(pictures, np.repeat(train.labels, versions))
        self.validation_set = Labelled(views(validate.images, 0, size, cache), validate.labels)

    def train(self, trainer: TrainerConfig, report: Report) -> keras.Model:
        """The network after all stages; an SVM needs a trained head only before fine-tuning.

        Raises:
            InputError: the loss is no longer finite.
        """
        epochs = 0
        if trainer.epochs and (trainer.finetune.epochs or not self.recipe.svm):
            self._train_head(trainer, report)
            epochs = trainer.epochs
        if trainer.finetune.epochs:
            self._finetune(trainer, numbered_from(epochs, report))
            epochs += trainer.finetune.epochs
        if self.recipe.svm:
            self.model = self._fit_svm(self.recipe.svm, numbered_from(epochs, report))
        return self.model

    def _train_head(self, stage: StageConfig, report: Report) -> None:
        train, validation = self._features()
        head, optimizer = self.model.get_layer("head"), self._optimizer(stage)
        self._adapt_standardisation(head, train[0])
        checkpoint = self._checkpoint(head, optimizer, (*train, *validation), stage)
        seed = self.recipe.seed
        train_head(head, optimizer, train, validation, stage, seed, report, checkpoint)

    def _finetune(self, trainer: TrainerConfig, report: Report) -> None:
        stage, sets = trainer.finetune, (self.train_set, self.validation_set)
        with over_devices(trainer.distribution):
            optimizer = self._optimizer(stage)
        pictures = [f"{p.key} {label}" for data in sets for p, label in zip(*data, strict=True)]
        checkpoint = self._checkpoint(self.model, optimizer, (), stage, pictures, trainer.xla)
        seed = self.recipe.seed
        finetune(self.model, optimizer, *sets, trainer, seed, report, checkpoint)

    def _fit_svm(self, svm: SvmSettings, report: Report) -> keras.Model:
        """Uses each picture once, as classes are balanced by weights; reports one epoch."""
        (x, y), validation = self._features()
        head, distinct = self.model.get_layer("head"), first_occurrences(self.train_set.pictures)
        normalise = self._adapt_standardisation(head, x)
        head = fit_head(x[distinct], y[distinct], normalise, svm)
        figures = (*evaluate(head, x, y), *evaluate(head, *validation))
        report(0, dict(zip(FIGURES, figures, strict=True)))
        return network.join(self.model.get_layer("features"), head)

    def _features(self) -> tuple[Vectors, Vectors]:
        extract = Extractor(self.model.get_layer("features"), self.cache)
        train, validation = self.train_set, self.validation_set
        return (
            (extract(train.pictures, "train features"), train.labels),
            (extract(validation.pictures, "validation features"), validation.labels),
        )

    def _adapt_standardisation(self, head: keras.Model, vectors: np.ndarray) -> keras.Layer | None:
        """The head's Normalization, if any, adapted to the distinct pictures.

        Repetitions that balance the classes would widen the scale: good parts vary little, and on
        their scale a defect is far off (docs/decisions/0006).
        """
        layer = next((x for x in head.layers if x.name == "standardise"), None)
        if layer is not None:
            adapt(layer, vectors[first_occurrences(self.train_set.pictures)])
        return layer

    def _optimizer(self, stage: StageConfig) -> keras.optimizers.Optimizer:
        steps = stage.epochs * stage.steps(len(self.train_set.pictures))
        return self.recipe.optimizer(learning_rate=stage.learning_rate, steps=steps)

    def _checkpoint(
        self,
        network: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        arrays: Sequence[np.ndarray],
        stage: StageConfig,
        *settings: object,
    ) -> Checkpoint:
        precision = keras.config.dtype_policy().name
        settings = (stage.settings(), self.recipe.seed, precision, *settings)
        key = key_of(network, optimizer, arrays, *settings)
        self.checkpoints.append(Checkpoint(self.cache.root.with_name("checkpoints"), key))
        return self.checkpoints[-1]
