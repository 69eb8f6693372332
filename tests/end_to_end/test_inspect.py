"""`anomaly inspect` in processes that are killed, on a folder that fills, and on a disk that is full."""

from __future__ import annotations

import csv
import json
import shutil
import signal
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anomaly.cli import main
from anomaly.data.drawn.render import render
from anomaly.inspector.about import About
from anomaly.inspector.bundle import seal

from .conftest import REPOSITORY, Ended, Process

BOVW = REPOSITORY / "tests" / "saved" / "bovw"
PHOTOS = 150
ABOUT = About(
    kind="bovw", ensemble=False, category="demo", classes=["good", "hole", "scratch", "stain"],
    grid=64, temperature=1.0, sorting_threshold=0.5, reject_below=0.0,
    validate_scores=[0.1, 0.9], validate_defective=[False, True], figures={}, evidence="two images",
    outcomes={}, run={"id": "0", "name": "demo-bovw"}, versions={}, created="2026-11-27",
)  # fmt: skip


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """A bundle that needs no training, of a model that an earlier version saved."""
    folder = tmp_path_factory.mktemp("model") / "bundle"
    shutil.copytree(BOVW, folder)
    (folder / "expected.json").unlink()
    seal(folder, ABOUT)
    return folder


def draw(path: Path, seed: int) -> bytes:
    """A part unlike those of other seeds; returns the bytes of the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(render("scratch", seed, 0, 64).image).save(path)
    return path.read_bytes()


def lines(out: Path) -> list[dict]:
    """What is complete of verdicts.jsonl."""
    path = out / "verdicts.jsonl"
    text = path.read_text() if path.is_file() else ""
    return [json.loads(line) for line in text.split("\n")[:-1]]


def judged(out: Path) -> Counter[tuple[str, str]]:
    """How often each content of each file was judged."""
    return Counter((Path(row["file"]).name, row["digest"]) for row in lines(out))


def table(out: Path) -> dict[str, dict[str, str]]:
    with (out / "verdicts.csv").open(newline="") as file:
        return {Path(row["file"]).name: row for row in csv.DictReader(file)}


def one_sentence(ended: Ended) -> bool:
    return "Traceback" not in ended.err and ended.err.count("error:") == 1


@pytest.fixture(scope="module")
def parts(tmp_path_factory) -> Path:
    """A folder of many photos."""
    folder = tmp_path_factory.mktemp("parts")
    random = np.random.default_rng(0)
    for index in range(PHOTOS):
        pixels = random.integers(0, 256, (32, 32, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{index:03}.bmp")
    return folder


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGKILL,
        *(pytest.param(s, marks=pytest.mark.slow) for s in (signal.SIGTERM, signal.SIGINT)),
    ],
)
def test_who_is_interrupted_goes_on_and_judges_every_photo_once(
    number, start, until, model, parts, tmp_path, capsys
):
    words = ["inspect", str(model), str(parts), "--out", str(tmp_path)]
    process = start("-m", "anomaly.cli", *words)
    until(lambda: len(lines(tmp_path)) > 3, process)
    process.child.send_signal(number)
    ended = process.ended()
    assert 3 < len(lines(tmp_path)) < PHOTOS
    if number != signal.SIGKILL:
        assert ended.code == 130 and one_sentence(ended)
        assert len(table(tmp_path)) == len(lines(tmp_path)) and (tmp_path / "index.html").is_file()
    assert main(words) == 0
    assert len(judged(tmp_path)) == PHOTOS and set(judged(tmp_path).values()) == {1}
    assert sorted(table(tmp_path)) == sorted(path.name for path in parts.iterdir())
    assert f"photos       {PHOTOS}: " in capsys.readouterr().out


def test_a_watched_folder_is_judged_photo_by_photo_also_after_a_kill(start, until, model, tmp_path):
    out, inbox = tmp_path / "out", tmp_path / "inbox"
    for seed in range(2):
        draw(inbox / f"{seed}.png", seed)

    def begin() -> Process:
        return start("-m", "anomaly.cli", "inspect", model, inbox, "--out", out, "--watch")

    process = begin()
    until(lambda: len(table(out)) == 2 if (out / "verdicts.csv").is_file() else False, process)
    whole = draw(tmp_path / "slow.png", 10)
    with (inbox / "slow.png").open("wb") as camera:  # never still for as long as a look apart
        for begins in range(0, len(whole), len(whole) // 6 + 1):
            camera.write(whole[begins : begins + len(whole) // 6 + 1])
            camera.flush()
            time.sleep(0.4)
    until(lambda: "slow.png" in table(out), process)
    (inbox / "paused.png").write_bytes(whole[:3000])  # and then the camera waits too long
    until(lambda: table(out).get("paused.png", {}).get("reason"), process)
    draw(inbox / "paused.png", 11)
    until(lambda: not table(out)["paused.png"]["reason"], process)
    process.child.send_signal(signal.SIGKILL)
    assert process.ended().code == -9
    draw(inbox / "sub" / "later.png", 12)
    draw(inbox / "0.png", 13)
    process = begin()
    until(lambda: "later.png" in table(out), process)
    draw(inbox / "last.png", 14)
    (inbox / "1.png").unlink()
    until(lambda: "last.png" in table(out), process)
    process.child.send_signal(signal.SIGINT)
    ended = process.ended()
    assert ended.code == 0 and "error:" not in ended.err
    assert "photos       6: " in ended.out and (out / "index.html").is_file()
    assert set(judged(out).values()) == {1}
    names = Counter(name for name, _ in judged(out))
    assert names == {
        "0.png": 2, "1.png": 1, "slow.png": 1, "paused.png": 2, "later.png": 1, "last.png": 1,
    }  # fmt: skip
    assert not any(row["reason"] for row in table(out).values())
    log = (out / "inspect.log").read_text().splitlines()
    assert len(log) == sum(names.values())


PROGRAM = """
import json, subprocess, sys
from pathlib import Path
from anomaly.cli import main

out, *words = sys.argv[1:]
report = []
for options in ("ro", "rw,size=160k", "rw,size=64m"):
    subprocess.run(["mount", "-o", f"remount,{options}", out], check=True)
    code = main(words)
    path = Path(out, "here", "verdicts.jsonl")
    report.append([code, path.read_text() if path.is_file() else ""])
print(json.dumps(report))
"""


def test_a_full_or_read_only_disk_is_a_sentence_and_costs_no_verdict(
    start, own_mounts, model, tmp_path
):
    mounted, parts = tmp_path / "mounted", tmp_path / "parts"
    mounted.mkdir()
    for seed in range(12):
        draw(parts / f"{seed:02}.png", seed)
    front = own_mounts('mount -t tmpfs none "$1"', mounted)
    words = ("inspect", model, parts, "--out", mounted / "here")
    ended = start("-c", PROGRAM, mounted, *words, front=front).ended()
    assert ended.code == 0 and "Traceback" not in ended.err, ended.err
    assert "Logging error" not in ended.err
    read_only, full = (line for line in ended.err.splitlines() if line.startswith("error: "))
    assert "cannot write" in read_only and "Read-only file system" in read_only
    assert "cannot write" in full and "No space left on device" in full
    assert "the same command goes on with the rest" in full
    first, second, third = json.loads(ended.out.splitlines()[-1])
    assert (first[0], second[0], third[0]) == (1, 1, 0)
    complete = second[1].split("\n")[:-1]
    after = third[1].split("\n")[:-1]
    assert 0 < len(complete) < 12 == len(after)
    assert after[: len(complete)] == complete  # nothing is lost, and nothing is judged again
