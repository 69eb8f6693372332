"""Exports a trained model to a runtime, after proof that it says the same there.

MODEL is the folder of a run or of a bundle, the id of a run, NAME@ALIAS, or latest. All photos of validate
are judged from their files by the exported model; OUT is written only if every verdict is that of the
run's record and probabilities agree to 1e-4. `anomaly inspect OUT PHOTOS` then needs neither TensorFlow
nor Keras (but for saved_model).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from anomaly.errors import InputError
from anomaly.export.bundle import write
from anomaly.export.parity import Difference, check, replay
from anomaly.inspector.bundle import read
from anomaly.inspector.find import bundle_of
from anomaly.inspector.inspector import Inspector
from anomaly.inspector.runtimes.network import KERAS, RUNTIMES
from anomaly.run import again
from anomaly.runtime.files import new_folder
from anomaly.types import Image, Predictions


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the exported bundle, and print how it was proved.

    Raises:
        InputError: no such model, data that has changed, a runtime that cannot run it or that says
            something else; nothing is written then.
    """
    options = _parser().parse_args(arguments)
    if options.out.exists():
        raise InputError(f"{options.out} exists already; give the name of a new folder")
    inspector = read(bundle_of(options.model, options.output, options.uri))
    if inspector.about.runtime != KERAS:
        raise InputError(
            f"{options.model} was exported already, to {inspector.about.runtime}; give the run that it"
            f" comes from ({inspector.about.run['id']})"
        )
    images, recorded = _validate(inspector, options)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with new_folder(options.out) as folder:
        exported = write(inspector, options.to, folder)
        differences = replay(exported, images, recorded)
        check(differences, f"{inspector.about.name} in {options.to}")
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    print("\n".join(_summary(exported, differences, size, options)))


def _validate(
    inspector: Inspector, options: argparse.Namespace
) -> tuple[Sequence[Image], Predictions]:
    """The images of validate, and what the run recorded of them."""
    from anomaly.tracking.find import predictions_of, run_of
    from anomaly.tracking.store import store_at

    store, run = store_at(options.output, options.uri), inspector.about.run
    recorded = predictions_of(store, run_of(store, run["id"]), "val")
    dataset = again.dataset(store, run["id"], run["split"], options.data_root)
    return dataset.validate.images, recorded


def _summary(
    exported: Inspector, differences: Sequence[Difference], size: int, options: argparse.Namespace
) -> list[str]:
    proba, heat, pixels, boxes = (
        max(getattr(each, name) for each in differences)
        for name in ("proba", "heat", "pixels", "boxes")
    )
    return [
        f"{exported.about.name} for {options.to}, {size / 2**20:.1f} MB: {options.out}",
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
    add("--data-root", type=Path, metavar="DIR", help="where the data lies, if it was moved")
    add(
        "--output", type=Path, default=Path("outputs"), metavar="DIR", help="the folder of the runs"
    )
    add("--uri", help="the tracking store, if it is not <output>/mlflow.db")
    return parser
