"""The Open Inference Protocol: as KServe's and Triton's clients write their requests."""

from __future__ import annotations

import json
from base64 import b64encode

import numpy as np
import pytest
from PIL import Image

from .conftest import GOOD, PHOTO

MODEL = "/v2/models/demo-tiny"
FILES = [PHOTO.read_bytes(), GOOD.read_bytes()]
TEXTS = [b64encode(file).decode() for file in FILES]


def tensor(datatype: str, shape: list, data: object = None, **more: object) -> dict:
    return {"name": "photo", "datatype": datatype, "shape": shape, "data": data, **more}


def infer(client, tensor: object, path: str = f"{MODEL}/infer", **more: object):
    return client("POST", path, json.dumps({"inputs": [tensor], **more}).encode())


def outputs(answer) -> dict[str, dict]:
    return {output["name"]: output for output in answer.json["outputs"]}


@pytest.fixture
def expected(client) -> list[dict]:
    return [client("POST", "/inspect", file).json for file in FILES]


def test_the_server_and_the_model_describe_themselves(client):
    assert client("GET", "/v2").json.keys() == {"name", "version", "extensions"}
    about = client("GET", MODEL).json
    assert about == client("GET", f"{MODEL}/versions/{'0' * 32}").json
    assert about["inputs"] == [{"name": "photo", "datatype": "BYTES", "shape": [-1]}]
    assert client("GET", f"{MODEL}/ready").status == 200
    for wrong in ("/v2/models/other", f"{MODEL}/versions/2", f"{MODEL}/versions/2/ready"):
        assert client("GET", wrong).status == 404 and "demo-tiny" in client("GET", wrong).error


def test_several_files_are_judged_in_their_order(client, expected):
    answer = infer(client, tensor("BYTES", [2], TEXTS), id="7")
    assert (answer.json["id"], answer.json["model_name"]) == ("7", "demo-tiny")
    said, about = outputs(answer), client("GET", MODEL).json
    for described in about["outputs"]:
        output = said[described["name"]]
        assert output["datatype"] == described["datatype"]
        assert output["shape"] == [2, *described["shape"][1:]]
    for name in ("verdict", "probability", "score"):
        assert said[name]["data"] == [each[name] for each in expected]
    assert said["defect"]["data"] == [each["defect"] or "" for each in expected]
    flat = [p for each in expected for p in each["probabilities"].values()]
    assert said["probabilities"]["data"] == flat


def test_pixels_are_judged_as_the_file_is(client, expected):
    pixels = np.asarray(Image.open(PHOTO).convert("RGB"))
    for data in (pixels.tolist(), pixels.ravel().tolist()):
        answer = infer(client, tensor("UINT8", [*pixels.shape], data), outputs=[{"name": "score"}])
        assert outputs(answer)["score"]["data"] == [expected[0]["score"]]
        assert [*outputs(answer)] == ["score"]


@pytest.mark.parametrize("kind", ["BYTES", "UINT8"])
def test_tensors_behind_the_json_are_read_as_tritons_clients_write_them(client, expected, kind):
    pixels = np.asarray(Image.open(PHOTO).convert("RGB"))
    behind = b"".join(len(file).to_bytes(4, "little") + file for file in FILES)
    shape, count = [2], 2
    if kind == "UINT8":
        behind, shape, count = pixels.tobytes(), [*pixels.shape], 1
    parameters = {"binary_data_size": len(behind)}
    text = {"inputs": [tensor(kind, shape, parameters=parameters) | {"data": None}]}
    start = json.dumps(text).encode()
    answer = client(
        "POST", f"{MODEL}/infer", start + behind, Inference_Header_Content_Length=str(len(start))
    )
    assert outputs(answer)["score"]["data"] == [each["score"] for each in expected[:count]]


def test_a_threshold_is_a_parameter(client):
    answer = infer(client, tensor("BYTES", [1], TEXTS[:1]), parameters={"threshold": 1.0})
    assert outputs(answer)["verdict"]["data"] != ["defect"]


@pytest.mark.parametrize(
    "wrong, words",
    [
        ({"name": "image"}, "one input, photo"),
        (tensor("FP32", [1], [0.5]), "BYTES or UINT8"),
        (tensor("BYTES", [1, 1], TEXTS[:1]), "shape [n]"),
        (tensor("BYTES", [3], TEXTS), "there are 2 photos"),
        (tensor("BYTES", [1], ["no base64"]), "base64"),
        (tensor("BYTES", [1], None), "base64"),
        (tensor("BYTES", [0], []), "above 0"),
        (tensor("BYTES", "many", []), "above 0"),
        (tensor("UINT8", [1, 1, 4], [1, 2, 3, 4]), "[height, width, 3]"),
        (tensor("UINT8", [1, 1, 3], [1, 2]), "there are 2 numbers"),
        (tensor("UINT8", [1, 1, 3], [1, 2, 256]), "0 to 255"),
        (tensor("UINT8", [1, 1, 3], [1, 2, 0.5]), "0 to 255"),
        (tensor("UINT8", [1, 1, 3], [1, [2], 3]), "0 to 255"),
        (tensor("UINT8", [1, 1, 3], "abc"), "0 to 255"),
        (tensor("UINT8", [1, 1, 3], [10**40, 1, 1]), "0 to 255"),
        (tensor("BYTES", [1], parameters={"binary_data_size": 9}), "binary_data_size"),
        (3, "list of 1 object"),
    ],
)  # fmt: skip
def test_a_wrong_tensor_is_named(client, wrong, words):
    answer = infer(client, wrong)
    assert answer.status == 400 and words in answer.error


def test_a_wrong_request_is_named(client):
    path, photo = f"{MODEL}/infer", tensor("BYTES", [1], TEXTS[:1])
    for body in (b"", b"{", b"[" * 5000, b"[]", b"{}", b'{"inputs": []}', b"\xff"):
        assert client("POST", path, body).status == 400 and client("POST", path, body).error
    assert infer(client, photo, path="/v2/models/other/infer").status == 404
    assert "no output" in infer(client, photo, outputs=[{"name": "x"}]).error
    assert infer(client, photo, parameters={"threshold": "high"}).status == 400
    assert infer(client, photo, parameters={"threshold": 7}).status == 422
    assert infer(client, tensor("BYTES", [1], ["AAAA"])).status == 422
    length = client("POST", path, b"{}", Inference_Header_Content_Length="900")
    assert length.status == 400 and "number of bytes" in length.error


def test_more_photos_than_can_wait_are_refused_whole(started):
    client = started(threads=1, queue=2)
    answer = infer(client, tensor("BYTES", [4], TEXTS * 2))
    assert answer.status == 413 and "at most 3 photos" in answer.error
