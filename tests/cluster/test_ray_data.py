"""A folder that is judged on a real cluster of one node has the rows of one that is not. Needs the extra ray."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("ray")
pytestmark = pytest.mark.slow


ROOT = Path(__file__).parents[2]


def anomaly(*words: str) -> None:
    """Run the command; Ray warns of itself, which would be errors in this process."""
    environment = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0"}
    command = [sys.executable, "-m", "anomaly.cli", *words]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    """Parts, and a file that is no photo."""
    folder = tmp_path_factory.mktemp("photos")
    anomaly("data", "draw", str(folder / "drawn"), "--images", "12", "--side", "64")
    (folder / "drawn" / "good" / "broken.png").write_bytes(b"no photo")
    return folder / "drawn"


def rows(folder: Path) -> list[dict]:
    """Without the times."""
    lines = (folder / "verdicts.jsonl").read_text().splitlines()
    return [{**json.loads(line), "milliseconds": 0} for line in lines]


def pictures(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*/*.jpg")}


def test_the_rows_are_those_of_inspect_and_what_was_judged_is_not_judged_again(
    ray_bundle, photos, tmp_path
):
    words = ["inspect", str(ray_bundle), str(photos), "--threshold", "0.4"]
    one, many = tmp_path / "one", tmp_path / "many"
    anomaly(*words, "--out", str(one))
    anomaly(*words, "--out", str(many), "--ray", "2")
    assert len(rows(one)) == 49
    assert rows(many) == rows(one)
    assert pictures(many) == pictures(one)
    judged = (many / "verdicts.jsonl").read_text()
    kept = judged.splitlines(keepends=True)[:20]
    (many / "verdicts.jsonl").write_text("".join(kept))
    anomaly(*words, "--out", str(many), "--ray", "1")
    assert rows(many) == rows(one)
    assert (many / "verdicts.jsonl").read_text().startswith("".join(kept))  # with their times
