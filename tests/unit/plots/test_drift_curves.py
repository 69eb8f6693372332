"""The picture of drift shows both curves and the largest gap."""

from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib.text import Text

from anomaly.plots.drift import drift_curves

PHOTOS, MIXTURE = np.array([0.1, 0.3, 1.0]), np.array([0.2, 0.9, 1.0])


def texts(figure) -> list[str]:
    figure.savefig(io.BytesIO(), format="png")
    return [text.get_text() for text in figure.findobj(Text) if text.get_visible()]


@pytest.mark.parametrize("scores", [[0.0, 0.5, 1.0], [-3.0, 7.0, 900.0], [1e-300, 0.2, 0.3]])
def test_the_largest_gap_is_drawn_where_it_is(scores):
    figure = drift_curves(np.array(scores), PHOTOS, MIXTURE, 0.125, "bottle $1 against $2")
    mixture, photos, gap = figure.axes[0].lines
    assert np.isfinite(photos.get_xdata()).all()
    assert photos.get_ydata().tolist() == PHOTOS.tolist()
    assert set(gap.get_xdata()) == {mixture.get_xdata()[1]}
    assert gap.get_ydata() == pytest.approx([0.3, 0.9])
    expected = {"distance 0.60", "these photos", "validate, mixed to 12 % defects"}
    assert expected | {"bottle $1 against $2"} <= set(texts(figure))


def test_probabilities_have_an_axis_that_gives_room_to_both_ends():
    figure = drift_curves(np.array([0.001, 0.01, 0.99]), PHOTOS, MIXTURE, 0, "a")
    places = figure.axes[0].lines[0].get_xdata()
    low, high = figure.axes[0].get_xlim()
    assert (places[1] - places[0]) / (high - low) > 0.1
    assert {"0.001", "0.5", "0.999"} <= set(texts(figure))
