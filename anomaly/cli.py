"""The command `anomaly`: one door, each verb a thin call."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NamedTuple

import anomaly
from anomaly.config.suggest import suggest_name
from anomaly.errors import InputError

STOPPED = 130  # what a shell calls a program ended by Ctrl-C


class Verb(NamedTuple):
    """A command: its `main` takes the remaining words and returns an exit code, or None for 0."""

    module: str
    takes: str
    does: str
    extra: str | None = None  # what must be installed beside the core


VERBS = {
    "train": Verb(
        "anomaly.run.train", "KEY=VALUE ...", "train, evaluate and record a model", "train"
    ),
    "inspect": Verb(
        "anomaly.inspector.folder.command",
        "MODEL PHOTOS ... [--out DIR]",
        "judge photos with a trained model",
        "inspect",
    ),
    "export": Verb(
        "anomaly.export.command",
        "MODEL OUT --to RUNTIME",
        "take a model to a runtime without TensorFlow, with proof",
        "train,export",
    ),
    "deploy": Verb(
        "anomaly.export.deploy",
        "BUNDLE OUT --for triton|kserve",
        "write what Triton or KServe need to run an exported model",
        "inspect",
    ),
    "serve": Verb(
        "anomaly.serve.command",
        "MODEL [--port N]",
        "judge photos over HTTP, with a page for the person at the line",
        "serve",
    ),
    "serve-ray": Verb(
        "anomaly.serve.cluster.command",
        "MODEL [--replicas N]",
        "the same on a Ray cluster, in replicas that may die",
        "serve,ray",
    ),
    "promote": Verb(
        "anomaly.inspector.promote", "RUN ALIAS", "name the model that the line shall use", "train"
    ),
    "report": Verb(
        "anomaly.report.command", "[--output DIR]", "put finished runs side by side", "train"
    ),
    "ui": Verb(
        "anomaly.tracking.ui", "[--output DIR]", "open MLflow's pages with the runs", "train"
    ),
    "data draw": Verb("anomaly.data.drawn.command", "DIR", "draw parts of the demo to try it with"),
    "data download": Verb(
        "anomaly.data.download.__main__", "CATEGORY DIR", "fetch a category of MVTec AD"
    ),
}


def main(words: Sequence[str] | None = None) -> int:
    """Run a command line; the exit code is the verb's, or 1 after a mistake."""
    words = sys.argv[1:] if words is None else list(words)
    if words[:1] in (["--help"], ["-h"]):
        print(_help())
        return 0
    if words[:1] == ["--version"]:
        print(f"anomaly {anomaly.__version__}")
        return 0
    try:
        return _run(words)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("error: stopped by Ctrl-C", file=sys.stderr)
        return STOPPED


def _run(words: list[str]) -> int:
    name = _verb(words)
    verb = VERBS[name]
    try:
        return import_module(verb.module).main(words[len(name.split()) :]) or 0
    except ModuleNotFoundError as error:
        if verb.extra is None or (error.name or "").startswith("anomaly"):
            raise
        raise InputError(
            f"anomaly {name} needs more packages: in this project's clone, pip install '.[{verb.extra}]'"
            f" ({error.name} is missing)"
        ) from None


def _verb(words: list[str]) -> str:
    for length in (2, 1):
        if (name := " ".join(words[:length])) in VERBS:
            return name
    raise InputError(_unknown(words))


def _unknown(words: list[str]) -> str:
    """What to say of words that begin with no verb."""
    if not words:
        return f"give a verb, one of: {', '.join(VERBS)}; `anomaly --help` says more"
    below = [name for name in VERBS if name.startswith(f"{words[0]} ")]
    typed = " ".join(words[:2]) if below else words[0]
    return f"anomaly {typed} is not known{suggest_name(typed, below or VERBS)}"


def _help() -> str:
    lines = [(f"anomaly {name} {verb.takes}", verb.does) for name, verb in VERBS.items()]
    width = max(len(line) for line, _ in lines)
    table = "\n".join(f"  {line:{width}}  {does}" for line, does in lines)
    return (
        "Trains, compares and uses models that inspect parts.\n\n"
        f"{table}\n\n"
        "`anomaly VERB --help` says more of each, `anomaly --version` which version this is."
    )


if __name__ == "__main__":
    sys.exit(main())
