"""Runs commands in forks of one process, which has imported what they take ten seconds to import.

`python warm.py heavy` imports TensorFlow, too. Then each line of its input is a request, {"program":
train.py or a module, "words": the rest of the command line, "out": FILE, "err": FILE}, that is answered
with the exit code in a line.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
LIGHT = (
    *("anomaly.run.train", "anomaly.run.workflow", "anomaly.data.mvtec", "anomaly.data.demo"),
    *("anomaly.tracking.run", "mlflow.store.tracking.sqlalchemy_store", "anomaly.report.command"),
)
HEAVY = ("anomaly.model.classifier", "anomaly.augment.light")


def import_all(kind: str) -> None:
    """Import what the commands will need, as they do."""
    for name in LIGHT:
        importlib.import_module(name)
    if kind == "heavy":
        importlib.import_module("anomaly.runtime.import_keras").import_keras()
        for name in HEAVY:
            importlib.import_module(name)
    gc.freeze()  # what is shared with the forks stays so


def forked() -> dict[str, list[str]]:
    """Return in a fork, with its request; the first process serves until its input ends."""
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if not child:
            return request
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    sys.exit()


def redirect(out: str, err: str) -> None:
    """Give this process no input, and these files as output."""
    for number, path in enumerate((os.devnull, out, err)):
        file = os.open(path, os.O_RDWR | os.O_CREAT)
        os.dup2(file, number)
        os.close(file)


if __name__ == "__main__":
    sys.path[0] = str(REPOSITORY)
    import_all(sys.argv[1])
    request = forked()
    redirect(request["out"], request["err"])
    sys.argv = [request["program"], *request["words"]]
    run = runpy.run_path if request["program"] == "train.py" else runpy.run_module
    run(request["program"], run_name="__main__")
