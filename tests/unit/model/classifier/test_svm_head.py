"""The SVM as layers: scikit-learn's decisions, standard layers of Keras, and the gradient."""

from __future__ import annotations

import subprocess
import sys

import keras
import numpy as np
import pytest
from sklearn.svm import SVC

from anomaly.backbone import tiny
from anomaly.model.classifier import network
from anomaly.model.classifier.activation_map import logits_and_gradient
from anomaly.model.classifier.svm_head import SvmSettings, fit_head

FEATURES = 6
COUNTS = (40, 9, 5)  # images of each class
SVM = SvmSettings(cost=10.0, gamma=1.0)
STANDARDISED = pytest.mark.parametrize("standardise", [False, True])


def case(seed: int, shift: float = 0.0, spread: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Vectors of classes that overlap, and their labels."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(COUNTS)), COUNTS)
    centres = random.normal(0, 1.5, (len(COUNTS), FEATURES))
    vectors = centres[labels] + random.normal(size=(len(labels), FEATURES))
    return (shift + spread * vectors).astype(np.float32), labels


def scaled(vectors: np.ndarray) -> keras.layers.Normalization:
    layer = keras.layers.Normalization(name="standardise")
    layer.adapt(vectors)
    return layer


def head(
    vectors: np.ndarray, labels: np.ndarray, standardise: bool, svm: SvmSettings = SVM
) -> keras.Model:
    return fit_head(vectors, labels, scaled(vectors) if standardise else None, svm)


def gradient(model: keras.Model, vectors: np.ndarray) -> np.ndarray:
    return np.asarray(logits_and_gradient(model, vectors)[1])


def decided(
    vectors: np.ndarray, labels: np.ndarray, fresh: np.ndarray, svm: SvmSettings
) -> np.ndarray:
    """The decision values of scikit-learn's machines, one for each class against all others."""
    machines = [
        SVC(C=svm.cost, gamma=svm.gamma / FEATURES, class_weight="balanced").fit(
            vectors.astype(np.float64), labels == k
        )
        for k in range(len(COUNTS))
    ]
    return np.stack([m.decision_function(fresh.astype(np.float64)) for m in machines], 1)


@STANDARDISED
@pytest.mark.parametrize("svm", [SVM, SvmSettings(0.1, 3.0), SvmSettings(1000.0, 0.2)], ids=str)
@pytest.mark.parametrize("seed", range(2))
def test_logits_are_the_decisions_of_scikit_learn_one_against_all(seed, svm, standardise):
    vectors, labels = case(seed, shift=2 * standardise, spread=1 + 4 * standardise)
    fresh = np.concatenate([vectors, vectors + np.float32(0.3)])
    logits = np.asarray(head(vectors, labels, standardise, svm).predict_on_batch(fresh))
    if standardise:
        mean, deviation = vectors.mean(0, np.float64), vectors.std(0, dtype=np.float64)
        vectors, fresh = (vectors - mean) / deviation, (fresh - mean) / deviation
    # libsvm stops at 1e-3; a large cost multiplies what is rounded
    assert logits == pytest.approx(
        decided(vectors, labels, fresh, svm), abs=2e-3 * (1 + svm.cost / 10)
    )


@STANDARDISED
def test_features_far_from_zero_keep_their_precision(standardise):
    """The square is expanded into terms that nearly cancel, in single precision."""
    vectors, labels = case(0, shift=50.0)
    logits = np.asarray(head(vectors, labels, standardise).predict_on_batch(vectors))
    centred = (vectors - np.float64(50)).astype(np.float64)
    if standardise:
        centred = (centred - centred.mean(0)) / centred.std(0)
    assert logits == pytest.approx(decided(centred, labels, centred, SVM), abs=0.01)


def test_a_rare_class_is_found_among_many_good_ones():
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1], [200, 6])
    vectors = random.normal(labels[:, None] * 2.5, 1, (206, FEATURES)).astype(np.float32)
    logits = np.asarray(
        head(vectors, labels, True, SvmSettings(0.05, 1.0)).predict_on_batch(vectors)
    )
    assert (logits.argmax(1)[-6:] == 1).all()


def test_only_support_vectors_are_kept():
    vectors, labels = case(0)
    model = head(vectors, labels, False, SvmSettings(10.0, 0.1))
    kernel, _ = model.get_layer("support").get_weights()
    assert kernel.shape[0] == FEATURES and 0 < kernel.shape[1] < len(vectors)


def test_with_standardisation_the_scale_of_a_feature_does_not_matter():
    vectors, labels = case(0)
    stretched = vectors * np.float32([1, 10, 100, 0.1, 3, 7])
    one = head(vectors, labels, True).predict_on_batch(vectors)
    other = head(stretched, labels, True).predict_on_batch(stretched)
    assert np.asarray(one) == pytest.approx(np.asarray(other), abs=5e-3)


# === The gradient of the evidence ===


def logits_in_numpy(model: keras.Model, vectors: np.ndarray) -> np.ndarray:
    """The logits in numpy and float64, as a difference quotient needs the precision."""
    x = vectors.astype(np.float64)
    layers = {layer.name: layer for layer in model.layers}
    if "standardise" in layers:
        norm = layers["standardise"]
        x = (x - np.asarray(norm.mean)) / np.sqrt(np.asarray(norm.variance, np.float64))
    if "support" in layers:
        kernel, bias = (w.astype(np.float64) for w in layers["support"].get_weights())
        gamma = -float(layers["length"].scale)
        x = np.exp(x @ kernel + bias - gamma * (x**2).sum(1, keepdims=True))
    elif "hidden" in layers:
        kernel, bias = (w.astype(np.float64) for w in layers["hidden"].get_weights())
        x = np.maximum(x @ kernel + bias, 0)
    kernel, bias = (w.astype(np.float64) for w in layers["logits"].get_weights())
    return x @ kernel + bias


def any_head(kind: str, standardise: bool, seed: int) -> tuple[keras.Model, np.ndarray]:
    keras.utils.set_random_seed(seed)
    vectors, labels = case(seed, shift=1, spread=2)
    if kind == "svm":
        return head(vectors, labels, standardise), vectors
    units = 12 if kind == "dense" else None
    model = network.head(FEATURES, 3, units=units, dropout=0.5, standardise=standardise)
    random = np.random.default_rng(seed)
    for layer in model.layers:
        if layer.name == "standardise":
            layer.adapt(vectors)
        if isinstance(layer, keras.layers.Dense):
            layer.set_weights([random.normal(size=w.shape) for w in layer.get_weights()])
    return model, vectors


@STANDARDISED
@pytest.mark.parametrize("kind", ["dense", "linear", "svm"])
@pytest.mark.parametrize("seed", range(2))
def test_the_gradient_is_the_central_difference_of_the_evidence(seed, kind, standardise):
    model, vectors = any_head(kind, standardise, seed)
    vectors, step = vectors[::5], 1e-6
    logits = logits_in_numpy(model, vectors)
    assert np.allclose(logits, np.asarray(model.predict_on_batch(vectors)), atol=1e-2)
    types = 1 + logits[:, 1:].argmax(1)
    for vector, label, slope in zip(vectors, types, gradient(model, vectors), strict=True):
        steps = step * np.eye(FEATURES)
        up, down = logits_in_numpy(model, vector + steps), logits_in_numpy(model, vector - steps)
        rise = (up - down)[:, label] - (up - down)[:, 0]
        assert slope == pytest.approx(rise / (2 * step), abs=1e-3, rel=1e-3)


# === The file ===


def test_the_saved_network_needs_none_of_our_code_and_predicts_the_same(tmp_path):
    vectors, labels = case(0)
    model = head(vectors, labels, standardise=True)
    model.save(tmp_path / "head.keras")
    np.save(tmp_path / "vectors.npy", vectors)
    program = (
        "import sys, keras, numpy as np;"
        " head = keras.saving.load_model('head.keras', custom_objects=None, safe_mode=True);"
        " np.save('logits.npy', head.predict_on_batch(np.load('vectors.npy')));"
        " sys.exit(any(name.split('.')[0] == 'anomaly' for name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    logits = np.asarray(model.predict_on_batch(vectors))
    assert np.load(tmp_path / "logits.npy") == pytest.approx(logits, abs=1e-5)


def test_it_joins_a_backbone_and_the_whole_is_saved_too(tmp_path):
    keras.utils.set_random_seed(0)
    images = np.random.default_rng(0).uniform(0, 255, (12, 64, 64, 3)).astype(np.float32)
    features = network.pool(
        tiny.build(image_size=64, weights=None, width=4), ["C4"], ["avg", "max"]
    )
    vectors = np.asarray(features.predict_on_batch(images))
    whole = network.join(features, fit_head(vectors, np.arange(12) % 3, scaled(vectors), SVM))
    whole.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", compile=False, safe_mode=True)
    proba = np.asarray(whole.predict_on_batch(images))
    assert np.allclose(proba.sum(1), 1, atol=1e-5)
    assert np.asarray(loaded.predict_on_batch(images)) == pytest.approx(proba, abs=1e-6)
    assert np.abs(gradient(loaded.get_layer("head"), vectors)).max() > 0
