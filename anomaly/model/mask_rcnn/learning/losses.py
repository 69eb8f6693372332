"""The five losses, each a scalar over a batch."""

from __future__ import annotations

from keras import KerasTensor as Tensor
from keras import ops

NAMES = ("proposal_class", "proposal_box", "class", "box", "mask")
EPSILON = 1e-6


def objectness(logits: Tensor, positive: Tensor, valid: Tensor) -> Tensor:
    """Mean binary cross-entropy of (b, k) logits over the `valid` anchors."""
    losses = ops.relu(logits) - logits * positive + ops.softplus(-ops.abs(logits))
    return ops.sum(losses * valid) / (ops.sum(valid) + EPSILON)


def classes(logits: Tensor, labels: Tensor, valid: Tensor) -> Tensor:
    """Mean cross-entropy of (b, k, c) logits and (b, k) labels over the `valid` regions."""
    log_proba = ops.log_softmax(logits, -1)
    losses = -ops.take_along_axis(log_proba, labels[..., None], -1)[..., 0]
    return ops.sum(losses * valid) / (ops.sum(valid) + EPSILON)


def boxes(deltas: Tensor, targets: Tensor, positive: Tensor, valid: Tensor, beta: float) -> Tensor:
    """Smooth L1 (quadratic below `beta`) of (b, k, 4) deltas, summed over the positive ones.

    The sum is divided by the number of valid ones, so that an image with more instances counts
    more (Girshick 2015, 2.3).
    """
    error = ops.abs(deltas - ops.where(positive[..., None] > 0, targets, deltas))
    smooth = ops.where(error < beta, 0.5 * error**2 / beta, error - 0.5 * beta)
    return ops.sum(smooth) / (ops.sum(valid) + EPSILON)


def masks(logits: Tensor, targets: Tensor, positive: Tensor) -> Tensor:
    """Mean binary cross-entropy of (b, m, s, s) logits of the true class, over positive regions.

    Source: He et al. 2017, section 3: classes do not compete for pixels.
    """
    losses = ops.relu(logits) - logits * targets + ops.softplus(-ops.abs(logits))
    per_region = ops.mean(losses, (2, 3))
    return ops.sum(per_region * positive) / (ops.sum(positive) + EPSILON)
