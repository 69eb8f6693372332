"""Stage two: everything learns, in a known order, and the best weights are kept."""

from __future__ import annotations

from pathlib import Path
from tempfile import mkdtemp

import keras
import numpy as np

from anomaly.config.schema import StageConfig, TrainerConfig
from anomaly.model.classifier import batches as batches_module
from anomaly.model.classifier.batches import Batches, Labelled
from anomaly.model.classifier.finetune import finetune
from anomaly.model.pictures import Picture
from anomaly.model.training.checkpoint import Checkpoint


def pictures(count: int = 12, swapped: bool = False) -> Labelled:
    """Dark images of class 0 and bright ones of class 1, or the other way round."""

    def load(bright: int):
        return lambda: np.full((8, 8, 3), 40 + 150 * bright, np.uint8)

    labels = (np.arange(count) + swapped) % 2
    return Labelled([Picture(str(i), load(i % 2)) for i in range(count)], labels)


def small_network() -> keras.Model:
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Rescaling(1 / 127.5, offset=-1),
            keras.layers.Flatten(),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )


def with_finetuning(stage: StageConfig) -> TrainerConfig:
    """The trainer with this second stage."""
    return TrainerConfig(0, 1.0, 1, None, stage, "float32", None, "none")


def fresh() -> Checkpoint:
    return Checkpoint(Path(mkdtemp()), "key")


def tuned(validate: Labelled) -> tuple[keras.Model, list[dict]]:
    network, epochs = small_network(), []
    stage = with_finetuning(StageConfig(epochs=3, learning_rate=0.05, batch_size=5))
    optimizer = keras.optimizers.SGD(0.05)

    def report(epoch: int, figures: dict) -> None:
        epochs.append(figures)

    finetune(network, optimizer, pictures(), validate, stage, 0, report, fresh())
    return network, epochs


def test_batches_hold_everything_once_in_an_order_of_the_seed_and_the_epoch():
    batches, same = (Batches(pictures(), 5, seed=3) for _ in range(2))
    orders = []
    for epoch in range(2):
        batches.shuffle(epoch)
        same.shuffle(epoch)
        orders.append(batches.order)
        assert np.array_equal(batches.order, same.order)
        assert sum(len(batches[i][0]) for i in range(len(batches))) == 12
        assert np.concatenate([batches[i][1] for i in range(len(batches))]).sum() == 6
    assert not np.array_equal(*orders)


def test_a_picture_is_loaded_once_for_all_epochs_and_repetitions(monkeypatch):
    loaded = []

    def load() -> np.ndarray:
        loaded.append(1)
        return np.zeros((8, 8, 3), np.uint8)

    few = Labelled([Picture(str(i % 3), load) for i in range(6)], np.zeros(6, np.int64))
    batches = Batches(few, 1, seed=0)
    for epoch in range(3):
        batches.shuffle(epoch)
        assert len([batches[i] for i in range(len(batches))]) == 6
    assert len(loaded) == 3
    monkeypatch.setattr(batches_module, "MEMORY", 0)  # nothing fits: pictures are loaded each time
    unkept = Batches(few, 1)
    assert len([unkept[i] for i in range(len(unkept))]) == 6
    assert len(loaded) == 3 + 6


def test_validation_batches_keep_their_order():
    assert np.array_equal(Batches(pictures(4), 4)[0][1], [0, 1, 0, 1])


def test_the_network_learns():
    network, epochs = tuned(pictures(4))
    assert [set(values) for values in epochs] == [
        {"loss", "accuracy", "val_loss", "val_accuracy"}
    ] * 3
    assert epochs[-1]["val_loss"] < epochs[0]["val_loss"]
    assert not all(map(np.array_equal, network.get_weights(), small_network().get_weights()))


def test_a_stage_that_only_does_harm_changes_nothing():
    network, epochs = tuned(pictures(4, swapped=True))
    assert epochs[-1]["val_loss"] > epochs[0]["val_loss"]
    assert all(map(np.array_equal, network.get_weights(), small_network().get_weights()))


def test_batch_norm_infers_while_everything_else_learns():
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 3))
    x = keras.layers.BatchNormalization(name="norm")(keras.layers.Conv2D(4, 3)(image))
    inner = keras.Model(image, keras.layers.GlobalAveragePooling2D()(x))
    outer = keras.Input((8, 8, 3))
    model = keras.Model(outer, keras.layers.Dense(2, activation="softmax")(inner(outer)))
    norm, before = inner.get_layer("norm"), inner.get_layer("norm").get_weights()
    kernel = np.array(inner.layers[1].kernel)
    few = pictures(8)
    epochs = []
    stage = with_finetuning(StageConfig(2, 1e-9, 8))
    optimizer = keras.optimizers.SGD(1e-9)
    finetune(
        model,
        optimizer,
        few,
        few,
        stage,
        0,
        lambda epoch, values: epochs.append(dict(values)),
        fresh(),
    )
    assert all(np.array_equal(a, b) for a, b in zip(norm.get_weights(), before, strict=True))
    # With a learning rate of almost 0, the network is the same in training and validation.
    assert np.isclose(epochs[0]["loss"], epochs[0]["val_loss"], rtol=1e-5)
    finetune(
        model,
        keras.optimizers.SGD(1e-2),
        few,
        few,
        stage,
        0,
        lambda epoch, values: None,
        fresh(),
    )
    assert all(np.array_equal(a, b) for a, b in zip(norm.get_weights(), before, strict=True))
    assert not np.array_equal(np.array(inner.layers[1].kernel), kernel)
