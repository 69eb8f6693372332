"""How sure the probabilities may be: a temperature fitted on validate, and the error that is left."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

BINS = 10
PRIOR = 0.5  # standard deviation of the logarithm of a temperature, before anything is seen
WIDEST = 3.0  # |log temperature|: from a twentieth to twenty
SMALLEST = 1e-12  # a probability that a logarithm can still take


class Reliability(NamedTuple):
    """One row per bin of confidence that holds images."""

    confidence: np.ndarray  # (b,) mean probability of the class that was named
    accuracy: np.ndarray  # (b,) share of them named right
    images: np.ndarray  # (b,) how many


def fit_temperature(proba: np.ndarray, labels: np.ndarray) -> float:
    """The temperature that makes (n, c) probabilities most likely for (n,) labels; 1 for none.

    Its logarithm has a normal prior: where validate holds no mistake, the likelihood alone would
    ask for certainty, which few images cannot prove (docs/decisions/0008).

    Source: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, section 4.2.
    """
    from scipy.optimize import minimize_scalar  # takes a second, and a verdict needs none

    true = np.arange(len(labels)), labels

    def cost(log_temperature: float) -> float:
        scaled = apply_temperature(proba, float(np.exp(log_temperature)))
        return log_temperature**2 / (2 * PRIOR**2) - np.log(scaled[true] + SMALLEST).sum()

    best = minimize_scalar(cost, bounds=(-WIDEST, WIDEST), method="bounded")
    return float(np.exp(best.x))


def apply_temperature(proba: np.ndarray, temperature: float) -> np.ndarray:
    """(n, c) probabilities, softened where the temperature is above 1; their order stays."""
    logits = np.log(np.maximum(proba, SMALLEST)) / temperature
    weights = np.exp(logits - logits.max(1, keepdims=True))  # SciPy's softmax takes long to load
    return weights / weights.sum(1, keepdims=True)


def reliability(proba: np.ndarray, labels: np.ndarray, bins: int = BINS) -> Reliability:
    """Confidence against accuracy, in `bins` equal steps of confidence; empty ones left out."""
    sure, right = proba.max(1), proba.argmax(1) == labels
    place = np.minimum((sure * bins).astype(np.int64), bins - 1)
    count = np.bincount(place, minlength=bins)
    held = count > 0
    confidence, accuracy = (np.bincount(place, v, bins)[held] / count[held] for v in (sure, right))
    return Reliability(confidence, accuracy, count[held])


def calibration(true: np.ndarray, proba: np.ndarray) -> dict[str, float]:
    """`ece`, the expected calibration error, 0..1: |confidence - accuracy|, weighted by images.

    Source: Naeini et al., "Obtaining Well Calibrated Probabilities Using Bayesian Binning",
    AAAI 2015. Empty where there is no image.
    """
    if not len(true):
        return {}
    bins = reliability(proba, true)
    gaps = np.abs(bins.confidence - bins.accuracy)
    return {"ece": float((gaps * bins.images).sum() / bins.images.sum())}
