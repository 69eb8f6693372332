"""Writes the exported bundle: the network in another runtime, and everything else as it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

from anomaly.export.formats import write as write_network
from anomaly.inspector import exported, golden
from anomaly.inspector.bundle import MEMBERS, read, seal
from anomaly.inspector.exported import SETTINGS
from anomaly.inspector.inspector import Inspector
from anomaly.inspector.team import Team, write_combiner
from anomaly.model.learner import Graph, Learner
from anomaly.runtime.cores import count

Finish = Callable[[Path, int], None]  # of the folder and the input size of a written network


def write(
    inspector: Inspector, runtime: str, folder: Path, finish: Finish | None = None
) -> Inspector:
    """Write `inspector`, read from a bundle of Keras, as a bundle of a runtime; returns that one.

    Args:
        finish: changes each network after it was written, such as `quantise`.

    Raises:
        InputError: a network cannot be exported to that runtime.
    """
    folder.mkdir(parents=True)
    about = replace(inspector.about, runtime=runtime, golden=(), files={}, digest="")
    if isinstance(inspector.judge, Team):
        _write_team(inspector.judge, runtime, folder, finish)
    elif graph := cast(Learner, inspector.judge).graph(about.grid):
        _write_network(graph, runtime, folder)
        if finish:
            finish(folder, graph.network.input_shape[1])
        judge = exported.load(folder, about, count())
        about = replace(about, golden=golden.answers(judge, about.grid))
    else:  # what it saves needs no Keras
        cast(Learner, inspector.judge).save(folder)
    seal(folder, about)
    return read(folder)


def _write_team(team: Team, runtime: str, folder: Path, finish: Finish | None) -> None:
    write_combiner(folder, team.combiner)
    for place, member in enumerate(team.members):
        write(member, runtime, folder / MEMBERS / str(place), finish)


def _write_network(graph: Graph, runtime: str, folder: Path) -> None:
    write_network(graph.network, runtime, folder)
    content = {"size": graph.network.input_shape[1], "settings": graph.settings}
    (folder / SETTINGS).write_text(json.dumps(content, indent=2))
