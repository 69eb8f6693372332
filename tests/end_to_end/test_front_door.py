"""One model, one answer: by every way into a trained model a photo gets what its run recorded."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import shutil
import sys
import urllib.request
import zipfile
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import anomaly
from anomaly.cli import main
from anomaly.inspector.bundle import check
from anomaly.inspector.find import bundle_of
from anomaly.tracking.disk.predictions import read_predictions
from anomaly.types import Predictions

from .conftest import BAG, DEMO, REPOSITORY, SMOKE, TINY

# 2026-11: MLflow 3 still uses a loader that SQLAlchemy 2.1 has deprecated, and warns of its own code.
pytestmark = [
    pytest.mark.filterwarnings("ignore:The ``noload`` loader:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred:UserWarning"),
]

MEMBERS = {
    "tiny": (*TINY, *SMOKE, "trainer.finetune.epochs=0"),
    "bovw": BAG,
}
SLOW = pytest.param("soft_vote", marks=pytest.mark.slow)
KINDS = ("tiny", "bovw", "meta_learner", SLOW)


@dataclass(frozen=True)
class Trained:
    """A finished run."""

    output: Path
    folder: Path
    run_id: str

    @property
    def recorded(self) -> Predictions:
        return read_predictions(self.folder / "predictions" / "test.npz")

    @property
    def photos(self) -> list[Path]:
        """The files of the test part, in the order of its predictions."""
        return [self.output / "demo" / "demo" / id for id in self.recorded.ids]


@pytest.fixture(scope="module")
def runs(train, without_tensorflow, empty_store, tmp_path_factory) -> Callable[[str], Trained]:
    """runs(kind): a network, a bag of words, or an ensemble of them; each is trained once."""
    output = tmp_path_factory.mktemp("outputs")
    shutil.copy(empty_store, output)
    finished: dict[str, Trained] = {}

    def trained(*words: str, **environment: str) -> Trained:
        ended = train(*words, *DEMO, f"output={output}", **environment)
        assert ended.code == 0, ended.err
        return Trained(output, Path(ended.said("results")), ended.said("run"))

    def of(kind: str) -> Trained:
        if kind not in finished and kind in MEMBERS:
            finished[kind] = trained(*MEMBERS[kind])
        if kind not in finished:
            ids = ",".join(of(member).run_id for member in MEMBERS)
            words = (f"ensemble={kind}", f"members.run_ids=[{ids}]")
            finished[kind] = trained(*words, **without_tensorflow)
        return finished[kind]

    return of


@pytest.fixture(scope="module", params=KINDS)
def run(request, runs) -> Trained:
    return runs(request.param)


@pytest.fixture
def store(runs, monkeypatch) -> None:
    """MLflow looks for its runs and models where these are."""
    output = runs("tiny").output
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{output}/mlflow.db")


def proba(rows: list[dict[str, float]] | pd.Series) -> np.ndarray:
    return np.array([list(row.values()) for row in rows])


# === By every way ===


@pytest.fixture(scope="module")
def promoted(run) -> str:
    """The version under which the model is the champion."""
    printed = io.StringIO()
    with redirect_stdout(printed):
        assert main(["promote", run.run_id, "champion", "--output", str(run.output)]) == 0
    return re.match(r"demo@champion is version (\d+)", printed.getvalue())[1]


@pytest.mark.parametrize("way", ["folder", "alias"])
def test_verdicts_from_files_are_what_the_run_recorded_to_the_last_bit(way, run, promoted):
    word = run.folder if way == "folder" else "models:/demo@champion"
    inspector = anomaly.load(word, run.output)
    verdicts = inspector.inspect([anomaly.photo(path) for path in run.photos])
    assert inspector.classes == run.recorded.classes
    assert np.array_equal(proba([v.probabilities for v in verdicts]), run.recorded.proba)
    assert [v.score for v in verdicts] == list(1 - run.recorded.proba[:, 0])
    assert np.array_equal(np.stack([v.mask for v in verdicts]), run.recorded.segmentation)
    assert np.array_equal(np.stack([v.heat for v in verdicts]), run.recorded.heat)


def test_every_way_leads_to_the_same_files(run, promoted):
    words = ("model", "model/data", run.run_id, f"runs:/{run.run_id}", "demo@champion")
    ways = [run.folder, run.folder / words[0], run.folder / words[1], *words[2:]]
    ways.append(f"models:/demo/{promoted}")
    digests = {check(bundle_of(str(way), run.output)).digest for way in ways}
    assert len(digests) == 1


def test_the_python_function_of_mlflow_says_the_same_of_photos_in_every_form(run, store):
    import mlflow.pyfunc

    model = mlflow.pyfunc.load_model(f"runs:/{run.run_id}/model")
    data = [path.read_bytes() for path in run.photos]
    forms = [
        [str(path) for path in run.photos],
        data,
        [base64.b64encode(each).decode() for each in data],
        pd.DataFrame({"photo": data}),
    ]
    for form in forms:
        rows = model.predict(form)
        assert np.array_equal(proba(rows["probabilities"]), run.recorded.proba)
        assert set(rows["version"]) == {run.run_id}


@pytest.mark.parametrize("run", ["tiny"], indirect=True)
def test_a_table_of_inspect_says_the_same(run, tmp_path, capsys):
    words = ["inspect", str(run.folder), *map(str, run.photos), "--out", str(tmp_path)]
    assert main(words) == 0
    table = pd.read_csv(tmp_path / "verdicts.csv")
    columns = [f"probability {name}" for name in run.recorded.classes]
    assert np.array_equal(table[columns].to_numpy(), run.recorded.proba)
    assert list(table["file"]) == [str(path) for path in run.photos]


# === Elsewhere ===

ELSEWHERE = """
import json, os, sys
from pathlib import Path
import mlflow.pyfunc

models, photos = Path(sys.argv[1]), json.loads(sys.argv[2])
os.chdir(models)
for name, data in photos.items():
    rows = mlflow.pyfunc.load_model(name).predict([Path(file).read_bytes() for file in data])
    print(json.dumps([name, list(rows["probabilities"])]))
"""


def test_moved_models_say_the_same_in_another_process_and_folder(runs, start, tmp_path):
    trained = {name: runs(name) for name in (*MEMBERS, "meta_learner")}
    photos = {}
    for name, run in trained.items():
        shutil.copytree(run.folder / "model", tmp_path / name)
        shutil.copytree(run.output / "demo", tmp_path / "photos", dirs_exist_ok=True)
        photos[name] = [f"photos/demo/{id}" for id in run.recorded.ids]
    outputs = runs("tiny").output
    away = outputs.rename(outputs.with_name("away"))
    try:
        path = str(REPOSITORY)
        ended = start("-c", ELSEWHERE, tmp_path, json.dumps(photos), PYTHONPATH=path).ended()
    finally:
        away.rename(outputs)
    assert ended.code == 0, ended.err
    answers = dict(json.loads(line) for line in ended.out.splitlines() if line.startswith("["))
    for name, run in trained.items():
        assert np.array_equal(proba(answers[name]), run.recorded.proba), name


def contents(folder: Path) -> dict[str, bytes]:
    """Every file in a folder, and what is packed in it."""
    files = {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for name in [name for name in files if zipfile.is_zipfile(name)]:
        with zipfile.ZipFile(name) as packed:
            files |= {f"{name}:{part}": packed.read(part) for part in packed.namelist()}
    return files


def test_no_file_of_a_model_names_a_place_on_this_machine(run):
    files = contents(run.folder / "model")
    assert len(files) > 6
    places = [str(run.output), str(Path.cwd()), str(Path(anomaly.__file__).parents[1]), "/tmp/"]
    for name, data in files.items():
        assert not [place for place in places if place.encode() in data], name


# === A server ===


@pytest.mark.slow
@pytest.mark.parametrize("run", ["tiny", "meta_learner"], indirect=True)
def test_a_served_model_says_the_same(run, start, until, free_port):
    address = f"http://127.0.0.1:{free_port}"
    process = start(
        *("-m", "mlflow", "models", "serve", "--model-uri", run.folder / "model"),
        *("--env-manager", "local", "--host", "127.0.0.1", "--port", free_port, "--workers", 1),
        PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        PYTHONPATH=str(REPOSITORY),
    )

    def answers() -> bool:
        try:
            return urllib.request.urlopen(f"{address}/ping", timeout=5).status == 200
        except OSError:
            return False

    def asked(body: dict) -> np.ndarray:
        request = urllib.request.Request(
            f"{address}/invocations",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=100) as reply:
            return proba([row["probabilities"] for row in json.load(reply)["predictions"]])

    until(answers, process)
    photos = [base64.b64encode(path.read_bytes()).decode() for path in run.photos]
    bodies = [
        {"inputs": photos},
        {"dataframe_split": {"columns": ["photo"], "data": [[photo] for photo in photos]}},
        {"dataframe_records": [{"photo": photo} for photo in photos]},
    ]
    try:
        for body in bodies:
            assert np.array_equal(asked(body), run.recorded.proba), list(body)
    finally:
        process.kill()
