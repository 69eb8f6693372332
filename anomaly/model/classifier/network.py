"""The classifier's network: a backbone, pooled levels, and the dense head."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

POOLING = {"avg": layers.GlobalAveragePooling2D, "max": layers.GlobalMaxPooling2D}


def pool(backbone: keras.Model, levels: Sequence[str], pooling: Sequence[str]) -> keras.Model:
    """RGB (n, h, w, 3) to the pooled, concatenated levels (n, f)."""
    used = {level: backbone.output[level] for level in levels}  # levels above are not computed
    backbone = keras.Model(backbone.input, used, name="backbone")
    image = keras.Input(backbone.input_shape[1:], name="image")
    maps = backbone(image)
    vectors = [POOLING[kind]()(maps[level]) for level in levels for kind in pooling]
    joined = layers.Concatenate()(vectors) if len(vectors) > 1 else vectors[0]
    return keras.Model(image, joined, name="features")


def levels(features: keras.Model, names: Sequence[str]) -> keras.Model:
    """RGB (n, h, w, 3) to {level: map (n, h', w', c)} of the backbone inside `features`."""
    image = keras.Input(features.input_shape[1:], name="image")
    maps = features.get_layer("backbone")(image)
    return keras.Model(image, {name: maps[name] for name in names})


def head(
    features: int, classes: int, *, units: int | None, dropout: float, standardise: bool
) -> keras.Model:
    """(n, features) to (n, classes) logits: [Normalization] - Dropout - [Dense relu] - Dense."""
    vector = keras.Input((features,), name="vector")
    x = layers.Normalization(name="standardise")(vector) if standardise else vector
    x = layers.Dropout(dropout)(x)
    x = layers.Dense(units, activation="relu", name="hidden")(x) if units else x
    return keras.Model(vector, layers.Dense(classes, name="logits")(x), name="head")


def join(features: keras.Model, head: keras.Model) -> keras.Model:
    """RGB (n, h, w, 3) to (n, classes) probabilities; both networks keep their weights."""
    image = keras.Input(features.input_shape[1:], name="image")
    proba = layers.Softmax(name="proba", dtype="float32")(head(features(image)))
    return keras.Model(image, proba, name="classifier")
