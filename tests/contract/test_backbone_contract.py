"""For every file of conf/backbone: levels, strides, training, files, and every Keras backend."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from functools import cache
from math import ceil
from pathlib import Path

import keras
import numpy as np
import pytest

from anomaly.backbone import tiny
from anomaly.errors import InputError

ROOT = Path(__file__).parents[2]
OPTIONS = sorted(p.stem for p in (ROOT / "conf/backbone").glob("*.yaml"))
SIZES = dict.fromkeys(OPTIONS, 72) | {
    "inceptionresnetv2": 104
}  # not a multiple of the strides of C4 and C5
LEVELS = {"C2": 4, "C3": 8, "C4": 16, "C5": 32}  # and their strides

QUICK = "--xla_backend_optimization_level=0"  # compiles in half the time
# Takes as long as all others together; in `make test` tests/unit/backbone/test_normalisation.py reads its
# weights and computes its deepest level.
HEAVY = "inceptionresnetv2"


def each_but(*slow: str) -> pytest.MarkDecorator:
    """Each option; `make test` leaves out the slow ones."""
    marked = [pytest.param(o, marks=pytest.mark.slow) if o in slow else o for o in OPTIONS]
    return pytest.mark.parametrize("option", marked)


EACH = each_but(HEAVY)
# Runs under the other backend, with the same weights and images.
ELSEWHERE = """
import importlib, json, sys
import numpy as np
module, values = json.loads(sys.argv[1])
network = importlib.import_module(module).build(**values)
network.load_weights("network.weights.h5")
outputs = network.predict_on_batch(np.load("images.npy"))
np.savez("outputs.npz", **{name: np.asarray(values) for name, values in outputs.items()})
"""


def images(option: str, count: int = 2, seed: int = 0) -> np.ndarray:
    shape = (count, SIZES[option], SIZES[option], 3)
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.float32)


@pytest.fixture(scope="module")
def nodes(parsed, tmp_path_factory) -> dict[str, dict]:
    """The config of every option, with random weights."""
    saved = tmp_path_factory.mktemp("saved") / "tiny.keras"
    tiny.build(image_size=96, weights=None, width=4).save(saved)
    weights = dict.fromkeys(OPTIONS, "backbone.weights=null")
    weights["keras_file"] = f"backbone.path={saved}"
    return {option: parsed(f"backbone={option}", weights[option]).backbone for option in OPTIONS}


@pytest.fixture(scope="module")
def network_of(nodes, build) -> Callable[[str], keras.Model]:
    """network_of(option) is built once, when a test first needs it."""

    @cache
    def make(option: str) -> keras.Model:
        keras.utils.set_random_seed(0)
        return calibrated(build(nodes[option], image_size=SIZES[option]), option)

    return make


def calibrated(network: keras.Model, option: str) -> keras.Model:
    """Lets the signal reach the last level, as with trained weights.

    Batch norm takes its statistics from noise, and ConvNeXt's layer scales become 1.
    """
    noise = images(option, 16, seed=1)
    for layer in network.layers:
        if type(layer).__name__ == "LayerScale":
            layer.set_weights([np.ones_like(layer.get_weights()[0])])
    norms = [x for x in network.layers if isinstance(x, keras.layers.BatchNormalization)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    network(noise, training=True)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    return network


@EACH
def test_four_levels_at_their_strides(option, network_of):
    size = SIZES[option]
    assert network_of(option).input_shape == (None, size, size, 3)
    shapes = {level: tensor.shape for level, tensor in network_of(option).output.items()}
    assert {level: shape[1:3] for level, shape in shapes.items()} == {
        level: (ceil(size / stride), ceil(size / stride)) for level, stride in LEVELS.items()
    }


@EACH
def test_outputs_are_finite_and_differ_between_images(option, network_of):
    for level in network_of(option).predict_on_batch(images(option)).values():
        level = np.asarray(level)
        assert np.isfinite(level).all()
        assert np.abs(level[0] - level[1]).max() > 0.1 * np.abs(level).max()


@EACH
def test_a_change_in_an_image_changes_the_cells_over_it(option, network_of):
    plain = images(option, 1)
    changed, row, column = plain.copy(), SIZES[option] // 3, 2 * SIZES[option] // 3
    spot = changed[:, row - 4 : row + 4, column - 4 : column + 4]
    spot[:] = 255 - spot
    maps = network_of(option).predict_on_batch(np.concatenate([plain, changed]))
    for level in ("C2", "C3"):  # at higher levels a cell depends on nearly the whole image
        one, other = np.asarray(maps[level])
        change = ((one - other) ** 2).sum(-1) / ((one - other) ** 2).sum()
        centre = np.array([(change * cells).sum() for cells in np.indices(change.shape)])
        expected = np.array([row, column]) / LEVELS[level] - 0.5
        assert np.abs(centre - expected).max() < 1.25  # in cells


@EACH
def test_every_level_is_reached_by_training(option, network_of):
    network = network_of(option)
    pooled = [keras.ops.mean(network.output[level], axis=(1, 2)) for level in LEVELS]
    model = keras.Model(network.input, keras.layers.Dense(2)(keras.ops.concatenate(pooled, -1)))
    before, initial = [np.array(w) for w in network.trainable_weights], network.get_weights()
    jit = keras.backend.backend() == "jax"  # a single step of TensorFlow is faster without a graph
    model.compile(keras.optimizers.SGD(0.1), "mse", jit_compile=jit, run_eagerly=not jit)
    model.fit(images(option), np.float32([[0, 1], [1, 0]]), epochs=1, verbose=0)
    after = [np.array(w) for w in network.trainable_weights]
    network.set_weights(initial)  # for the other tests
    changed = [not np.array_equal(old, new) for old, new in zip(before, after, strict=True)]
    assert len(changed) > 4
    assert np.mean(changed) > 0.9  # a weight whose gradient is exactly zero may stay


@EACH
def test_a_saved_backbone_predicts_the_same_without_this_package(option, network_of, tmp_path):
    network_of(option).save(tmp_path / "backbone.keras")
    with zipfile.ZipFile(tmp_path / "backbone.keras") as file:
        assert b"anomaly" not in file.read("config.json")
    loaded = keras.saving.load_model(tmp_path / "backbone.keras")
    assert_same(*(network(images(option)) for network in (loaded, network_of(option))), 1e-6)


@each_but(*{*OPTIONS} - {"tiny"})  # JAX compiles a large network for a minute
def test_every_keras_backend_gives_the_same_output(option, nodes, network_of, tmp_path):
    network = network_of(option)
    network.save_weights(tmp_path / "network.weights.h5")
    np.save(tmp_path / "images.npy", images(option))
    values = {k: v for k, v in nodes[option].items() if not k.startswith("_")}
    module = nodes[option]["_target_"].removesuffix(".build")
    other = "tensorflow" if keras.backend.backend() == "jax" else "jax"
    subprocess.run(
        [
            sys.executable,
            "-c",
            ELSEWHERE,
            json.dumps([module, {**values, "image_size": SIZES[option]}]),
        ],
        cwd=tmp_path,
        env={**os.environ, "KERAS_BACKEND": other, "XLA_FLAGS": QUICK, "PYTHONPATH": str(ROOT)},
        check=True,
    )
    with np.load(tmp_path / "outputs.npz") as outputs:
        assert_same(dict(outputs), network.predict_on_batch(images(option)), 1e-4)


def assert_same(one: dict, other: dict, tolerance: float) -> None:
    """Equal to `tolerance` of each level's largest value."""
    assert set(one) == set(other) == set(LEVELS)
    for level in LEVELS:
        a, b = np.asarray(one[level]), np.asarray(other[level])
        assert np.abs(a - b).max() <= tolerance * np.abs(b).max()


DAMAGED = [
    (suffix, content)
    for suffix in (".weights.h5", ".keras", ".bin")
    for content in (b"no weights", b"\x89HDF\r\n\x1a\n", b"PK\x03\x04")
]
# All cases for the fastest network of each reader, and one case for all others. Reading does not
# depend on the backend, and JAX builds large networks slowly, so those are tested on TensorFlow.
QUICKEST = ("mobilenetv2", "tiny")
OTHERS = DAMAGED[:1] if keras.backend.backend() == "tensorflow" else []
REFUSED = [
    pytest.param(option, *damaged, marks=[pytest.mark.slow] if option == HEAVY else [])
    for option in OPTIONS
    if option != "keras_file"  # tests/unit/backbone/test_keras_file.py
    for damaged in (DAMAGED if option in QUICKEST else OTHERS)
]


@pytest.mark.parametrize("option, suffix, content", REFUSED)
def test_a_file_without_weights_is_refused_in_one_sentence(
    option, suffix, content, nodes, build, tmp_path
):
    path = tmp_path / f"file{suffix}"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"backbone\.weights=.* does not fit"):
        build({**nodes[option], "weights": str(path)}, image_size=SIZES[option])
