"""Exports a trained model to a runtime, after proof that it says the same there.

MODEL is the folder of a run or of a bundle, the id of a run, NAME@ALIAS, or latest. All photos of validate
are judged from their files by the exported model; OUT is written only if every verdict is that of the
run's record and probabilities agree to 1e-4. `anomaly inspect OUT PHOTOS` then needs neither TensorFlow
nor Keras (but for saved_model).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from anomaly.errors import InputError
from anomaly.inspector.bundle import check, read
from anomaly.inspector.find import bundle_of
from anomaly.inspector.inspector import Inspector
from anomaly.inspector.runtimes.network import KERAS, RUNTIMES
from anomaly.runtime.files import new_folder
from anomaly.runtime.import_keras import import_keras
from anomaly.types import Predictions

if TYPE_CHECKING:
    from anomaly.export.parity import Difference
    from anomaly.run.again import Again

INT8 = "openvino"  # whose int8 is faster


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the exported bundle, and print how it was proved.

    Raises:
        InputError: no such model, data that has changed, a runtime that cannot run it or that says
            something else; nothing is written then.
    """
    options = _parser().parse_args(arguments)
    _check_words(options)
    bundle = bundle_of(options.model, options.output, options.uri)
    if (runtime := check(bundle).runtime) != KERAS:
        raise InputError(f"{options.model} was exported already, to {runtime}; give its run")
    import_keras()  # only now: a wrong word is refused before TensorFlow loads
    from anomaly.export.bundle import write
    from anomaly.export.parity import OF_BYTES, PROBABILITY, replay
    from anomaly.export.parity import check as check_equal
    from anomaly.export.quantise import quantise
    from anomaly.export.views import in_views

    inspector = read(bundle)
    run, recorded = _recorded(inspector, options)
    if options.views:
        inspector, recorded = in_views(inspector, options.views, run.dataset, run.config.evaluate)
    finish = partial(quantise, run.dataset.train.images) if options.int8 else None
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with new_folder(options.out) as folder:
        exported = write(inspector, options.to, folder, finish)
        differences = replay(exported, run.dataset.validate.images, recorded)
        check_equal(
            differences, _name(inspector, options), OF_BYTES if options.int8 else PROBABILITY
        )
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    print("\n".join(_summary(exported, differences, size, options)))


def _check_words(options: argparse.Namespace) -> None:
    if options.out.exists():
        raise InputError(f"{options.out} exists already; give the name of a new folder")
    if options.int8 and options.to != INT8:
        raise InputError(f"--int8 is for --to {INT8}; on {options.to} it would be slower")


def _recorded(inspector: Inspector, options: argparse.Namespace) -> tuple[Again, Predictions]:
    """What the run learned from, and what it recorded of validate."""
    from anomaly.run import again
    from anomaly.tracking.find import predictions_of, run_of
    from anomaly.tracking.store import store_at

    store, run = store_at(options.output, options.uri), inspector.about.run
    recorded = predictions_of(store, run_of(store, run["id"]), "val")
    return again.read(store, run["id"], run["split"], options.data_root), recorded


def _name(inspector: Inspector, options: argparse.Namespace) -> str:
    return f"{inspector.about.name} in {options.to}{' with int8' if options.int8 else ''}"


def _summary(
    exported: Inspector, differences: Sequence[Difference], size: int, options: argparse.Namespace
) -> list[str]:
    proba, heat, pixels, boxes = (
        max(getattr(each, name) for each in differences)
        for name in ("proba", "heat", "pixels", "boxes")
    )
    return [
        f"{_name(exported, options)}, {size / 2**20:.1f} MB: {options.out}",
        f"proved on {len(differences)} photos of validate: all verdicts are those of the run; the"
        f" largest differences are {proba:.1g} of a probability, {heat:.1g} of heat,"
        f" {100 * pixels:.2g} % of a photo's pixels, and {boxes:.2g} pixels of a box",
        f"inspect with: anomaly inspect {options.out} PHOTOS",
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("anomaly export", description=__doc__)
    add = parser.add_argument
    add("model", metavar="MODEL", help="a run's folder or id, a bundle, or NAME@ALIAS")
    add("out", metavar="OUT", type=Path, help="the new folder")
    add("--to", required=True, choices=list(RUNTIMES), help="the runtime")
    add("--views", type=int, choices=(1, 2, 4),
        help="judge fewer views of each photo, thresholds and figures measured again: faster")  # fmt: skip
    add("--int8", action="store_true",
        help="convolutions of eight bits, calibrated on train: faster; verdicts must stay the same")  # fmt: skip
    add("--data-root", type=Path, metavar="DIR", help="where the data lies, if it was moved")
    add(
        "--output", type=Path, default=Path("outputs"), metavar="DIR", help="the folder of the runs"
    )
    add("--uri", help="the tracking store, if it is not <output>/mlflow.db")
    return parser
