"""An exported bundle says what the bundle of Keras says, on every runtime that can run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from anomaly.data.images import photo
from anomaly.errors import InputError
from anomaly.export.bundle import write
from anomaly.export.parity import PROBABILITY, check, replay
from anomaly.inspector.bundle import MEMBERS, read, seal
from anomaly.inspector.inspector import Inspector
from anomaly.inspector.runtimes import openvino
from anomaly.inspector.runtimes.network import RUNTIMES

SAVED = Path(__file__).parents[2] / "saved"
PHOTOS = [photo(file) for file in sorted(SAVED.glob("*.png"))]
NETWORKS = ("classifier", "mask_rcnn")
HEAVY = ("keras", "tensorflow", "jax", "mlflow", "hydra", "omegaconf", "sklearn", "pandas")


@pytest.fixture(scope="module")
def exported(bundle_in, tmp_path_factory) -> Callable[[str, str], tuple[Inspector, Path]]:
    """exported(kind, runtime): the inspector in Keras and the folder of its export, made once."""
    folder, made = tmp_path_factory.mktemp("exports"), {}

    def make(kind: str, runtime: str) -> tuple[Inspector, Path]:
        original = folder / kind
        if not original.exists():
            bundle_in(original, kind)
        inspector, out = read(original), folder / f"{kind}-{runtime}"
        if (kind, runtime) not in made:
            made[kind, runtime] = write(inspector, runtime, out)
        return inspector, out

    return make


def heavy(kind: str, runtime: str) -> pytest.ParameterSet:
    """Converting Mask R-CNN takes half a minute for each runtime."""
    marks = [pytest.mark.slow] if kind == "mask_rcnn" and runtime != "onnx" else []
    return pytest.param(kind, runtime, marks=marks)


@pytest.mark.parametrize(
    "kind, runtime", [heavy(kind, runtime) for kind in NETWORKS for runtime in RUNTIMES]
)
def test_it_says_what_keras_says(kind, runtime, exported):
    original, folder = exported(kind, runtime)
    differences = replay(read(folder), PHOTOS, original.predict(PHOTOS))
    check(differences, "the export")
    assert all(each.proba <= PROBABILITY for each in differences)
    assert all(each.heat < 2e-3 and each.pixels < 1e-3 for each in differences)
    assert all(each.boxes < 0.01 for each in differences)


def test_what_has_no_network_is_taken_along_as_it_is(exported):
    original, folder = exported("bovw", "onnx")
    (difference, *_) = replay(read(folder), PHOTOS, original.predict(PHOTOS))
    assert (difference.proba, difference.heat, difference.boxes) == (0, 0, 0)


@pytest.mark.parametrize("kind", [*NETWORKS, "bovw"])
def test_it_judges_without_keras_mlflow_and_hydra(kind, exported):
    _, folder = exported(kind, "onnx")
    code = f"""
import sys
for name in {HEAVY!r}: sys.modules[name] = None
import anomaly
verdict = anomaly.load({str(folder)!r}).judge_one(anomaly.photo({str(SAVED / "good_001.png")!r}))
print(verdict.decision)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() in ("good", "defect", "to_person")


def test_its_thresholds_are_outside_of_the_network(exported):
    original, folder = exported("classifier", "onnx")
    image = PHOTOS[1]
    for threshold in (0.0, 1.0):
        verdicts = [
            each.with_threshold(threshold).judge_one(image) for each in (original, read(folder))
        ]
        assert verdicts[0].decision == verdicts[1].decision


# === The gate ===


@pytest.fixture
def fragile(bundle_in, tmp_path) -> Inspector:
    """Its logits of the first photo are the last digits of float32, times ten million."""
    inspector = read(bundle_in(tmp_path / "fragile", "classifier"))
    learner = inspector.judge
    (first, *_) = next(iter(learner.inference.maps(PHOTOS[:1])))
    layer = learner.model.get_layer("head").get_layer("logits")
    kernel, _ = layer.get_weights()
    layer.set_weights([kernel * 1e7, np.zeros(4, np.float32)])
    logits = learner.model.get_layer("head").predict_on_batch(first.max((1, 2)))
    layer.set_weights([kernel * 1e7, -logits[0]])
    return inspector


def test_a_fragile_model_is_refused_with_its_worst_photo(fragile, tmp_path):
    recorded = fragile.predict(PHOTOS)
    differences = replay(write(fragile, "onnx", tmp_path / "out"), PHOTOS, recorded)
    with pytest.raises(
        InputError, match=r"of 2 photos of validate \d differ, most of all .*good_001"
    ):
        check(differences, "the fragile one")


def test_one_verdict_that_differs_is_enough(exported):
    original, folder = exported("classifier", "onnx")
    recorded = original.predict(PHOTOS)
    proba = recorded.proba.copy()
    proba[1] = np.roll(proba[1], 1)
    differences = replay(read(folder), PHOTOS, replace(recorded, proba=proba))
    with pytest.raises(InputError, match=r"1 differ, most of all .*scratch_001\.png"):
        check(differences, "the export", allowed=1.0)


# === Loading ===


def test_answers_about_drawn_photos_are_checked_at_loading(exported, tmp_path, bundle_copy, reseal):
    folder = bundle_copy(exported("classifier", "onnx")[1])
    content = json.loads((folder / "inspector.json").read_text())
    golden = content["golden"]
    assert len(golden) == 1
    assert {*golden[0]} == {"seed", "log_proba"}
    golden[0]["log_proba"][0] -= 0.1
    reseal(folder, golden=golden)
    with pytest.raises(InputError, match="does not say here what it said where it was exported"):
        read(folder)


@pytest.fixture
def bundle_copy(tmp_path) -> Callable[[Path], Path]:
    def copy(folder: Path) -> Path:
        import shutil

        return Path(shutil.copytree(folder, tmp_path / "copy"))

    return copy


def has_bfloat16() -> bool:
    cpu = Path("/proc/cpuinfo")
    return cpu.is_file() and "bf16" in cpu.read_text()


# Elsewhere OpenVINO takes the hint for a wish and computes in float32, so there is nothing to refuse.
@pytest.mark.skipif(not has_bfloat16(), reason="a processor without bfloat16 computes in float32")
def test_openvino_in_bfloat16_is_refused(exported, monkeypatch):
    _, folder = exported("classifier", "openvino")
    read(folder)
    monkeypatch.setitem(openvino.EXACT, "INFERENCE_PRECISION_HINT", "bf16")
    with pytest.raises(InputError, match="computes otherwise; export again"):
        read(folder)


@pytest.mark.parametrize("fields, sentence", [
    ({"runtime": "newer"}, "exported to 'newer', which this version cannot run: install a newer"),
    ({"kind": "os"}, "a model of kind 'os', which this version lacks"),
    ({"golden": [{"seed": -1, "log_proba": [0, 0, 0, 0]}]}, "wrong golden"),
    ({"golden": [{"seed": 1, "log_proba": [0, 0]}]}, "golden answers of other classes"),
    ({"golden": [{"seed": 1, "log_proba": [0, 0, 0, 0]}] * 9}, "must be at most 8 answers"),
    ({"golden": []}, "lacks its answers about drawn photos"),
    ({"grid": 128}, "do not fit each other .*heat is"),
    ({"kind": "mask_rcnn"}, "is damaged, or of another kind of model"),
    ({"temperature": 10**400}, "wrong temperature"),
    ({"category": "\ud800"}, "wrong category"),
    ({"validate_scores": []}, "of different lengths"),
])  # fmt: skip
def test_what_others_wrote_is_checked(fields, sentence, exported, bundle_copy, reseal):
    folder = bundle_copy(exported("classifier", "onnx")[1])
    reseal(folder, **fields)
    with pytest.raises(InputError, match=sentence):
        read(folder)


@pytest.mark.parametrize("runtime, file", [
    ("onnx", "network.onnx"), ("openvino", "network.xml"), ("litert", "network.tflite"),
])  # fmt: skip
@pytest.mark.parametrize("content", [b"", b"no network", b"\0" * 10_000])
def test_a_damaged_network_is_a_sentence(runtime, file, content, exported, bundle_copy, reseal):
    folder = bundle_copy(exported("classifier", runtime)[1])
    (folder / file).write_bytes(content)
    with pytest.raises(InputError, match="was changed"):
        read(folder)
    reseal(folder)
    with pytest.raises(InputError, match=r"cannot be read by .*export it again"):
        read(folder)


SETTINGS = ({"size": 32}, {"size": 50_000}, {"size": "a"}, {"settings": {}})


@pytest.mark.parametrize("text", [
    *("", "[]", "{}", "[" * 100_000),
    *(json.dumps({"size": 64, "settings": {"threshold": t}}) for t in ("a", 7, None)),
    *(json.dumps({"size": 64, "settings": {"threshold": 0.1}} | each) for each in SETTINGS),
])  # fmt: skip
def test_damaged_settings_are_a_sentence(text, exported, bundle_copy, reseal):
    folder = bundle_copy(exported("classifier", "onnx")[1])
    (folder / "network.json").write_text(text)
    reseal(folder)
    with pytest.raises(InputError, match=r"network\.json is damaged|do not fit each other"):
        read(folder)


@pytest.mark.parametrize("runtime, package", [
    ("onnx", "onnxruntime"), ("openvino", "openvino"), ("litert", "ai_edge_litert.interpreter"),
])  # fmt: skip
def test_a_runtime_that_is_not_installed_is_named_with_its_extra(runtime, package, exported):
    _, folder = exported("classifier", runtime)
    code = f"import sys; sys.modules[{package!r}] = None; import anomaly; anomaly.load({str(folder)!r})"
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 1
    assert f"pip install '.[{runtime}]'" in done.stderr.splitlines()[-1]


def test_members_of_an_ensemble_are_exported_each(bundle_in, tmp_path):
    from anomaly.ensemble import soft_vote
    from anomaly.inspector.team import write_combiner

    folder = tmp_path / "team"
    for place, kind in enumerate(("classifier", "bovw")):
        bundle_in(folder / MEMBERS / str(place), kind)
    combiner = soft_vote.build()
    combiner.fit(np.full((2, 4, 4), 0.25), np.arange(4))
    write_combiner(folder, combiner)
    about = replace(read(folder / MEMBERS / "0").about, kind="soft_vote", ensemble=True, files={})
    seal(folder, about)
    original, team = read(folder), write(read(folder), "onnx", tmp_path / "out")
    check(replay(team, PHOTOS, original.predict(PHOTOS)), "the team")
    assert [m.about.runtime for m in team.judge.members] == ["onnx", "onnx"]
    assert [bool(m.about.golden) for m in team.judge.members] == [True, False]
