"""The photos in a request of the Open Inference Protocol: in its JSON, or in bytes behind it."""

from __future__ import annotations

import binascii
import math
from base64 import b64decode
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from anomaly.serve.http.refusals import Refusal, parsed

INPUT = "photo"
CHANNELS = 3
Photos = list[bytes | np.ndarray]  # files, or (h, w, 3) uint8 RGB


class Asked(NamedTuple):
    """An inference request."""

    id: str | None
    photos: Photos
    threshold: float | None
    outputs: list[str] | None  # None: all


def read(body: bytes, json_length: int | None) -> Asked:
    """The request in a body; behind the first `json_length` bytes there may be tensors.

    Raises:
        Refusal: it is none, or its tensors are of other shapes or types.
    """
    content = parsed(body[:json_length])
    if not isinstance(content, dict):
        raise _wrong("the body must be a JSON object with inputs")
    (tensor,) = _list(content, "inputs", 1)
    if tensor.get("name") != INPUT:
        raise _wrong(f"there is one input, {INPUT}; got {tensor.get('name')!r}")
    photos = _photos(tensor, b"" if json_length is None else body[json_length:])
    outputs = None
    if content.get("outputs"):
        outputs = [str(each.get("name")) for each in _list(content, "outputs")]
    return Asked(_id(content), photos, _threshold(content), outputs)


def _id(content: Mapping[str, Any]) -> str | None:
    id = content.get("id")
    if id is None or (isinstance(id, str) and id.isprintable()):
        return id
    raise _wrong("id must be a text")


def _list(content: Mapping[str, Any], name: str, count: int | None = None) -> list[dict]:
    values = content.get(name)
    whole = isinstance(values, list) and all(isinstance(value, dict) for value in values)
    if not whole or (count is not None and len(values or ()) != count):
        many = "a list of objects" if count is None else f"a list of {count} object"
        raise _wrong(f"{name} must be {many}")
    return list(values or ())


def _threshold(content: Mapping[str, Any]) -> float | None:
    parameters = content.get("parameters") or {}
    value = parameters.get("threshold") if isinstance(parameters, dict) else None
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    raise _wrong(f"the parameter threshold must be a number, got {value!r}")


def _photos(tensor: Mapping[str, Any], behind: bytes) -> Photos:
    shape = tensor.get("shape")
    if not isinstance(shape, list) or not all(type(n) is int and n > 0 for n in shape):
        raise _wrong(f"shape must be a list of whole numbers above 0, got {shape!r}")
    readers = {"BYTES": _files, "UINT8": _pixels}
    if tensor.get("datatype") not in readers:
        raise _wrong(f"datatype must be BYTES or UINT8, got {tensor.get('datatype')!r}")
    parameters = tensor.get("parameters")
    size = parameters.get("binary_data_size") if isinstance(parameters, dict) else None
    if size is not None and size != len(behind):
        raise _wrong(f"binary_data_size is {size}, and {len(behind)} bytes came behind the JSON")
    return readers[tensor["datatype"]](shape, tensor.get("data") if size is None else behind)


def _files(shape: list[int], data: Any) -> Photos:
    """[n] files: strings of base64, or each behind its length in four bytes."""
    if len(shape) != 1:
        raise _wrong(f"BYTES must have the shape [n], got {shape}")
    files = _split(data) if isinstance(data, bytes) else _decoded(data)
    if len(files) != shape[0]:
        raise _wrong(f"the shape is {shape}, and there are {len(files)} photos")
    return list(files)


def _split(data: bytes) -> list[bytes]:
    files, start = [], 0
    while start < len(data):
        end = start + 4 + int.from_bytes(data[start : start + 4], "little")
        if end > len(data):
            raise _wrong("the bytes behind the JSON are cut off")
        files.append(data[start + 4 : end])
        start = end
    return files


def _decoded(data: Any) -> list[bytes]:
    try:
        return [b64decode(text, validate=True) for text in data]
    except (TypeError, ValueError, binascii.Error):
        raise _wrong("data must be a list of strings, a file in base64 each") from None


def _pixels(shape: list[int], data: Any) -> Photos:
    """One photo [h, w, 3], RGB."""
    if len(shape) != 3 or shape[2] != CHANNELS:
        raise _wrong(f"UINT8 must have the shape [height, width, 3], got {shape}")
    pixels = np.frombuffer(data, np.uint8) if isinstance(data, bytes) else _numbers(data)
    if pixels.size != math.prod(shape):
        raise _wrong(f"the shape is {shape}, and there are {pixels.size} numbers")
    return [pixels.reshape(shape)]


def _numbers(data: Any) -> np.ndarray:
    try:
        numbers = np.asarray(data)
    except (ValueError, OverflowError):
        numbers = np.zeros(0)
    if numbers.dtype.kind not in "iu" or numbers.min() < 0 or numbers.max() > 255:
        raise _wrong("data must be whole numbers from 0 to 255")
    return numbers.astype(np.uint8)


def _wrong(sentence: str) -> Refusal:
    return Refusal(400, sentence)
