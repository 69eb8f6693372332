"""Pictures show what they were given, and all of their texts fit."""

from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from anomaly.metrics.intervals import wilson
from anomaly.plots.augmented import augmented_images
from anomaly.plots.bars import bars
from anomaly.plots.confusion import confusion_matrix
from anomaly.plots.curves import training_curves
from anomaly.plots.overlays import overlays
from anomaly.plots.precision_recall import precision_recall_curves
from anomaly.plots.reliability import reliability_diagram
from anomaly.types import Detections

pytestmark = pytest.mark.filterwarnings("error")

LONG = "manipulated_front_of_the_left_side"


def texts(figure: Figure) -> list[str]:
    figure.draw_without_rendering()  # ticks are labelled on drawing
    return [text.get_text() for text in figure.findobj(Text) if text.get_visible()]


def assert_fits(figure: Figure) -> None:
    """Render; nothing that is drawn lies outside the figure."""
    file = io.BytesIO()
    figure.savefig(file, format="png")
    assert file.getvalue().startswith(b"\x89PNG")
    canvas = figure.bbox.padded(2)
    drawn = figure.get_tightbbox().transformed(figure.dpi_scale_trans)
    captions = [text.get_window_extent() for axes in figure.axes for text in axes.texts]
    assert all(canvas.containsx(x) for box in (drawn, *captions) for x in box.intervalx)
    assert all(canvas.containsy(y) for box in (drawn, *captions) for y in box.intervaly)


# === Confusion matrix ===


def test_the_matrix_shows_counts_and_row_percentages():
    figure = confusion_matrix(np.array([[9, 1], [0, 3]]), ["good", "bent"], "bottle")
    expected = {"9\n90 %", "1\n10 %", "0", "3\n100 %", "good (10)", "bent (3)", "good", "bottle"}
    assert expected <= set(texts(figure))


def test_a_class_without_images_has_no_percentages():
    figure = confusion_matrix(np.array([[4, 0], [0, 0]]), ["good", "bent"], "bottle")
    assert "bent (0)" in texts(figure)
    assert_fits(figure)


@pytest.mark.parametrize("count", [1, 2, 3, 6, 15])
@pytest.mark.parametrize("name", ["a", "scratch", LONG])
def test_the_matrix_fits_with_any_number_of_classes(count, name):
    confusion = np.random.default_rng(0).integers(0, 20_000, (count, count))
    names = [f"{name}{index}" for index in range(count)]
    figure = confusion_matrix(confusion, names, "bottle, resnet50, test: which is taken for which")
    assert_fits(figure)
    cells = [text.get_window_extent() for text in figure.axes[0].texts]
    assert len(cells) == count**2
    assert not any(a.overlaps(b) for a, b in zip(cells, cells[1:], strict=False))


def test_mistakes_have_another_colour_than_hits():
    figure = confusion_matrix(np.array([[1, 1], [1, 1]]), ["good", "bent"], "")
    (red, _, blue, _), (wrong, _, pale, _) = figure.axes[0].images[0].get_array()[0]
    assert blue > red and wrong > pale


def test_a_single_mistake_stands_out_from_none():
    figure = confusion_matrix(np.array([[999, 1, 0], [0, 1, 0], [0, 0, 1]]), list("abc"), "")
    _, mistake, none = figure.axes[0].images[0].get_array()[0]
    assert none.tolist() == [1, 1, 1, 1] and mistake[2] < 0.8


# === Training curves ===


def curve(epochs: int, start: float = 1.0) -> list[tuple[int, float]]:
    return [(epoch, start / epoch) for epoch in range(1, epochs + 1)]


@pytest.mark.parametrize("epochs", [1, 2, 31, 2300])
def test_training_and_validation_share_a_panel(epochs):
    names = ("learning_rate", "val_accuracy", "loss", "val_loss", "accuracy")
    figure = training_curves({name: curve(epochs) for name in names}, "bottle-resnet50")
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["loss", "accuracy", "learning_rate"]
    legends = [len(axes.get_legend().get_texts()) for axes in figure.axes]
    assert legends == [2, 2, 1]
    assert_fits(figure)


def test_the_last_value_is_written():
    figure = training_curves({"loss": [(2, 0.125), (1, 0.5)], "val_loss": [(1, 3)]}, "")
    assert {"training, last 0.125", "validation, last 3"} <= set(texts(figure))


def test_every_epoch_is_drawn():
    figure = training_curves({"loss": curve(2300)}, "")
    assert len(figure.axes[0].lines[0].get_xdata()) == 2300
    assert {"last 0.0004348", "epoch (bold: mean of 23)"} <= set(texts(figure))


def test_one_epoch_is_a_dot_at_an_integer():
    figure = training_curves({"loss": [(1, 0.5)]}, "")
    assert figure.axes[0].lines[0].get_marker() == "o"
    assert [tick for tick in texts(figure) if tick.startswith("0.9")] == []


def test_values_that_are_not_finite_leave_a_gap():
    rows = {"loss": [(1, 2.0), (2, float("inf")), (3, float("nan"))], "val_loss": [(1, np.nan)]}
    figure = training_curves(rows, "")
    assert np.isfinite(figure.axes[0].lines[0].get_ydata()).tolist() == [True, False, False]
    assert_fits(figure)


def test_a_wide_range_is_logarithmic_but_never_accuracy():
    rows = {"learning_rate": curve(200), "accuracy": curve(200), "loss": curve(50)}
    scales = {a.get_title(loc="left"): a.get_yscale() for a in training_curves(rows, "").axes}
    assert scales == {"learning_rate": "log", "accuracy": "linear", "loss": "linear"}


@pytest.mark.parametrize("rows", [{}, {"loss": []}])
def test_without_an_epoch_the_figure_says_so(rows):
    assert "no epoch was trained" in texts(training_curves(rows, "bottle"))


# === Overlays ===


def cases(n: int, side: int = 32):
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (n, side, side, 3), np.uint8)
    masks = np.zeros((n, side, side), bool)
    masks[1:, :5, 3:9] = True  # the first has no defect; the others touch the border
    return images, random.random((n, side, side)), masks


def detections(n: int, name: str = "bent", side: int = 32) -> tuple[list[Detections], list[str]]:
    """The first image has a sure detection and a weak one, the others none; and the classes."""
    masks = np.zeros((2, side, side), bool)
    masks[0, 10:20, 10:20], masks[1, 0:2, 0:2] = True, True
    boxes = np.float32([[10, 10, 20, 20], [0, 0, 2, 2]])
    sure = Detections(boxes, masks, np.float32([0.9, 0.1]), np.int64([1, 1]))
    none = Detections(boxes[:0], masks[:0], np.float32([]), np.int64([]))
    return [sure] + [none] * (n - 1), ["good", name]


def in_pixels(figure: Figure, row: int, column: int, points: np.ndarray, side: int = 32):
    """(n, 2) points of the figure as pixels of one of its images; there are four layers in a row."""
    left, right, _, top = figure.axes[0].images[4 * row + column].get_extent()
    return (np.asarray(points) - (left, top)) * side / (right - left)


def outlines(figure: Figure) -> list[np.ndarray]:
    return [c.get_paths()[0].vertices for c in figure.axes[0].collections]


def test_sure_detections_are_named_at_their_boxes():
    figure = overlays(*cases(2), *detections(2), ["a", "b"], "")
    assert [text.get_text() for text in figure.axes[0].texts] == ["a", "b", "bent 0.90"]
    drawn = [p.get_bbox().get_points() for p in figure.axes[0].patches if p.get_linewidth() > 1]
    assert in_pixels(figure, 0, 2, drawn[0]) == pytest.approx(np.array([[10, 10], [20, 20]]))
    assert len(drawn) == 1
    outline = in_pixels(figure, 0, 2, outlines(figure)[0])
    assert [outline.min(), outline.max()] == pytest.approx([10, 20])


def test_the_name_of_a_detection_fits_wherever_it_is():
    masks = np.zeros((2, 32, 32), bool)
    masks[0, :3, 29:], masks[1, 29:, 29:] = True, True
    boxes = np.float32([[29, 0, 32, 3], [29, 29, 32, 32]])
    sure = Detections(boxes, masks, np.float32([0.9, 0.8]), np.int64([1, 1]))
    figure = overlays(*cases(1), [sure], ["good", LONG], ["a"], "")
    assert_fits(figure)


@pytest.mark.parametrize("n", [1, 4])
def test_each_case_is_a_row_under_its_caption(n):
    captions = [f"truth {LONG}, called {LONG} with 93 %, IoU 0.4{i}" for i in range(n)]
    figure = overlays(*cases(n), *detections(n), captions, "the surest mistakes")
    shown = [text.get_text().replace("\n", " ") for text in figure.axes[0].texts]
    assert shown == [*captions, "bent 0.90"]
    tops = [figure.axes[0].images[4 * row].get_extent()[3] for row in range(n)]
    heights = [text.get_position()[1] for text in figure.axes[0].texts[:n]]
    assert all(0 < top - height < 0.1 for top, height in zip(tops, heights, strict=True))
    assert_fits(figure)


def test_only_a_defect_has_an_outline_closed_at_the_border():
    figure = overlays(*cases(2), *detections(2), ["good", "bent"], "")
    _, true = outlines(figure)  # the first is that of the detection in the good image
    assert true[0].tolist() == true[-1].tolist()
    outline = in_pixels(figure, 1, 1, true)
    assert [*outline.min(0), *outline.max(0)] == pytest.approx([3, 0, 9, 5])


def test_heat_is_on_one_scale_and_hides_nothing_where_cold():
    images, heat, masks = cases(1)
    heat[0, 0, 0], heat[0, 0, 1] = 0, 1
    layer = overlays(images, heat, masks, *detections(1), ["good"], "").axes[0].images[3]
    assert layer.get_clim() == (0, 1)
    assert layer.get_alpha()[0, 0] == 0 and layer.get_alpha()[0, 1] == 0.75


def test_a_caption_for_every_case():
    with pytest.raises(ValueError, match="zip"):
        overlays(*cases(2), *detections(2), ["only one"], "")


# === Augmented images ===


def test_each_row_is_an_image_and_its_augmented_versions():
    image = np.zeros((8, 8, 3), np.uint8)
    figure = augmented_images(
        [[image] * 4, [image] * 2], ["good/000.png", "bent/001.png"], "augment=classic"
    )
    shown = texts(figure)
    assert {"good/000.png", "bent/001.png", "augment=classic"} <= set(shown)
    assert (
        shown.count("original") == 2
        and shown.count("version 1") == 2
        and shown.count("version 3") == 1
    )
    assert_fits(figure)


@pytest.mark.parametrize("columns", [1, 2, 13])
def test_a_grid_of_any_width_fits(columns):
    images = [np.zeros((8, 8 + index, 3), np.uint8) for index in range(columns)]
    caption = "train/broken_large/000.png and words that make a long caption"
    assert_fits(
        augmented_images(
            [images], [caption], "augment=classic: an image and its augmented versions"
        )
    )


# === Bars ===


def share_rows(n: int) -> dict:
    return {
        "accuracy": [wilson(90 - index, 100) for index in range(n)],
        "defect_accuracy": [wilson(index, 30) for index in range(n)],
    }


@pytest.mark.parametrize("n", [1, 2, 25])
@pytest.mark.parametrize("name", ["demo-tiny", f"bottle-{LONG}-5folds, model.image_size=640"])
def test_bars_fit_with_few_and_with_many_runs(n, name):
    figure = bars([f"{i} {name}" for i in range(n)], share_rows(n), "bottle: named right on test")
    assert_fits(figure)
    (axes,) = figure.axes
    names = [label.get_window_extent() for label in axes.get_yticklabels()]
    assert len(names) == n
    assert not any(a.overlaps(b) for a, b in zip(names, names[1:], strict=False))
    values = [text.get_window_extent() for text in axes.texts]
    assert len(values) == 2 * n
    assert not any(a.overlaps(b) for a in values for b in values if a is not b)


def test_bars_show_each_share_with_its_interval_the_first_on_top():
    figure = bars(["a", "b"], {"accuracy": [wilson(9, 10), wilson(1, 4)]}, "demo")
    (axes,) = figure.axes
    assert {"a", "b", "0.900", "0.250", "accuracy", "demo"} <= set(texts(figure))
    assert [bar.get_width() for bar in axes.patches] == [0.9, 0.25]
    (whiskers,) = axes.collections
    ends = [segment[:, 0].tolist() for segment in whiskers.get_segments()]
    assert ends == [pytest.approx(wilson(9, 10)[2:]), pytest.approx(wilson(1, 4)[2:])]
    top, bottom = (label.get_window_extent().y0 for label in axes.get_yticklabels())
    assert top > bottom


def test_a_share_that_is_not_there_is_a_dash_and_no_bar():
    figure = bars(["a", "b"], {"accuracy": [None, wilson(0, 4)], "iou": [None, None]}, "demo")
    assert texts(figure).count("–") == 3
    assert len(figure.axes[0].patches) == 1
    assert_fits(bars(["a"], {"accuracy": [None]}, "demo"))


def test_names_in_a_chart_are_text():
    figure = bars(["a$b_$"], {"accuracy": [wilson(1, 2)]}, "a$b_$")
    assert texts(figure).count("a$b_$") == 2
    assert_fits(bars([], {}, "none"))


# === Reliability ===


def diagram(*bins: tuple[float, float, int], title: str = "val") -> Figure:
    """Each bin is (confidence, accuracy, images)."""
    return reliability_diagram(
        *(np.array(column) for column in zip(*bins, strict=True)), 0.1, title
    )


@pytest.mark.parametrize(
    "bins",
    {
        "one": [(0.97, 1.0, 5)],
        "two in the corners": [(0.05, 0.0, 1), (1.0, 1.0, 1_000_000)],
        "above and below": [(x / 10, x % 2, 10**x) for x in range(1, 8)],
        "along the line": [(x / 10 + 0.05, x / 10 + 0.05, 30) for x in range(10)],
        "all wrong": [(x / 10, 0.0, 12) for x in range(5, 11)],
    }.values(),
)
def test_the_numbers_of_a_diagram_fit_and_none_hides_another(bins):
    figure = diagram(*bins, title="bottle, resnet50, test: is a probability what it says")
    assert_fits(figure)
    (axes,) = figure.axes
    numbers = [text.get_window_extent() for text in axes.texts]
    assert [text.get_text() for text in axes.texts] == [str(images) for _, _, images in bins]
    assert not any(a.overlaps(b) for a in numbers for b in numbers if a is not b)


def test_a_diagram_shows_each_bin_beside_the_line_of_what_is_right():
    figure = diagram((0.6, 0.5, 10), (0.9, 0.8, 30))
    (axes,) = figure.axes
    right, joined = (line.get_xydata().tolist() for line in axes.lines)
    assert right == [[0, 0], [1, 1]]
    assert joined == [[0.6, 0.5], [0.9, 0.8]]
    (dots,) = axes.collections
    assert dots.get_offsets().tolist() == joined
    small, large = dots.get_sizes()
    assert large - 20 == pytest.approx(3 * (small - 20))  # area goes with images
    assert {"10", "30", "val: calibration error 0.100"} <= set(texts(figure))
    assert "a$b_$: calibration error 0.100" in texts(diagram((0.5, 0.5, 1), title="a$b_$"))


# === Precision and recall ===


def test_the_legend_gives_each_average_precision_and_the_title_their_mean():
    curves = {"hole": np.ones(101), "bent": np.zeros(101)}
    figure = precision_recall_curves(curves, "test")
    shown = {text.get_text() for text in figure.legends[0].get_texts()}
    assert shown == {"hole: AP 1.000", "bent: AP 0.000"}
    assert "test: map50 0.500" in texts(figure)
    assert_fits(precision_recall_curves({f"{LONG}{k}": np.ones(101) for k in range(15)}, LONG))
    assert "no defect in the truth" in texts(precision_recall_curves({}, "test"))


# === All ===


def test_with_nothing_to_show_the_figure_says_so():
    nothing = np.zeros((0, 8, 8))
    for figure in (
        overlays(np.zeros((0, 8, 8, 3), np.uint8), nothing, nothing > 0, [], [], [], "none"),
        augmented_images([], [], "none"),
        reliability_diagram(*np.zeros((3, 0)), 0.0, "none"),
    ):
        assert {"none", "no image to show"} <= set(texts(figure))
        assert_fits(figure)


def test_a_dollar_sign_is_no_formula():
    name, image = "a$b_$", np.zeros((8, 8, 3), np.uint8)
    for figure in (
        confusion_matrix(np.eye(2, dtype=int), [name, name], name),
        training_curves({name: curve(2)}, name),
        overlays(
            image[None],
            image[None, ..., 0] / 255,
            image[None, ..., 0] > 0,
            *detections(1, name),
            [name],
            name,
        ),
        augmented_images([[image]], [name], name),
        precision_recall_curves({name: np.linspace(1, 0, 101)}, name),
    ):
        assert [text for text in texts(figure) if name in text]
        assert_fits(figure)


def test_pyplot_is_not_loaded():
    """It would open windows, and keep every figure until it is closed."""
    modules = ", ".join(
        f"anomaly.plots.{m}"
        for m in (
            "augmented",
            "bars",
            "confusion",
            "curves",
            "overlays",
            "precision_recall",
            "reliability",
            "sweep",
        )
    )
    code = f"import sys, {modules}; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
