"""Compares a slot's config with the signature of its `build`, read from source.

Reading the source instead of importing it spares TensorFlow: a wrong key is refused at once.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, get_args

from anomaly.config import ranges
from anomaly.config.paths import PACKAGE
from anomaly.config.suggest import suggest_key

# What the workflow gives to each `build` at run time, beside the values of its YAML.
RUNTIME = {
    "data": {"cache"},
    "augment": {"seed"},
    "backbone": {"image_size"},
    "optimizer": {"learning_rate", "steps"},
    "ensemble": set(),
    "model": {"backbone", "classes", "augment", "optimizer", "cache", "seed"},
}
PLAIN: dict[str, type | tuple[type, ...]] = {
    "str": str,
    "bool": bool,
    "int": int,
    "float": (int, float),
}


def mistakes(slot: str, node: Any) -> list[str]:
    """One sentence for every key of `node` that `build` of its `_target_` does not accept."""
    if not isinstance(node, Mapping):
        return [f"{slot} must name one of its options, got {node!r}"]
    target = str(node.get("_target_"))
    source = _source(slot, target)
    if source is None or _build(source) is None or node.get("_partial_") is not True:
        return [f"{slot}._target_ may only name a build of anomaly.{slot}, got {target}"]
    return _differences(slot, _values(node), parameters(source, RUNTIME[slot]))


def _source(slot: str, target: str) -> Path | None:
    """The file of `anomaly.<slot>.<name>.build`: a module, or the first file of a package."""
    match = re.fullmatch(rf"anomaly\.{slot}\.(\w+)\.build", target)
    if match is None:
        return None
    places = (PACKAGE / slot / f"{match[1]}.py", PACKAGE / slot / match[1] / "__init__.py")
    return next((place for place in places if place.is_file()), None)


@cache
def _build(source: Path) -> ast.FunctionDef | None:
    functions = [f for f in ast.parse(source.read_text()).body if isinstance(f, ast.FunctionDef)]
    return next((f for f in functions if f.name == "build"), None)


def parameters(source: Path, runtime: set[str]) -> dict[str, ast.expr | None]:
    """The annotations of the keyword-only parameters that come from the config."""
    build = _build(source)
    arguments = build.args.kwonlyargs if build else []
    return {a.arg: a.annotation for a in arguments if a.arg not in runtime}


def accepted(slot: str, target: str) -> dict[str, str]:
    """What each key of an option accepts, in words: {"seed": "a whole number from 0 to ..."}."""
    source = _source(slot, target)
    assert source is not None, f"{target} is no build of anomaly.{slot}"
    return {key: _words(kind) for key, kind in parameters(source, RUNTIME[slot]).items()}


def _values(node: Mapping) -> dict[str, Any]:
    return {str(k): v for k, v in node.items() if k not in ("_target_", "_partial_")}


def _differences(slot: str, values: dict[str, Any], wanted: dict) -> list[str]:
    out = [f"{slot}.{key} is missing" for key in wanted if key not in values]
    for key, value in values.items():
        if key not in wanted:
            advice = suggest_key(f"{slot}.{key}", [f"{slot}.{name}" for name in wanted])
            out.append(f"{slot}.{key} is not known to this {slot}{advice}")
        elif not accepts(wanted[key], value):
            out.append(f"{slot}.{key} must be {_words(wanted[key])}, got {value!r}")
    return out


def accepts(annotation: ast.expr | None, value: Any) -> bool:
    """Whether `value` fits an annotation: plain types, `ranges`, Literal, tuple, list, `|`."""
    match annotation:
        case ast.Constant(value=None):
            return value is None
        case ast.Name(id=name) if name in PLAIN:
            return isinstance(value, PLAIN[name]) and (name == "bool" or not _is_bool(value))
        case ast.Name(id=name):
            return _bounded(name, value)
        case ast.BinOp(left=left, right=right):
            return accepts(left, value) or accepts(right, value)
        case ast.Subscript(value=ast.Name(id="Literal"), slice=members):
            return any(value == m and type(value) is type(m) for m in _literal(members))
        case ast.Subscript(value=ast.Name(id="list"), slice=item):
            fits = isinstance(value, list) and all(accepts(item, v) for v in value)
            return fits and (not _is_choice(item) or 0 < len(value) == len(set(value)))
        case ast.Subscript(value=ast.Name(id="tuple"), slice=ast.Tuple(elts=items)):
            fits = isinstance(value, list | tuple) and len(value) == len(items)
            fits = fits and all(accepts(i, v) for i, v in zip(items, value, strict=True))
            return fits and list(value) == sorted(value)  # a tuple is a range, low to high
    raise TypeError(f"a build parameter has an annotation that configs cannot use: {annotation}")


def _bounded(name: str, value: Any) -> bool:
    kind, bound = get_args(getattr(ranges, name))
    numeric = isinstance(value, int if kind is int else (int, float)) and not _is_bool(value)
    return numeric and bound.holds(value)


def _is_choice(item: ast.expr) -> bool:
    """A list of free text may be empty; of anything else at least one must be named."""
    return not (isinstance(item, ast.Name) and item.id == "str")


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)  # Python counts True as 1; a config must not


def _literal(members: ast.expr) -> tuple:
    value = ast.literal_eval(members)
    return value if isinstance(value, tuple) else (value,)


def _words(annotation: ast.expr | None) -> str:
    match annotation:
        case ast.Constant(value=None):
            return "null"
        case ast.Name(id=name) if name in PLAIN:
            return {"str": "text", "bool": "true or false"}.get(name, "a number")
        case ast.Name(id=name):
            return get_args(getattr(ranges, name))[1].words
        case ast.BinOp(left=left, right=right):
            return f"{_words(left)} or {_words(right)}"
        case ast.Subscript(value=ast.Name(id="Literal"), slice=members):
            return "one of " + ", ".join(map(str, _literal(members)))
        case ast.Subscript(value=ast.Name(id="tuple"), slice=ast.Tuple(elts=items)):
            shape = "[low, high]" if len(items) == 2 else f"{len(items)} rising values"
            return f"{shape}, each {_words(items[0])}"
        case ast.Subscript(slice=item):
            chosen = ", not empty and none twice" * _is_choice(item)
            return f"a list, each {_words(item)}" + chosen
    return "something else"
