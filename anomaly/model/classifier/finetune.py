"""Stage two: backbone and head learn together, batch norm in inference mode."""

from __future__ import annotations

import keras

from anomaly.config.schema import TrainerConfig
from anomaly.model.classifier.batches import Batches, Labelled
from anomaly.model.classifier.head_training import check_finite
from anomaly.model.fingerprint import every_layer
from anomaly.model.learner import Report
from anomaly.model.training.checkpoint import Checkpoint
from anomaly.model.training.devices import jit
from anomaly.model.training.distribution import devices, over_devices
from anomaly.model.training.epochs import FIGURES, EpochLog, OnBatchEnd
from anomaly.model.training.state import BestWeights, TrainingState
from anomaly.runtime.progress import bar


def finetune(
    network: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    train: Labelled,
    validate: Labelled,
    trainer: TrainerConfig,
    seed: int,
    report: Report,
    checkpoint: Checkpoint,
) -> None:
    """Train every weight of `network` (RGB to probabilities); keep the best validation epoch.

    Continues from the checkpoint, if there is one, and writes one after each epoch. The weights
    from before the first epoch count too, so a stage that only does harm changes nothing.

    Raises:
        InputError: the loss is no longer finite.
    """
    stage, best = trainer.finetune, BestWeights(network)
    _freeze_batch_norm(network)
    _compile(network, optimizer, trainer)
    epochs = EpochLog(TrainingState(network, optimizer, best), checkpoint, report, interval=0)
    if not epochs.first:
        best.update(_evaluate(network, validate, stage.batch_size)[0])
    steps, count = stage.steps(len(train.pictures)), devices(trainer.distribution)
    batches = Batches(train, stage.batch_size, seed, steps, count)
    with bar() as display:
        task = display.add_task("fine-tuning", total=stage.epochs * len(batches), figures="")
        display.update(task, completed=epochs.first * len(batches))
        on_batch_end = OnBatchEnd(lambda logs: display.advance(task))
        for epoch in range(epochs.first, stage.epochs):
            batches.shuffle(epoch)
            trained = _train_epoch(network, batches, trainer.distribution, on_batch_end)
            figures = (*trained, *_evaluate(network, validate, stage.batch_size))
            named = dict(zip(FIGURES, figures, strict=True))
            check_finite(named["loss"], epoch)
            best.update(named["val_loss"])
            epochs.add(named)
            display.update(task, figures=f"val_loss {named['val_loss']:.3f}")
    epochs.finish()
    best.restore()


def _freeze_batch_norm(network: keras.Model) -> None:
    """Batch norm uses the statistics of ImageNet rather than those of a small batch.

    Freezing the layer is the only way: Keras 3 overrides `training=False` inside a functional
    graph by the mode of the graph. Scale and offset are frozen too, as they fit these statistics.
    """
    for layer in every_layer(network):
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False


def _compile(
    network: keras.Model, optimizer: keras.optimizers.Optimizer, trainer: TrainerConfig
) -> None:
    loss = keras.losses.SparseCategoricalCrossentropy()
    with over_devices(trainer.distribution):
        network.compile(optimizer, loss, metrics=["accuracy"], jit_compile=jit(trainer.xla))
        optimizer.build(network.trainable_variables)


def _train_epoch(
    network: keras.Model, batches: Batches, distribution: str, callback: OnBatchEnd
) -> tuple[float, float]:
    """The mean loss and accuracy while learning."""
    with over_devices(distribution):
        history = network.fit(batches, verbose=0, callbacks=[callback], shuffle=False).history
    return history["loss"][0], history["accuracy"][0]


def _evaluate(network: keras.Model, labelled: Labelled, batch_size: int) -> tuple[float, float]:
    """The loss and accuracy of the network as it is."""
    loss, accuracy = network.evaluate(Batches(labelled, batch_size), verbose=0)
    return float(loss), float(accuracy)
