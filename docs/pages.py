"""Writes the parts of pages that follow from code: config groups, metrics, the public names."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from pathlib import Path

import yaml

import anomaly
from anomaly.config import signature
from anomaly.config.paths import CONF, options
from anomaly.metrics.catalogue import FIGURES, OF_A_CLASS, Figure

GROUP = re.compile(r"^  - (\w+): (\w+) +# (.*)$", re.M)  # a line of config.yaml's defaults
SETTING = re.compile(r"^(\w+): *(.*?)(?: +# (.*))?$", re.M)  # key: value  # meaning


def complete(app: object, name: str, source: list[str]) -> None:
    """Replace marks such as <!-- metrics --> in a page that Sphinx has read."""
    writers = {"config": config, "groups": groups, "metrics": metrics, "api": api, "tree": tree}
    source[0] = re.sub(r"^<!-- (\w+) -->$", lambda mark: writers[mark[1]](), source[0], flags=re.M)


def config() -> str:
    """The values at the root of a config, as config.yaml holds them."""
    text = (CONF / "config.yaml").read_text()
    return _code("yaml", text[text.index("defaults:") : text.index("\nhydra:")])


def groups() -> str:
    """A section for each group, and in it one for each option."""
    found = GROUP.findall((CONF / "config.yaml").read_text())
    sections = [
        f"## {group}\n\n{_sentence(meaning)} {_default(group, default)}\n\n{_options(group)}"
        for group, default, meaning in found
    ]
    return "\n\n".join(sections)


def metrics() -> str:
    """The tables of the catalogue."""
    of_a_class = {f"{name}.<class>": figure for name, figure in OF_A_CLASS.items()}
    return _table(
        ("metric", "meaning", "better", "made of"), map(_metric, {**FIGURES, **of_a_class}.items())
    )


def api() -> str:
    """The package's example, and a directive for each public name; functions come first."""
    names = [name for name in anomaly.__all__ if not name.startswith("__")]
    names.sort(key=lambda name: isinstance(getattr(anomaly, name), type))
    _, example = (anomaly.__doc__ or "").split("\n\n", 1)
    return (
        _code("python", example) + "\n\n" + _code("{eval-rst}", "\n".join(map(_directive, names)))
    )


def tree() -> str:
    """Each folder of the package, to two levels, with the sentence of its docstring."""
    root = Path(anomaly.__file__).parent
    files = [*root.glob("*/__init__.py"), *root.glob("*/*/__init__.py")]
    rows = [(f"`{file.parent.relative_to(root).as_posix()}/`", _about(file)) for file in files]
    rows += [(f"`{file.name}`", _about(file)) for file in root.glob("[!_]*.py")]
    return _table(("below anomaly/", "what"), sorted(rows))


def _about(file: Path) -> str:
    """The first sentence of a module's docstring."""
    return (ast.get_docstring(ast.parse(file.read_text())) or "").split("\n")[0]


def _directive(name: str) -> str:
    if isinstance(getattr(anomaly, name), type):
        return f".. autoclass:: anomaly.{name}\n   :members:\n   :undoc-members:\n"
    return f".. autofunction:: anomaly.{name}\n"


def _metric(item: tuple[str, Figure]) -> tuple[str, ...]:
    name, figure = item
    better = "low" if figure.lower_is_better else "high"
    return f"`{name}`", figure.meaning, better, " or ".join(f"`{n}`" for n in figure.needs)


def _options(group: str) -> str:
    return "\n\n".join(_option(group, CONF / group / f"{name}.yaml") for name in options(group))


def _option(group: str, file: Path) -> str:
    """What a file says of itself at its top; then its keys, or the rest of it as it stands."""
    lines = file.read_text().splitlines()
    top = next(i for i, line in enumerate(lines) if not line.startswith("#"))
    about = [line.lstrip("# ") for line in lines[:top] if not line.startswith("# @package")]
    rest = "\n".join(lines[top:])
    target = yaml.safe_load(rest).get("_target_")
    body = _settings(group, target, rest) if target else _code("yaml", rest)
    return f"### `{group}={file.stem}`\n\n{_paragraphs(about)}\n\n{body}"


def _paragraphs(about: list[str]) -> str:
    """Sentences as they are; lines that are commands as code."""
    return "\n".join(f"\n`{line}`\n" if line.startswith("python ") else line for line in about)


def _settings(group: str, target: str, text: str) -> str:
    accepted = signature.accepted(group, target)
    rows = [
        (f"`{group}.{key}`", f"`{value}`", accepted[key], meaning)
        for key, value, meaning in SETTING.findall(text)
        if key in accepted
    ]
    return _table(("key", "value", "accepts", "meaning"), rows) if rows else ""


def _default(group: str, option: str) -> str:
    return "" if option == "null" else f"The default is `{group}={option}`."


def _sentence(words: str) -> str:
    return words[0].upper() + words[1:] + "."


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
    )


def _code(language: str, text: str) -> str:
    return f"```{language}\n{text.strip()}\n```"
