"""Pictures become data URIs of a bounded length."""

from __future__ import annotations

from base64 import b64decode

import cv2
import numpy as np
import pytest

from anomaly.plots.style import notice
from anomaly.report.pictures import WIDEST, Budget, figure_uri, jpeg_uri, png_uri


def decoded(uri: str) -> np.ndarray:
    content = b64decode(uri.partition("base64,")[2])
    return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)


@pytest.fixture
def png(tmp_path):
    path = tmp_path / "wide.png"
    shade = np.linspace(0, 255, 2 * WIDEST).astype(np.uint8)
    cv2.imwrite(str(path), np.tile(shade[None, :, None], (100, 1, 3)))
    return path


def test_a_png_is_embedded_unchanged(png):
    uri = png_uri(png)
    assert uri.startswith("data:image/png;base64,")
    assert b64decode(uri.partition(",")[2]) == png.read_bytes()


def test_photographs_become_a_jpeg_no_wider_than_the_page_shows(png):
    uri = jpeg_uri(png)
    assert uri.startswith("data:image/jpeg;base64,")
    assert decoded(uri).shape == (50, WIDEST, 3)
    assert decoded(uri)[25, WIDEST // 2].tolist() == pytest.approx([127] * 3, abs=4)


@pytest.mark.parametrize("made", [png_uri, jpeg_uri])
def test_a_file_that_is_no_picture_is_left_out(made, tmp_path):
    (tmp_path / "text.png").write_text("<script>")
    assert made(tmp_path / "text.png") is None
    assert made(None) is None


def test_a_figure_is_sharp_enough_for_a_phone():
    assert decoded(figure_uri(notice("a title", "nothing"))).shape[1] > 800


def test_a_budget_is_spent_to_the_last_character_and_no_further():
    budget = Budget(10)
    assert [budget.spend(n) for n in (6, 5, 4, 1)] == [True, False, True, False]
