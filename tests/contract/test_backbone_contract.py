"""For every file of conf/backbone: levels, strides, training, files, and every Keras backend."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from anomaly.types import InputError

ROOT = Path(__file__).parents[2]
OPTIONS = sorted(p.stem for p in (ROOT / "conf/backbone").glob("*.yaml"))
EACH = pytest.mark.parametrize("option", OPTIONS)
SIZE = 64
LEVELS = {"C2": 4, "C3": 8, "C4": 16, "C5": 32}  # and their strides
IMAGES = np.random.default_rng(0).integers(0, 256, (2, SIZE, SIZE, 3)).astype(np.float32)

QUICK = "--xla_backend_optimization_level=0"  # compiles in half the time
# Runs under the other backend: the same network with the same weights and images.
ELSEWHERE = """
import importlib, json, sys
import numpy as np
for module, values, weights, images, out in json.load(open(sys.argv[1])):
    network = importlib.import_module(module).build(**values)
    network.load_weights(weights)
    np.savez(out, **{k: np.asarray(v) for k, v in network.predict_on_batch(np.load(images)).items()})
"""


@pytest.fixture(scope="module")
def nodes(parsed) -> dict[str, dict]:
    """The config of every option, with random weights."""
    return {o: parsed(f"backbone={o}", "backbone.weights=null").backbone for o in OPTIONS}


@pytest.fixture(scope="module")
def networks(nodes, build) -> dict[str, keras.Model]:
    keras.utils.set_random_seed(0)
    return {option: settled(build(node, image_size=SIZE)) for option, node in nodes.items()}


def settled(network: keras.Model) -> keras.Model:
    """Batch norm takes its statistics from noise: else random weights let the signal fade away."""
    noise = np.random.default_rng(1).integers(0, 256, (16, SIZE, SIZE, 3)).astype(np.float32)
    norms = [x for x in network.layers if isinstance(x, keras.layers.BatchNormalization)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    network(noise, training=True)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    return network


@EACH
def test_four_levels_at_their_strides(option, networks):
    assert networks[option].input_shape == (None, SIZE, SIZE, 3)
    shapes = {level: tensor.shape for level, tensor in networks[option].output.items()}
    assert {level: shape[1:3] for level, shape in shapes.items()} == {
        level: (SIZE // stride, SIZE // stride) for level, stride in LEVELS.items()
    }


@EACH
def test_outputs_are_finite_and_differ_between_images(option, networks):
    for level in networks[option].predict_on_batch(IMAGES).values():
        level = np.asarray(level)
        assert np.isfinite(level).all()
        assert np.abs(level[0] - level[1]).max() > 0.1 * np.abs(level).max()


@EACH
def test_every_level_is_reached_by_training(option, networks):
    network = networks[option]
    pooled = [keras.ops.mean(network.output[level], axis=(1, 2)) for level in LEVELS]
    model = keras.Model(network.input, keras.layers.Dense(2)(keras.ops.concatenate(pooled, -1)))
    before, everything = [np.array(w) for w in network.trainable_weights], network.get_weights()
    jit = keras.backend.backend() == "jax"  # TensorFlow is quicker without
    model.compile(keras.optimizers.SGD(0.1), "mse", jit_compile=jit)
    model.fit(IMAGES, np.float32([[0, 1], [1, 0]]), epochs=1, verbose=0)
    after = [np.array(w) for w in network.trainable_weights]
    network.set_weights(everything)  # other tests use it too
    moved = [not np.array_equal(old, new) for old, new in zip(before, after, strict=True)]
    assert len(moved) > 4
    assert np.mean(moved) > 0.9  # a weight whose gradient is exactly zero may stay


@EACH
def test_a_saved_backbone_predicts_the_same(option, networks, tmp_path):
    networks[option].save(tmp_path / "backbone.keras")
    loaded = keras.saving.load_model(tmp_path / "backbone.keras")
    assert_same(loaded.predict_on_batch(IMAGES), networks[option].predict_on_batch(IMAGES), 1e-6)


@pytest.fixture(scope="module")
def elsewhere(nodes, networks, tmp_path_factory) -> Path:
    """A folder with every backbone's output as the other Keras backend computes it."""
    folder = tmp_path_factory.mktemp("elsewhere")
    np.save(folder / "images.npy", IMAGES)
    jobs = []
    for option, network in networks.items():
        network.save_weights(folder / f"{option}.weights.h5")
        values = {k: v for k, v in nodes[option].items() if not k.startswith("_")}
        module = nodes[option]["_target_"].removesuffix(".build")
        names = [f"{option}.weights.h5", "images.npy", f"{option}.npz"]
        paths = [str(folder / name) for name in names]
        jobs.append([module, {**values, "image_size": SIZE}, *paths])
    (folder / "jobs.json").write_text(json.dumps(jobs))
    other = "tensorflow" if keras.backend.backend() == "jax" else "jax"
    subprocess.run(
        [sys.executable, "-c", ELSEWHERE, str(folder / "jobs.json")],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": other, "XLA_FLAGS": QUICK},
        check=True,
    )
    return folder


@EACH
def test_every_keras_backend_gives_the_same_output(option, networks, elsewhere):
    with np.load(elsewhere / f"{option}.npz") as other:
        assert_same(dict(other), networks[option].predict_on_batch(IMAGES), 1e-4)


def assert_same(one: dict, other: dict, tolerance: float) -> None:
    """Equal to `tolerance` of each level's largest value."""
    assert set(one) == set(other) == set(LEVELS)
    for level in LEVELS:
        a, b = np.asarray(one[level]), np.asarray(other[level])
        assert np.abs(a - b).max() <= tolerance * np.abs(b).max()


@EACH
@pytest.mark.parametrize("content", [b"no weights", b"\x89HDF\r\n\x1a\n", b"PK\x03\x04"])
@pytest.mark.parametrize("suffix", [".weights.h5", ".keras", ".bin"])
def test_a_file_of_no_weights_is_refused_in_words(suffix, content, option, nodes, build, tmp_path):
    path = tmp_path / f"file{suffix}"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"backbone\.weights=.* does not fit"):
        build({**nodes[option], "weights": str(path)}, image_size=SIZE)
