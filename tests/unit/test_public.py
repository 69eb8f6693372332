"""What may be imported from outside: typed, documented, and enough to judge a photo."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import anomaly

SAVED = Path(__file__).parents[1] / "saved"
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


def test_a_saved_model_judges_a_photo_as_the_readme_shows():
    model = anomaly.load(SAVED / "bovw")
    predictions = model.predict([anomaly.photo(SAVED / "good_001.png")], grid=64)
    assert predictions.ids == ((SAVED / "good_001.png").as_posix(),)
    assert predictions.classes[0] == "good" and predictions.proba.shape == (1, 4)
    with pytest.raises(anomaly.InputError, match=r"nothing\.png: cannot be read"):
        anomaly.photo("nothing.png")


def test_without_the_packages_of_training_the_sentence_names_the_extra(tmp_path):
    code = f"""
import sys
sys.modules["keras"] = None  # as if it were not installed
import anomaly
try:
    anomaly.load({str(SAVED / "classifier")!r})
except anomaly.InputError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "needs more packages (keras is missing): in this project's clone" in done.stdout
