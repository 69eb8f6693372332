"""Eight-bit convolutions, by OpenVINO's NNCF: calibrated on photos of train, judged by the same gate.

Only OpenVINO: of its int8 a photo took 0.7 of float32's time, of ONNX Runtime's twice as much (bottle,
MobileNetV2, a processor with VNNI). What is not a convolution stays in float32, above all what makes
probabilities and heat of the maps.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from anomaly.cache.store import NoCache
from anomaly.data.images import load_image
from anomaly.errors import InputError
from anomaly.export.formats import FORMATS, quiet
from anomaly.types import Image

RUNTIME = "openvino"
PHOTOS = 32  # of train, whose maps show how large each number becomes
CONVOLUTIONS = {"Convolution", "GroupConvolution"}


def quantise(images: Sequence[Image], folder: Path, size: int) -> None:
    """Replace a network of OpenVINO by one of int8.

    Args:
        images: of train; PHOTOS of them, spread evenly, are used.
        folder: of the exported network.
        size: of the square that the network takes, pixels.

    Raises:
        InputError: NNCF is not installed, or a photo cannot be read.
    """
    os.environ.setdefault("NNCF_CI", "1")  # else it reports to its makers
    try:
        import nncf
        import openvino
    except ImportError as error:
        raise InputError(
            f"--int8 needs {error.name}: in this project's clone, pip install '.[export]'"
        ) from None
    file = folder / FORMATS[RUNTIME].file
    core = openvino.Core()
    core.set_property({"ENABLE_MMAP": False})  # the file that is read is replaced
    network = core.read_model(str(file))
    others = {op.get_type_name() for op in network.get_ops()} - CONVOLUTIONS
    scope = nncf.IgnoredScope(types=sorted(others), validate=False)
    with quiet():
        quantised = nncf.quantize(
            network,
            nncf.Dataset([_pixels(image, size) for image in _spread(images)]),
            preset=nncf.QuantizationPreset.MIXED,
            ignored_scope=scope,
        )
    openvino.save_model(quantised, str(file), compress_to_fp16=False)


def _pixels(image: Image, size: int) -> np.ndarray:
    return load_image(image, size, NoCache())[None]


def _spread(images: Sequence[Image]) -> list[Image]:
    places = np.linspace(0, len(images) - 1, min(PHOTOS, len(images))).round().astype(int)
    return [images[place] for place in places]
