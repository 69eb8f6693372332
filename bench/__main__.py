"""python -m bench ROOT [PART ...]: measures, prints a table, writes bench/results.json.

Parts that are not named keep their earlier results.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import (
    bovw,
    classifier,
    detector,
    ensemble,
    exporting,
    giant,
    gpu,
    inspecting,
    reading,
    serving,
    startup,
    sweep,
)

PARTS = {
    "startup": startup.measure,
    "reading": reading.measure,
    "inspecting": inspecting.measure,
    "serving": serving.measure,
    "exporting": exporting.measure,
    "classifier": classifier.measure,
    "bovw": bovw.measure,
    "ensemble": ensemble.measure,
    "detector": detector.measure,
    "sweep": sweep.measure,
    "giant": giant.measure,
    "gpu": gpu.measure,
}
DEFAULT = [name for name in PARTS if name != "gpu"]
RESULTS = Path(__file__).parent / "results.json"


def main(root: Path, names: Sequence[str]) -> None:
    """Run the named parts on `root`/bottle, by default all but gpu; each is saved at once."""
    results = json.loads(RESULTS.read_text())
    for name in names or DEFAULT:
        with tempfile.TemporaryDirectory() as folder:
            lines = PARTS[name](root, Path(folder))
        results[name] = {"date": str(date.today()), "machine": _machine(), "lines": lines}
        RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    table = Table("what", "measured", "claimed", "holds")
    for line in (line for name in PARTS for line in results.get(name, {"lines": []})["lines"]):
        table.add_row(
            line["what"], line["measured"], line["claimed"], "yes" if line["holds"] else "NO"
        )
    Console(width=140).print(table)


def _machine() -> str:
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
