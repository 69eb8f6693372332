"""The page: a section for each category, a table and a chart for each group, pictures for each run."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from anomaly.metrics.catalogue import TABLE
from anomaly.report.artifacts import Artifacts
from anomaly.report.groups import Group
from anomaly.report.sections import sections
from anomaly.report.table import heading

ROOM = 8_000_000  # characters of all pictures together, so that the page can be mailed
TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,  # no name that a user chose becomes markup, in text or attributes
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(
    categories: Mapping[str, Sequence[Group]],
    artifacts: Mapping[str, Artifacts],
    metric: str,
    uri: str,
    made: datetime,
) -> str:
    """The whole document, HTML.

    Args:
        categories: {category: its groups}.
        artifacts: of every run, by its id.
        metric: what the groups are sorted by.
        uri: of the store that was read; a password in it is left out.
        made: when the store was read.
    """
    room = ROOM // max(1, len(categories))
    return TEMPLATES.get_template("page.html").render(
        runs=sum(len(group.rows) for groups in categories.values() for group in groups),
        store=re.sub(r"//[^/@]*@", "//", uri),
        made=made,
        metric=metric,
        sorted_by=heading(metric),
        categories={
            name: sections(name, groups, artifacts, metric, room)
            for name, groups in categories.items()
        },
        figures={name.replace("_", " "): meaning for name, meaning in TABLE.items()},
    )
