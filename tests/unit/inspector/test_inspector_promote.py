"""Promotion says which of two models is better, and only if the test images show it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mlflow import MlflowClient

from anomaly.cli import main
from anomaly.inspector.promote import compared, worse_shares
from anomaly.metrics.intervals import wilson
from anomaly.metrics.recorded import figures
from anomaly.tracking.model import BUNDLE, MODEL, describe
from anomaly.tracking.run import start
from anomaly.tracking.store import store_at
from anomaly.types import Scores

# 2026-11: MLflow 3 still uses a loader that SQLAlchemy 2.1 has deprecated, and warns of its own code.
pytestmark = [
    pytest.mark.filterwarnings("ignore:The ``noload`` loader:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred:UserWarning"),
]


def outcomes(right: int, wrong: int, first: int = 0) -> dict[str, bool]:
    return {f"{first + place}.png": place < right for place in range(right + wrong)}


def test_one_that_names_many_more_right_is_better_and_the_other_way_worse():
    assert compared(outcomes(20, 0), outcomes(10, 10)).endswith(": the new one is better")
    worse = compared(outcomes(10, 10), outcomes(20, 0))
    assert worse.startswith("warning: of 20 test images that both have, 0 are named right by")
    assert "10 by the old one alone" in worse and "the new one is WORSE" in worse


@pytest.mark.parametrize(("right", "sure"), [(20, False), (16, False), (15, False), (14, True)])
def test_few_differences_are_no_evidence(right, sure):
    """Five coins of five fall on one side by chance in 1 of 16; six of six in 1 of 32."""
    sentence = compared(outcomes(right, 20 - right), outcomes(20, 0))
    assert ("WORSE" in sentence) == sure
    assert ("no evidence that either is better" in sentence) != sure


def test_only_images_that_both_were_tested_on_count():
    new = outcomes(10, 0) | outcomes(0, 50, 100)
    assert "of 10 test images that both have" in compared(new, outcomes(10, 0))
    for other in (outcomes(10, 0, 500), {}):
        assert "cannot be said: the two were tested on different images" in compared(new, other)


# === In a store ===


@pytest.fixture(scope="module")
def output(tmp_path_factory, bundle_in) -> Path:
    """Three finished runs with a bundle each, and one without."""
    output = tmp_path_factory.mktemp("outputs")
    runs = {
        "good": {"outcomes": outcomes(20, 0)},
        "bad": {"outcomes": outcomes(5, 15)},
        "other": {"outcomes": {}},
        "bare": None,
    }
    for name, fields in runs.items():
        folder = output / "runs" / name
        folder.mkdir(parents=True)
        tags = {"role": "member", "folder": str(folder)}
        tracker = start(
            store_at(output), folder, experiment="demo", name=name, params={}, tags=tags
        )
        with tracker as tracked:
            if fields is not None:
                (folder / MODEL).mkdir()
                about = {"id": tracked.record.run_id, "name": name}
                bundle_in(folder / MODEL / BUNDLE, run=about, **fields)
                describe(folder / MODEL, "0" * 64, {}, has_network=False)
            tracked.finish({"val/accuracy": 1.0})
    return output


@pytest.fixture(scope="module")
def client(output) -> MlflowClient:
    return MlflowClient(f"sqlite:///{output}/mlflow.db")


def id_of(output: Path, name: str) -> str:
    return json.loads((output / "runs" / name / "run.json").read_text())["run_id"]


@pytest.fixture
def promote(output, capsys):
    """promote(run, alias, ...) runs the command: what it printed, or its error."""

    def run(name: str, *words: str, code: int = 0) -> str:
        capsys.readouterr()
        id = id_of(output, name) if (output / "runs" / name).is_dir() else name
        assert main(["promote", id, *words, "--output", str(output)]) == code
        printed = capsys.readouterr()
        if code:
            assert printed.err.startswith("error: ") and printed.err.count("\n") == 1
        return printed.err if code else printed.out

    return run


def test_the_first_promotion_replaces_nothing_and_the_second_says_what(promote, client, output):
    line = ("champion", "--name", "line 1")  # a name that no other test uses
    first = promote("good", *line).splitlines()
    assert first[0].startswith("line 1@champion is version 1: good (run ")
    assert "accuracy 20/40" in first[0] and first[0].endswith("on 40 images")
    assert first[1:] == [
        "it replaces nothing",
        f"inspect with: anomaly inspect 'line 1@champion' PHOTOS --output {output}",
    ]
    second = promote("bad", *line)
    assert "line 1@champion is version 2: bad" in second
    assert f"it replaces version 1: good (run {id_of(output, 'good')})" in second
    assert "warning: of 20 test images that both have" in second
    assert "the new one is WORSE" in second
    assert client.get_model_version_by_alias("line 1", "champion").run_id == id_of(output, "bad")
    assert "the new one is better" in promote("good", *line)
    assert "tested on different images" in promote("other", *line)


def test_an_alias_is_apart_from_others_and_a_name_may_be_given(promote):
    promote("good", "apart")
    assert "it replaces nothing" in promote("bad", "challenger")
    said = promote("bad", "challenger", "--name", "line it's 4")
    assert "line it's 4@challenger is version 1" in said and "it replaces nothing" in said
    assert "anomaly inspect 'line it'\"'\"'s 4@challenger' PHOTOS" in said


@pytest.mark.parametrize("alias", ["latest", "v1", "V12", "", "a b", "a@b", "a/b", "ä!", "x" * 256])
def test_a_refused_alias_leaves_no_version(alias, promote, client):
    before = len(client.search_model_versions())
    assert "cannot be the name of a model" in promote("good", alias, "--name", "fresh", code=1)
    assert len(client.search_model_versions()) == before
    assert not client.search_registered_models("name = 'fresh'")


@pytest.mark.parametrize("name", ["a/b", "a:b", "a@b"])
def test_a_refused_name_leaves_no_model(name, promote, client):
    before = len(client.search_registered_models())
    assert "cannot be the name of a model" in promote("good", "champion", "--name", name, code=1)
    assert len(client.search_registered_models()) == before


@pytest.mark.parametrize(
    ("run", "sentence"),
    [
        ("0" * 32, "was not found"),
        ("champion", "was not found"),
        ("'; --", "was not found"),
        ("bare", "left no model"),
    ],
)
def test_a_run_without_a_model_is_refused(run, sentence, promote, client):
    before = len(client.search_model_versions())
    assert sentence in promote(run, "champion", code=1)
    assert len(client.search_model_versions()) == before


def test_a_replaced_run_that_was_deleted_does_not_stop_the_next(promote, client, output):
    promote("other", "passing")
    client.delete_run(id_of(output, "other"))
    try:
        assert "was deleted" in promote("other", "passing", code=1)
        said = promote("good", "passing")
    finally:
        client.restore_run(id_of(output, "other"))
    assert "it replaces version" in said and "cannot be compared" in said and "was deleted" in said
    assert client.get_model_version_by_alias("demo", "passing").run_id == id_of(output, "good")


def test_a_store_without_runs_is_a_sentence(tmp_path, capsys):
    assert main(["promote", "0" * 32, "champion", "--output", str(tmp_path)]) == 1
    assert "no run was ever recorded" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


# === Models by their names ===


@pytest.fixture
def inspect(output, tmp_path, capsys):
    """inspect(model) judges one photo with it: what it printed, or its error."""
    photo = Path(__file__).parents[2] / "saved" / "good_001.png"

    def run(model: str, code: int = 0) -> str:
        capsys.readouterr()
        words = [model, str(photo), "--out", str(tmp_path / "out"), "--output", str(output)]
        assert main(["inspect", *words]) == code
        printed = capsys.readouterr()
        if code:
            assert printed.err.startswith("error: ") and printed.err.count("\n") == 1
            assert not (tmp_path / "out").exists()
        return printed.err if code else printed.out

    return run


@pytest.mark.parametrize("word", ["demo@named", "models:/demo@named", "models:/demo/VERSION", "ID", "runs:/ID", "runs:/ID/model", "FOLDER", "FOLDER/model", "FOLDER/model/data"])  # fmt: skip
def test_a_model_has_many_names(word, promote, inspect, output, client):
    promote("bad", "named")
    version = client.get_model_version_by_alias("demo", "named").version
    words = {"ID": id_of(output, "bad"), "FOLDER": output / "runs" / "bad", "VERSION": version}
    for name, value in words.items():
        word = word.replace(name, str(value))
    assert f"bad (run {id_of(output, 'bad')}" in inspect(word)


def test_latest_is_the_run_that_finished_last(inspect):
    assert "left no model" in inspect("latest", code=1)  # `bare`


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("nothing", "is no model: there is no such folder"),
        ("", "is no model"),
        ("a\0b", "is no model"),
        ("x" * 5000, "is no model"),
        ("0" * 32, "was not found"),
        ("demo@unknown", "there is no model models:/demo@unknown"),
        ("unknown@champion", "there is no model models:/unknown@champion"),
        ("models:/demo@unknown", "there is no model models:/demo@unknown"),
        ("models:/demo/99", "there is no model models:/demo/99"),
        ("models:/demo", "must be models:/NAME@ALIAS"),
        ("models:/demo/latest", "must be models:/NAME@ALIAS"),
        ("demo@", "must be models:/NAME@ALIAS"),
        ("@champion", "must be models:/NAME@ALIAS"),
        ("a@b@c", "must be models:/NAME@ALIAS"),
        ("runs:/", "was not found"),
        ("runs:/nothing/model", "was not found"),
        ("BARE", "left no model"),
        ("RUNS", "holds no trained model"),
        ("BARE FOLDER", "left no bundle"),
    ],
)
def test_a_model_that_is_none_is_a_sentence(word, sentence, inspect, output, promote):
    promote("good", "champion")
    words = {
        "BARE": id_of(output, "bare"),
        "RUNS": str(output / "runs"),
        "BARE FOLDER": str(output / "runs" / "bare"),
    }
    assert sentence in inspect(words.get(word, word), code=1)


def test_a_run_that_has_not_finished_or_was_deleted_is_a_sentence(inspect, output, client):
    run_id, folder = id_of(output, "good"), output / "runs" / "good"
    record = folder / "run.json"
    whole, finished_at = record.read_text(), client.get_run(run_id).info.end_time
    try:
        client.set_terminated(run_id, "FAILED")
        assert "has not finished (FAILED)" in inspect(run_id, code=1)
        client.set_terminated(run_id, "FINISHED", finished_at)  # another test asks for the latest
        client.delete_run(run_id)
        assert "was deleted" in inspect(run_id, code=1)
        (folder / MODEL).rename(folder / "away")
        record.write_text(whole.replace("FINISHED", "RUNNING"))
        assert "has not finished (RUNNING)" in inspect(str(folder), code=1)
    finally:
        client.restore_run(run_id)
        record.write_text(whole)
        (folder / "away").rename(folder / MODEL)


def test_a_version_that_names_no_run_is_a_sentence(inspect, client, output):
    source = str(output / "runs" / "good" / MODEL)
    client.create_registered_model("foreign")
    version = client.create_model_version("foreign", source)
    client.set_registered_model_alias("foreign", "champion", version.version)
    assert "was not registered by promote" in inspect("foreign@champion", code=1)


def test_a_store_without_runs_is_no_place_for_a_model(tmp_path, capsys):
    for word in ("0" * 32, "demo@champion", "latest"):
        assert main(["inspect", word, "x.png", "--output", str(tmp_path)]) == 1
        assert "no run was ever recorded" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def shares(overkill: int) -> dict[str, float]:
    share = wilson(overkill, 229)
    return figures(
        {
            "test": Scores(
                {"sorting_overkill_rate": overkill / 229},
                {"sorting_overkill_rate": share},
                {},
                None,
            )
        }
    )


def test_a_model_that_sorts_out_more_good_parts_is_worse_whatever_it_names():
    (warning,) = worse_shares(shares(35), shares(0))
    assert warning.startswith("warning: sorting_overkill_rate is 35/229 instead of 0/229")
    assert worse_shares(shares(0), shares(35)) == worse_shares(shares(2), shares(0)) == []
