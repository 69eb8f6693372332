"""A model repository of Triton Inference Server, and what its clients compute around the network.

Source of the layout and the fields: https://github.com/triton-inference-server/server,
docs/user_guide/model_repository.md, and model_config.proto in its repository `common`.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

from anomaly.inspector.about import About
from anomaly.inspector.exported import SETTINGS
from anomaly.inspector.runtimes.onnx import FILE
from anomaly.inspector.runtimes.signature import Signature, Tensor, read

CONFIG, LABELS, AROUND = "config.pbtxt", "labels.txt", "around.json"
VERSION = "1"
TYPES = {  # of ONNX: of Triton
    "bool": "TYPE_BOOL", "uint8": "TYPE_UINT8", "int32": "TYPE_INT32", "int64": "TYPE_INT64",
    "float16": "TYPE_FP16", "float": "TYPE_FP32", "double": "TYPE_FP64",
}  # fmt: skip
PHOTO = (
    "turned upright as its EXIF says, 8-bit RGB, resized to size x size without keeping the aspect"
    " ratio (averaged along sides that shrink, bilinear along others), one photo a request"
)
SORTING = (
    "in float64, raise probabilities to the power 1 / temperature and divide them by their sum; a part"
    " whose 1 - P(good) is at least sorting_threshold is a defect, of the others one whose P(good) is"
    " below reject_below goes to a person, and the rest is good"
)
KINDS: dict[str, dict[str, str]] = {  # of a bundle: what its outputs mean
    "classifier": {
        "proba": "(1, c) probabilities of the classes, before the temperature",
        "heat": "(1, g, g) heat in 0..1 over the whole photo; defective from settings.threshold on",
    },
    "mask_rcnn": {
        "boxes": "(1, n, 4) x1, y1, x2, y2 in pixels of the square",
        "scores": "(1, n) in 0..1, or below 0 where a row is empty; a row's pixels are called"
        " defective from settings.thresholds.pixel on",
        "labels": "(1, n) places in classes",
        "masks": "(1, n, m, m) probabilities, to be stretched over each box; a pixel counts from 0.5 on",
        "probabilities": "no output: a defect weighs the odds of its best score over the odds of"
        " settings.thresholds.name, good weighs 1, and they are divided by their sum; with"
        " settings.views above 1 this is of turned copies, merged",
    },
}


def write(bundle: Path, about: About, name: str, repository: Path) -> Signature:
    """Write the model `name` into a repository, a folder that may hold others; returns its signature.

    Raises:
        InputError: the network is damaged.
    """
    signature, folder = read(bundle), repository / name
    (folder / VERSION).mkdir(parents=True)
    shutil.copyfile(bundle / FILE, folder / VERSION / "model.onnx")
    (folder / CONFIG).write_text(config(name, signature), encoding="utf-8")
    (folder / LABELS).write_text("".join(f"{each}\n" for each in about.classes), encoding="utf-8")
    content = json.dumps(around(bundle, about), indent=2, ensure_ascii=False)
    (folder / AROUND).write_text(f"{content}\n", encoding="utf-8")
    return signature


def config(name: str, signature: Signature) -> str:
    """The text of config.pbtxt: whole shapes, since the network takes one photo at a time."""
    return f"""name: "{name}"
backend: "onnxruntime"
max_batch_size: 0
input [
{_entries(signature.inputs)}
]
output [
{_entries(signature.outputs)}
]
instance_group [
  {{ kind: KIND_CPU count: 1 }}
]
"""


def around(bundle: Path, about: About) -> dict[str, object]:
    """What a client needs besides the network's answer, in numbers and in words."""
    network = json.loads((bundle / SETTINGS).read_text(encoding="utf-8"))
    return {
        "model": about.names(),
        "kind": about.kind,
        "classes": list(about.classes),
        "size": network["size"],
        "settings": network["settings"],
        "temperature": about.temperature,
        "sorting_threshold": about.sorting_threshold,
        "reject_below": about.reject_below,
        "photo": PHOTO,
        "outputs": KINDS[about.kind],
        "sorting": SORTING,
    }


def _entries(tensors: Iterable[Tensor]) -> str:
    return ",\n".join(_entry(each) for each in tensors)


def _entry(tensor: Tensor) -> str:
    dims = ", ".join(map(str, tensor.shape))
    labels = f' label_filename: "{LABELS}"' if tensor.name == "proba" else ""
    kind = TYPES[tensor.dtype]
    return f'  {{ name: "{tensor.name}" data_type: {kind} dims: [ {dims} ]{labels} }}'
