"""The chart of a sweep shows every job and every value."""

from __future__ import annotations

import pytest

from anomaly.plots.sweep import sweep_chart


def labels(figure) -> set[str]:
    return {
        text.get_text()
        for axes in figure.axes
        for text in axes.findobj()
        if hasattr(text, "get_text")
    }


def test_one_setting_is_a_dot_for_each_job_with_its_figure():
    figure = sweep_chart(["head"], [["dense"], ["svm"]], [0.9, 0.875], "val/accuracy")
    assert {"dense", "svm", "0.900", "0.875"} <= labels(figure)


def test_several_settings_are_parallel_coordinates_with_every_value(tmp_path):
    rows = [["1e-4", "dense"], ["1e-2", "svm"], ["1e-3", "svm"]]
    figure = sweep_chart(["rate", "head"], rows, [0.5, 0.7, 0.6], "val/iou")
    assert {"1e-4", "1e-2", "dense", "svm", "rate", "head", "val/iou", "0.700", "0.500"} <= labels(
        figure
    )
    lines = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 3]
    heights = sorted(float(line.get_ydata()[0]) for line in lines)
    assert heights == pytest.approx([0, 0.5, 1])  # decades are equal steps
    figure.savefig(tmp_path / "sweep.png")


@pytest.mark.parametrize("values", [[None, None], [0.5, 0.5]])
def test_jobs_without_a_figure_and_equal_figures_are_drawn_too(values, tmp_path):
    for keys, rows in (
        (["a"], [["1"], ["2"]]),
        (["a", "b"], [["1", "x"], ["1", "y"]]),
        ([], [[], []]),
    ):
        sweep_chart(keys, rows, values, "val/iou").savefig(tmp_path / "sweep.png")
