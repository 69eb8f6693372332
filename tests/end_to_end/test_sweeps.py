"""Sweeps on the real command line: what they leave, repeat, survive and say."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
from pathlib import Path

import pytest
import yaml
from mlflow import MlflowClient

from .conftest import BAG, DEMO, TINY
from .test_interruptions import Server

# 2026-11: MLflow 3 still uses a loader that SQLAlchemy 2.1 has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader:DeprecationWarning")

BRIEF = (
    *DEMO,
    *TINY,
    "trainer=smoke",
    "trainer.epochs=2",
    "trainer.finetune.epochs=0",
    "model.views=1",
)
BAGS = (*DEMO, *BAG)  # what a job trains is all the same to a sweep, and a bag of words is quick


@pytest.fixture(scope="module")
def output(tmp_path_factory, empty_store) -> Path:
    output = tmp_path_factory.mktemp("outputs")
    shutil.copy(empty_store, output)
    return output


def rows(output: Path) -> list[dict[str, str]]:
    """The table of the newest sweep."""
    newest = max((output / "sweeps").iterdir())
    with (newest / "sweep.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def finished(output: Path) -> list[Path]:
    """The folders of jobs that have come to their end."""
    records = output.glob("sweeps/*/*/run.json")
    return [path.parent for path in records if json.loads(path.read_text())["status"] == "FINISHED"]


def states(output: Path) -> list[str]:
    return [row["state"] for row in rows(output)]


def runs_of(output: Path, query: str) -> list:
    client = MlflowClient(f"sqlite:///{output}/mlflow.db")
    experiment = client.get_experiment_by_name("demo").experiment_id
    return list(client.search_runs([experiment], query))


@pytest.fixture(scope="module")
def swept(train, output):
    """A sweep of which the second job is refused: it is not the last."""
    ended = train("-m", *BAGS, f"output={output}", "model.C=1,-1,2")
    return ended, rows(output)


def test_a_failing_job_stops_no_other_and_the_exit_code_tells(swept):
    ended, table = swept
    assert ended.code == 1 and "Traceback" not in ended.err
    assert [row["state"] for row in table] == ["done", "failed", "done"]
    assert table[1]["reason"] == "model.C must be above 0, got -1"
    assert "jobs     2 done, 1 failed" in ended.out
    assert "best     model.C=" in ended.out


def test_its_runs_are_nested_under_one_that_has_the_table_and_the_best_figures(swept, output):
    (parent,) = runs_of(output, "tags.role = 'sweep' and attributes.status = 'FAILED'")
    children = runs_of(output, f"tags.mlflow.parentRunId = '{parent.info.run_id}'")
    done = {row["run"] for row in swept[1] if row["state"] == "done"}
    assert {run.info.run_id for run in children} == done
    best = max(children, key=lambda r: (r.data.metrics["val/accuracy"], -r.info.start_time))
    assert parent.data.tags["best"] == best.info.run_id
    assert parent.data.metrics["val/accuracy"] == best.data.metrics["val/accuracy"]
    assert parent.info.status == "FAILED"
    note = parent.data.tags["mlflow.note.content"]
    assert "train.py -m" in note and "| C | state |" in note
    client = MlflowClient(f"sqlite:///{output}/mlflow.db")
    names = {artifact.path for artifact in client.list_artifacts(parent.info.run_id)}
    assert names == {"sweep.csv", "sweep.json", "sweep.png"}
    assert {run.info.run_name for run in children} == {
        "demo-bovw C=1", "demo-bovw C=2"
    }  # fmt: skip


def test_the_same_command_again_runs_nothing_that_finished(swept, train, output):
    again = train("-m", *BAGS, f"output={output}", "model.C=1,2")
    assert again.code == 0, again.err
    assert states(output) == ["skipped", "skipped"]
    before = {run.info.run_id for run in runs_of(output, "tags.role = 'member'")}
    assert {row["run"] for row in rows(output)} <= before
    assert "2 skipped; skipped: finished before, with the same settings, data and code" in again.out
    more = train("-m", *BAGS, f"output={output}", "model.C=1", "seed=1,0,1")
    assert more.code == 0, more.err
    assert states(output) == ["done", "skipped", "skipped"]  # the last is the first once more
    assert rows(output)[0]["run"] == rows(output)[2]["run"]


def test_rerun_runs_it_all_the_same_in_folders_of_any_name(swept, train, output):
    again = train(
        *("-m", *BAGS, f"output={output}", "model.C=1"),
        *("trainer.rerun=true", "hydra.sweep.subdir=job_${hydra.job.num}"),
    )
    assert again.code == 0, again.err
    assert states(output) == ["done"]


def test_a_refused_job_does_not_pass_for_the_run_that_its_folder_has(train, fresh_output):
    where = (f"output={fresh_output}", f"hydra.sweep.dir={fresh_output}/sweeps/own")
    words = (*BAGS, *where, "hydra.sweep.subdir=s${seed}")
    assert train("-m", *words, "seed=5").code == 0
    again = train("-m", *words, "seed=5", "model.C=2")
    assert again.code == 1 and "Traceback" not in again.err
    (row,) = rows(fresh_output)
    assert row["state"] == "failed" and not row["run"]
    assert "holds the results of run" in row["reason"]


def test_killed_in_the_middle_the_same_command_does_what_is_missing(
    start, until, train, fresh_output
):
    command = (
        *("train.py", "-m", *BAGS, f"output={fresh_output}", "seed=range(2)"),
        f"hydra.sweep.dir={fresh_output}/sweeps/same",  # what finished there stays as it is
    )
    process = start(*command)
    until(lambda: len(finished(fresh_output)) == 1, process)
    process.kill()
    ended = train(*command[1:])
    assert ended.code == 0, ended.err
    assert len(finished(fresh_output)) == 2
    assert states(fresh_output)[0] == "skipped" and states(fresh_output)[-1] == "done"
    assert len(runs_of(fresh_output, "tags.role = 'sweep'")) == 1  # the same sweep went on
    assert not runs_of(fresh_output, "attributes.status = 'RUNNING'")
    members = runs_of(fresh_output, "tags.role = 'member' and attributes.status = 'FINISHED'")
    assert len({run.data.tags["identity"] for run in members}) == len(members) == 2
    assert {run.info.run_name for run in members} == {f"demo-bovw seed={k}" for k in range(2)}


@pytest.mark.slow
def test_killed_before_the_pooled_result_of_its_folds_a_sweep_makes_it_when_repeated(
    train, tmp_path
):
    command = ("-m", *BRIEF, f"output={tmp_path}", "data.folds=3", "data.fold=0,1,2")
    first = train(*command)
    assert first.code == 0, first.err
    (pooled,) = runs_of(tmp_path, "tags.role = 'pooled'")
    MlflowClient(f"sqlite:///{tmp_path}/mlflow.db").delete_run(pooled.info.run_id)
    for said in (True, False):  # the second time there is nothing left to do
        again = train(*command)
        assert again.code == 0, again.err
        assert states(tmp_path) == ["skipped"] * 3
        assert ("3 folds pooled: each image tested once" in again.out) == said
        (anew,) = runs_of(tmp_path, "tags.role = 'pooled'")
        assert {k: v for k, v in anew.data.metrics.items() if not k.startswith("epoch/")} == {
            k: v for k, v in pooled.data.metrics.items() if not k.startswith("epoch/")
        }
    (parent,) = runs_of(tmp_path, "tags.role = 'sweep'")
    assert anew.data.tags["mlflow.parentRunId"] == parent.info.run_id
    again = train(*command, "trainer.rerun=true")
    assert again.code == 0, again.err
    assert len(runs_of(tmp_path, "tags.role = 'pooled'")) == 2  # once, of the new ones alone


@pytest.mark.slow
def test_of_jobs_at_a_time_a_killed_worker_loses_nothing_that_was_done(
    start, until, train, tmp_path
):
    command = (
        *("train.py", "-m", *BRIEF, f"output={tmp_path}", "seed=range(4)"),
        *("sweep.launcher=joblib", "sweep.launcher.n_jobs=2"),
    )
    process = start(*command)
    until(lambda: finished(tmp_path), process)
    _kill_loky(re.findall(r"\d+", _children(process.child.pid)))
    ended = process.ended()
    assert ended.code == 1 and "Traceback" not in ended.err
    assert "done" in states(tmp_path) and "failed" in states(tmp_path)
    again = train(*command[1:])
    assert again.code == 0, again.err
    assert set(states(tmp_path)) == {"skipped", "done"}
    assert not runs_of(tmp_path, "attributes.status = 'RUNNING'")


def _children(pid: int) -> str:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text()


def _kill_loky(pids: list[str]) -> None:
    """The workers, not joblib's resource tracker."""
    for pid in pids:
        if "LokyProcess" in Path(f"/proc/{pid}/cmdline").read_text():
            os.kill(int(pid), 9)
            return
    raise AssertionError("no worker found")


def test_where_no_job_can_run_the_reason_is_the_answer(train, fresh_output):
    ended = train(
        "-m", *DEMO, "model=tiny", f"output={fresh_output}", "trainer.learning_rate=77,99"
    )
    assert ended.code == 1
    assert ended.err.splitlines() == [
        f"error: trainer.learning_rate must be above 0 and at most 10, got {rate}.0"
        if not k
        else f"trainer.learning_rate must be above 0 and at most 10, got {rate}.0"
        for k, rate in enumerate((77, 99))
    ]


def test_a_search_goes_on_and_writes_the_best_settings_as_an_experiment(
    start, until, train, empty_store, tmp_path
):
    output = tmp_path / "a?b%2F"  # characters that mean something in addresses
    output.mkdir()
    shutil.copy(empty_store, output)
    command = (
        *("train.py", "sweep=search", *BRIEF, f"output={output}", "hydra.sweeper.trials=2"),
        "hydra.sweeper.params={trainer.learning_rate: 'tag(log, interval(1e-4, 1e-2))'}",
    )
    process = start(*command)
    until(lambda: list(output.glob("sweeps/*/*/scores.json")), process)
    process.kill()
    ended = train(*command[1:])
    assert ended.code == 0, ended.err
    table = rows(output)
    assert len(table) == 2 and {row["state"] for row in table} <= {"done", "skipped"}
    assert len({row["learning_rate"] for row in table}) == 2
    folder = max((output / "sweeps").iterdir())
    written = yaml.safe_load((folder / "experiment" / "best.yaml").read_text())
    best = max(table, key=lambda row: float(row["val/accuracy"]))
    assert written["trainer"]["learning_rate"] == float(best["learning_rate"])
    used = train("--config-dir", folder, "experiment=best", f"output={output}", "--cfg", "job")
    assert used.code == 0, used.err
    assert f"learning_rate: {float(best['learning_rate'])}" in used.out
    assert [path.name for path in tmp_path.iterdir()] == [output.name]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("sweep=folds,seeds",), "sweep=folds,seeds names several sweeps"),
        (("seed=0,1", "sweep.launcher.n_jobs=2"), "hydra.launcher.n_jobs is no setting of this"),
        (("sed=0,1",), "sed is not a known key; did you mean seed?"),
        (("sweep=search", "hydra.sweeper.trials=0"), "hydra.sweeper.trials must be a whole number"),
        (("seed=interval(0,1)",), "BasicSweeper does not support sweep type"),
        (("sweep=search", "seed=interval(3,1)"), "seed=interval(3,1) cannot be searched: "),
        (("seed=1,2", "sweep.launcher=submitit"), "sweep.launcher=submitit is not installed: make"),
        (("sweep=search", "hydra.sweeper.at_once=x"), "hydra.sweeper.at_once must be a whole"),
        (("sweep=search", "trainer.rerun=true"), "a search keeps its finished trials, so"),
        (
            ("sweep=search", "model.hed=choice(dense,linear)"),
            "model.hed cannot be searched: it is not a known key; did you mean model.head?",
        ),
    ],
)
def test_a_mistake_in_a_sweep_is_said_in_a_sentence(words, said, train, fresh_output):
    mode = () if "sweep=search" in words else ("-m",)
    ended = train(*mode, *BRIEF, f"output={fresh_output}", *words)
    assert ended.code == 1 and "Traceback" not in ended.err
    assert f"error: {said}" in ended.err


def test_whatever_is_wrong_with_a_job_stops_no_other_nor_passes_for_one_of_before(
    train, fresh_output
):
    """A config that does not compose, a value that does not fit, a failure while it runs."""
    broken = fresh_output / "broken.weights.h5"
    broken.write_bytes(b"no weights")
    words = ("-m", *BRIEF, f"output={fresh_output}", "trainer.epochs=1")
    where = f"hydra.sweep.dir={fresh_output}/sweeps/same"
    wrong = ("optimizer=adamm,adam", f"backbone.weights={broken},null", "seed=x,0")
    ended = train(*words, where, *wrong)
    assert ended.code == 1 and "Traceback" not in ended.err
    assert states(fresh_output) == ["failed"] * 7 + ["done"]
    reasons = [row["reason"] for row in rows(fresh_output)]
    compose = "optimizer=adamm is not known; did you mean adam?"
    assert all(reason.startswith(compose) for reason in reasons[:4])
    assert reasons[4] == reasons[6] == "seed must be a whole number, got x"
    assert str(broken) in reasons[5]
    right = ("optimizer=adam", "backbone.weights=null", "seed=0")
    again = train(*words, where, *right, "trainer.distribution=none,data_parallel")
    assert again.code == 1 and states(fresh_output) == ["skipped", "failed"]


@pytest.mark.slow
def test_a_search_tries_again_what_failed(train, tmp_path):
    words = ("sweep=search", *BRIEF, f"output={tmp_path}", "hydra.sweeper.trials=2")
    only = "hydra.sweeper.params={trainer.learning_rate: 'interval(0.001,0.002)'}"
    failed = train(*words, only, "trainer.distribution=data_parallel")
    assert failed.code == 1 and states(tmp_path) == ["failed", "failed"]
    again = train(*words, only, "trainer.distribution=data_parallel")
    assert again.code == 1 and states(tmp_path) == ["failed", "failed"]
    assert all("needs the JAX backend" in row["reason"] for row in rows(tmp_path))


@pytest.mark.slow
def test_of_a_sweep_over_data_sets_each_is_skipped(train, whole_station, tmp_path):
    root = tmp_path / "root"
    for name in ("one", "two"):
        shutil.copytree(whole_station / "widget", root / name)
    command = (
        *("-m", f"data.root={root}", "data.category=one,two", *TINY, "trainer=smoke"),
        *("trainer.epochs=2", "trainer.finetune.epochs=0", f"output={tmp_path}", "data.grid=64"),
    )
    for wanted in ("done", "skipped"):
        ended = train(*command)
        assert ended.code == 0, ended.err
        assert states(tmp_path) == [wanted, wanted]


@pytest.mark.slow
def test_a_search_gives_up_what_falls_behind(train, tmp_path):
    ranges = "{trainer.learning_rate: 'choice(1e-2,1e-9)', model.units: 'range(8,64)'}"
    command = (
        *("sweep=search", *BRIEF, "data.images=8", "trainer.epochs=60", f"output={tmp_path}"),
        *("model.head=dense", "hydra.sweeper.trials=8", f"hydra.sweeper.params={ranges}"),
    )
    ended = train(*command)
    assert ended.code == 0, ended.err
    table = rows(tmp_path)
    given_up = [row for row in table if row["state"] == "pruned"]
    assert given_up and {row["learning_rate"] for row in given_up} == {"1e-09"}
    assert "is worse than the median of the other trials" in given_up[0]["reason"]
    assert len(runs_of(tmp_path, "attributes.status = 'KILLED'")) == len(given_up)
    assert not list((tmp_path / "checkpoints").iterdir())
    again = train(*command)
    assert again.code == 0, again.err
    assert [row["state"] for row in rows(tmp_path)].count("pruned") == len(given_up)


@pytest.mark.slow
def test_two_sweeps_that_begin_together_on_a_new_store_both_end_well(start, tmp_path):
    command = ("train.py", "-m", *BRIEF, f"output={tmp_path}")
    both = [start(*command, f"seed={seeds}") for seeds in ("1,2", "3,4")]
    ended = [process.ended() for process in both]
    assert [one.code for one in ended] == [0, 0], ended[0].err + ended[1].err
    assert len(runs_of(tmp_path, "tags.role = 'sweep' and attributes.status = 'FINISHED'")) == 2
    assert len(runs_of(tmp_path, "tags.role = 'member'")) == 4


CLOCK = """import os, time
true, true_ns = time.time, time.time_ns
def shift(): return {days} * 86400 * os.path.exists("{flag}")
time.time = lambda: true() + shift()
time.time_ns = lambda: true_ns() + shift() * 10**9
"""


@pytest.mark.slow
@pytest.mark.parametrize("days", [-1, 1])
def test_a_clock_that_jumps_in_mid_sweep_changes_nothing(days, start, until, train, tmp_path):
    flag = tmp_path / "jumped"
    (tmp_path / "sitecustomize.py").write_text(CLOCK.format(days=days, flag=flag))
    output = tmp_path / "outputs"
    command = ("train.py", "-m", *BRIEF, f"output={output}", "seed=range(3)")
    process = start(*command, PYTHONPATH=f"{tmp_path}:.")
    until(lambda: finished(output), process)
    flag.touch()
    ended = process.ended()
    assert ended.code == 0, ended.err
    assert states(output) == ["done"] * 3
    starts = [
        json.loads((path / "run.json").read_text())["start_time"] for path in finished(output)
    ]
    assert max(starts) - min(starts) > 80_000_000  # milliseconds: it did jump
    again = train(*command[1:])
    assert again.code == 0, again.err
    assert "3 skipped" in again.out
    assert not runs_of(output, "attributes.status = 'RUNNING'")


@pytest.mark.slow
def test_a_server_killed_in_mid_sweep_costs_what_was_under_way(
    start, until, train, tmp_path, free_port
):
    server = Server(start, until, tmp_path, free_port)
    server.run()
    where = (f"output={tmp_path}", f"tracking.uri={server.uri}")
    command = ("train.py", "-m", *BRIEF, *where, "seed=range(3)")
    process = start(*command)
    until(lambda: finished(tmp_path), process)
    server.kill()
    ended = process.ended()
    assert ended.code == 1 and "Traceback" not in ended.err
    server.run()
    again = train(*command[1:])
    server_says = MlflowClient(server.uri)
    experiment = server_says.get_experiment_by_name("demo").experiment_id
    unfinished = server_says.search_runs([experiment], "attributes.status = 'RUNNING'")
    members = server_says.search_runs(
        [experiment], "tags.role = 'member' and attributes.status = 'FINISHED'"
    )
    server.kill()
    assert again.code == 0, again.err
    assert not unfinished
    assert len({run.data.params["seed"] for run in members}) == 3
