"""The documentation: what is written by hand is true, and what is generated leaves nothing out."""

from __future__ import annotations

import re
import runpy
import shlex
from pathlib import Path

import pytest
import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override

import anomaly
from anomaly.config.command_line import for_hydra
from anomaly.config.paths import CONF, groups
from anomaly.metrics.catalogue import FIGURES

ROOT = Path(__file__).parents[2]
PAGES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "CONTRIBUTING.md", ROOT / "README.md"]
TRAIN = re.compile(r"^(?:\w+=\S+ )?(?:anomaly train|\S*python train\.py) (.+?)(?: {2,}#.*)?$", re.M)
COMMANDS = sorted({line for page in PAGES for line in TRAIN.findall(page.read_text())})


@pytest.fixture(scope="module")
def written() -> dict:
    """The functions of docs/pages.py."""
    return runpy.run_path(str(ROOT / "docs" / "pages.py"))


def overrides(line: str) -> list[str]:
    """What a command of the documentation chooses; of a sweep, its first job."""
    typed = for_hydra(shlex.split(line.replace("DATA", "data=demo")))
    words = [word for word in typed if "=" in word and not word.startswith("hydra")]
    parsed = OverridesParser.create().parse_overrides(words)
    return [first(word, override) for word, override in zip(words, parsed, strict=True)]


def first(word: str, override: Override) -> str:
    """The override itself, or the first of those that it sweeps over."""
    if not override.is_sweep_override():
        return word
    value = override.value()
    if isinstance(value, IntervalSweep):
        return f"{override.key_or_group}={value.start}"
    return f"{override.key_or_group}={next(override.sweep_string_iterator())}"


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_the_documentation_passes_every_check(line, parsed):
    parsed(*overrides(line))


def test_every_option_of_every_group_has_its_section(written):
    page = written["groups"]()
    for group in groups() - {"hydra"}:
        for file in (CONF / group).glob("*.yaml"):
            assert f"### `{group}={file.stem}`" in page


def test_every_setting_of_a_slot_has_a_line_that_says_what_it_accepts(written):
    page = written["groups"]()
    for file in CONF.glob("*/*.yaml"):
        node = yaml.safe_load(file.read_text())
        if "_target_" in node and file.parent.name != "hydra":
            for key in set(node) - {"_target_", "_partial_", "defaults"}:
                assert re.search(rf"^\| `{file.parent.name}\.{key}` \| `.+` \| \S.* \|", page, re.M)


def test_every_metric_has_a_line(written):
    page = written["metrics"]()
    assert all(re.search(rf"^\| `{name}` \| \S", page, re.M) for name in FIGURES)


def test_the_page_of_the_public_names_has_them_all(written):
    page = written["api"]()
    assert all(f":: anomaly.{name}\n" in page for name in anomaly.__all__ if name[0] != "_")


def test_every_folder_of_the_package_has_its_sentence(written):
    rows = written["tree"]().splitlines()[2:]
    assert len(rows) > 20 and all(re.fullmatch(r"\| `\S+` \| \S.*\. \|", row) for row in rows)
