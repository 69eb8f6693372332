"""python -m bench ROOT: measures, prints a table, writes bench/results.json."""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import bovw, classifier, ensemble, giant, startup


def main(root: Path) -> None:
    """Run every measurement on `root`/bottle."""
    with tempfile.TemporaryDirectory() as folder:
        lines = [
            *startup.measure(),
            *classifier.measure(root, Path(folder)),
            *bovw.measure(root, Path(folder)),
            *ensemble.measure(Path(folder) / "ensemble"),
            *giant.measure(Path(folder) / "giant"),
        ]
    content = {"date": str(date.today()), "machine": _machine(), "lines": lines}
    (Path(__file__).parent / "results.json").write_text(json.dumps(content, indent=2) + "\n")
    table = Table("what", "measured", "claimed", "holds")
    for line in lines:
        table.add_row(
            line["what"], line["measured"], line["claimed"], "yes" if line["holds"] else "NO"
        )
    Console(width=140).print(table)


def _machine() -> str:
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
