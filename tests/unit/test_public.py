"""What may be imported from outside: typed, documented, and enough to judge a photo."""

from __future__ import annotations

import inspect
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import anomaly
from anomaly.inspector.about import About
from anomaly.inspector.bundle import seal

SAVED = Path(__file__).parents[1] / "saved"
CLASSES = json.loads((SAVED / "bovw" / "bovw.json").read_text())["classes"]
ABOUT = About(
    kind="bovw", ensemble=False, category="demo", classes=CLASSES, grid=64, temperature=1.0,
    sorting_threshold=0.5, reject_below=0.9, validate_scores=[0.1, 0.9],
    validate_defective=[False, True], figures={"test/accuracy": 1.0}, evidence="two images",
    outcomes={}, run={"id": "0", "name": "demo-bovw"}, versions={}, created="2026-11-27",
)  # fmt: skip
NAMES = [name for name in anomaly.__all__ if name != "__version__"]


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_is_documented_and_typed(name):
    thing = getattr(anomaly, name)
    assert thing.__doc__
    if inspect.isfunction(thing):
        signature = inspect.signature(thing)
        assert signature.return_annotation is not signature.empty
        assert all(p.annotation is not p.empty for p in signature.parameters.values())


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'train'"):
        anomaly.train  # noqa: B018  (looking it up is the test)
    assert set(anomaly.__all__) <= set(dir(anomaly))


def test_the_package_itself_loads_no_library():
    code = "import sys, anomaly; print({'numpy', 'cv2', 'keras'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def sealed(kind: str, run: Path) -> Path:
    """The bundle of a model that an earlier version saved, in the folder of a run."""
    folder = Path(shutil.copytree(SAVED / kind, run / "model" / "data"))
    (folder / "expected.json").unlink()
    seal(folder, replace(ABOUT, kind=kind))
    return folder


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return sealed("bovw", tmp_path / "run")


def test_a_saved_model_judges_a_photo_as_the_readme_shows(bundle):
    inspector = anomaly.load(bundle.parents[1])
    for verdict in inspector.inspect([anomaly.photo(SAVED / "good_001.png")]):
        assert verdict.id == (SAVED / "good_001.png").as_posix()
        assert verdict.decision in ("good", "defect", "to_person")
        assert tuple(verdict.probabilities) == inspector.classes
        assert sum(verdict.probabilities.values()) == pytest.approx(1)
        assert verdict.milliseconds > 0
    with pytest.raises(anomaly.InputError, match=r"nothing\.png: cannot be read"):
        anomaly.photo("nothing.png")


def test_inspecting_loads_neither_hydra_nor_mlflow(bundle):
    code = f"""
import sys
import anomaly
inspector = anomaly.load({str(bundle)!r})
inspector.inspect([anomaly.photo({str(SAVED / "good_001.png")!r})])
print({{"hydra", "omegaconf", "mlflow", "albumentations"}} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_without_the_packages_of_training_the_sentence_names_the_extra(tmp_path):
    bundle = sealed("classifier", tmp_path)
    code = f"""
import sys
sys.modules["keras"] = None  # as if it were not installed
import anomaly
try:
    anomaly.load({str(bundle)!r})
except anomaly.InputError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "needs more packages (keras is missing): in this project's clone" in done.stdout
