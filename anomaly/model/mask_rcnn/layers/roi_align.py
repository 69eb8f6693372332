"""RoIAlign: the features of a region, sampled from a pyramid without rounding."""

from __future__ import annotations

import keras
from keras import KerasTensor as Tensor
from keras import ops

SAMPLES = 2  # points along each side of a bin, so four in a bin (He et al. 2017, 3)
FINEST, COARSEST = 2, 5  # the levels P2 to P5


@keras.saving.register_keras_serializable("anomaly")
class RoIAlign(keras.layers.Layer):
    """`bins` x `bins` features of each region, each the mean of four bilinear samples.

    Takes the maps P2 to P5, each (b, h, w, c), and (b, r, 4) boxes in pixels; returns
    (b, r, bins, bins, c). A box of `canonical` pixels (the square root of its area) is sampled from
    P4, and one of half that size from P3.

    Source: He et al., "Mask R-CNN", ICCV 2017, section 3; Lin et al. 2017, equation 1.
    """

    def __init__(self, bins: int, canonical: int, **kwargs) -> None:
        super().__init__(**{"dtype": "float32", **kwargs})
        self.bins = bins
        self.canonical = canonical

    def call(self, levels: list[Tensor], boxes: Tensor) -> Tensor:
        sides = [level.shape[1] for level in levels]
        level = level_of(boxes, self.canonical)
        side = ops.take(ops.convert_to_tensor(sides, "int32"), level, 0)
        stride = ops.cast(2 ** (level + FINEST), "float32")
        starts = [sum(side**2 for side in sides[:k]) for k in range(len(sides))]
        first = ops.take(ops.convert_to_tensor(starts, "int32"), level, 0)
        cells, weights = sample_points(boxes / stride[..., None], side, self.bins)
        channels = levels[0].shape[-1]
        table = ops.concatenate(
            [ops.reshape(x, (-1, x.shape[1] ** 2, channels)) for x in levels], 1
        )
        return gather(table, first[..., None, None] + cells, weights)

    def compute_output_shape(self, levels_shape, boxes_shape):
        return (*boxes_shape[:2], self.bins, self.bins, levels_shape[0][-1])

    def get_config(self) -> dict:
        return {**super().get_config(), "bins": self.bins, "canonical": self.canonical}


def level_of(boxes: Tensor, canonical: int) -> Tensor:
    """(b, r) int32 in 0..3, P2 to P5, by the size of each box."""
    width, height = boxes[..., 2] - boxes[..., 0], boxes[..., 3] - boxes[..., 1]
    size = ops.sqrt(ops.maximum(width * height, 1e-6))
    level = ops.floor(4 + ops.log2(size / canonical) + 1e-6)
    return ops.cast(ops.clip(level, FINEST, COARSEST), "int32") - FINEST


def sample_points(boxes: Tensor, side: Tensor, bins: int) -> tuple[Tensor, Tensor]:
    """The cells that each bin of (b, r, 4) boxes is sampled from, and their weights.

    Boxes are in cells of their level, which has (b, r) `side` cells along each edge. A sample is
    bilinear in its four neighbours, so a bin uses 4 rows and 4 columns (some of them twice).

    Returns:
        (b, r, bins * bins, 16) int32 indices in reading order, and float32 weights that sum to 1.
    """
    columns, of_columns = _along(boxes[..., 0], boxes[..., 2], side, bins)
    rows, of_rows = _along(boxes[..., 1], boxes[..., 3], side, bins)
    places = rows[:, :, :, None, :, None] * side[..., None, None, None, None]
    places = places + columns[:, :, None, :, None, :]
    weights = of_rows[:, :, :, None, :, None] * of_columns[:, :, None, :, None, :]
    shape = (-1, boxes.shape[1], bins * bins, (2 * SAMPLES) ** 2)
    return ops.reshape(places, shape), ops.reshape(weights, shape)


def _along(start: Tensor, end: Tensor, side: Tensor, bins: int) -> tuple[Tensor, Tensor]:
    """(b, r, bins, 2 * SAMPLES) cells along one axis, and their weights; points outside move to the edge."""
    steps = (ops.arange(bins * SAMPLES, dtype="float32") + 0.5) / (bins * SAMPLES)
    # Cell k has its centre at k + 0.5.
    points = start[..., None] + (end - start)[..., None] * steps - 0.5
    last = ops.cast(side, "float32")[..., None] - 1
    points = ops.clip(points, 0, last)
    low = ops.floor(points)
    part = points - low
    cells = ops.stack([low, ops.minimum(low + 1, last)], -1)
    weights = ops.stack([1 - part, part], -1) / SAMPLES
    shape = (-1, start.shape[1], bins, 2 * SAMPLES)
    return ops.cast(ops.reshape(cells, shape), "int32"), ops.reshape(weights, shape)


def gather(table: Tensor, cells: Tensor, weights: Tensor) -> Tensor:
    """(b, r, bins, bins, c): weighted sums of the rows of (b, cells, c) `table`."""
    batch, regions, bins = ops.shape(table)[0], cells.shape[1], round(cells.shape[2] ** 0.5)
    offset = ops.arange(batch, dtype="int32") * table.shape[1]
    rows = ops.reshape(cells + offset[:, None, None, None], (-1,))
    values = ops.take(ops.reshape(table, (-1, table.shape[-1])), rows, 0)
    points = weights.shape[-1]
    values = ops.reshape(values, (-1, points, table.shape[-1]))
    summed = ops.matmul(ops.reshape(weights, (-1, 1, points)), values)
    return ops.reshape(summed, (-1, regions, bins, bins, table.shape[-1]))
