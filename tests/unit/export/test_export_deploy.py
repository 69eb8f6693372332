"""What Triton and KServe are given holds what their schemas ask for, and what the model takes and gives."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
import pytest
import yaml

from anomaly.cli import main
from anomaly.data.images import photo, pixels_of
from anomaly.export.bundle import write
from anomaly.export.deploy import legal
from anomaly.inspector.about import About
from anomaly.inspector.bundle import read

SAVED = Path(__file__).parents[2] / "saved"
PHOTOS = [photo(file) for file in sorted(SAVED.glob("*.png"))]
NAME = "demo-bovw"  # of the bundles that the tests make, whatever their kind
DTYPES = {"TYPE_UINT8": np.uint8, "TYPE_FP32": np.float32, "TYPE_INT64": np.int64, "TYPE_INT32": np.int32}  # fmt: skip
FIELDS = {  # of model_config.proto, those that we write: message: {field: whether it repeats}
    "": {"name": False, "backend": False, "max_batch_size": False, "input": True, "output": True,
         "instance_group": True},
    "input": {"name": False, "data_type": False, "dims": True},
    "output": {"name": False, "data_type": False, "dims": True, "label_filename": False},
    "instance_group": {"kind": False, "count": False},
}  # fmt: skip


@pytest.fixture(scope="module")
def exported(bundle_in, tmp_path_factory) -> Callable[..., Path]:
    """exported(kind): the folder of an exported bundle, made once."""
    folder = tmp_path_factory.mktemp("deployed")

    def make(kind: str = "classifier") -> Path:
        out = folder / f"{kind}-onnx"
        if not out.exists():
            write(read(bundle_in(folder / kind, kind)), "onnx", out)
        return out

    return make


def protobuf(text: str) -> dict[str, Any]:
    """A message of protobuf's text format, by FIELDS."""
    tokens = iter(re.findall(r'"[^"]*"|[\w.+-]+|[{}\[\]:,]', text))
    return _message(tokens, "")


def _message(tokens: Iterator[str], kind: str) -> dict[str, Any]:
    message: dict[str, Any] = {}
    for field in tokens:
        if field == "}":
            break
        if field == ",":
            continue
        repeats = FIELDS[kind][field]
        token = next(tokens)
        token = next(tokens) if token == ":" else token
        values = _list(tokens, field) if token == "[" else [_value(token, tokens, field)]
        if repeats:
            message.setdefault(field, []).extend(values)
        else:
            assert field not in message
            (message[field],) = values
    return message


def _list(tokens: Iterator[str], field: str) -> list[Any]:
    values = []
    for token in tokens:
        if token == "]":
            break
        if token != ",":
            values.append(_value(token, tokens, field))
    return values


def _value(token: str, tokens: Iterator[str], field: str) -> Any:
    if token == "{":
        return _message(tokens, field)
    return token.strip('"') if not re.fullmatch(r"-?\d+", token) else int(token)


# === Triton ===


@pytest.mark.parametrize("kind", ["classifier", "mask_rcnn"])
def test_triton_is_given_what_the_network_takes_and_gives(kind, exported, tmp_path):
    assert main(["deploy", str(exported(kind)), str(tmp_path / "out"), "--for", "triton"]) == 0
    folder = tmp_path / "out" / NAME
    config = protobuf((folder / "config.pbtxt").read_text())
    assert (config["name"], config["backend"], config["max_batch_size"]) == (NAME, "onnxruntime", 0)
    assert config["instance_group"] == [{"kind": "KIND_CPU", "count": 1}]
    (photos,) = config["input"]
    network = onnxruntime.InferenceSession(str(folder / "1" / "model.onnx"))
    pixels = np.zeros(photos["dims"], DTYPES[photos["data_type"]])
    names = [each["name"] for each in config["output"]]
    assert {*names} == {each.name for each in network.get_outputs()}
    for declared, value in zip(
        config["output"], network.run(names, {photos["name"]: pixels}), strict=True
    ):
        assert value.dtype == DTYPES[declared["data_type"]]
        assert len(declared["dims"]) == value.ndim
        sides = zip(declared["dims"], value.shape, strict=True)
        assert all(side in (-1, real) for side, real in sides)
    around = json.loads((folder / "around.json").read_text())
    assert {*names} <= {*around["outputs"]}
    assert around["size"] == photos["dims"][1]


def test_what_lies_around_it_is_enough_for_the_verdict(exported, tmp_path):
    main(["deploy", str(exported()), str(tmp_path / "out"), "--for", "triton"])
    folder = tmp_path / "out" / NAME
    around = json.loads((folder / "around.json").read_text())
    assert (folder / "labels.txt").read_text().splitlines() == around["classes"]
    network = onnxruntime.InferenceSession(str(folder / "1" / "model.onnx"))
    for image in PHOTOS:
        size, pixels = around["size"], pixels_of(image)
        shrunk = [min(side, size) for side in pixels.shape[1::-1]]
        pixels = cv2.resize(pixels, shrunk, interpolation=cv2.INTER_AREA)
        pixels = cv2.resize(pixels, (size, size), interpolation=cv2.INTER_LINEAR)
        (proba,) = network.run(["proba"], {"photos": pixels[None]})
        weights = proba[0].astype(np.float64) ** (1 / around["temperature"])
        weights /= weights.sum()
        decision = "good" if weights[0] >= around["reject_below"] else "to_person"
        if 1 - weights[0] >= around["sorting_threshold"]:
            decision = "defect"
        verdict = read(exported()).judge_one(image)
        assert decision == verdict.decision
        assert weights == pytest.approx([*verdict.probabilities.values()], abs=1e-6)


# === KServe ===


def service(folder: Path) -> dict[str, Any]:
    content = yaml.safe_load((folder / "service.yaml").read_text())
    assert {*content} == {"apiVersion", "kind", "metadata", "spec"}
    assert content["apiVersion"] == "serving.kserve.io/v1beta1"
    assert content["kind"] == "InferenceService"
    assert re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", content["metadata"]["name"])
    assert all(isinstance(value, str) for value in content["metadata"]["annotations"].values())
    assert {*content["spec"]} == {"predictor"}
    return content["spec"]["predictor"]


def test_kserve_runs_the_network_from_the_repository_beside_it(exported, tmp_path, capsys):
    out, uri = tmp_path / "out", "s3://models/line-3"
    words = ["deploy", str(exported()), str(out), "--for", "kserve", "--storage-uri", uri]
    assert main(words) == 0
    model = service(out)["model"]
    assert model["modelFormat"] == {"name": "onnx", "version": "1"}
    assert (model["protocolVersion"], model["storageUri"]) == ("v2", uri)
    assert (out / "models" / NAME / "1" / "model.onnx").is_file()
    assert f"copy {out / 'models'} to {uri}" in capsys.readouterr().out


def test_kserve_runs_our_image_with_the_bundle(exported, tmp_path):
    out, uri = tmp_path / "out", 'pvc://a"b'
    words = ["deploy", str(exported()), str(out), "--for", "kserve", "--storage-uri", uri]
    assert main([*words, "--image", "registry/anomaly:serve"]) == 0
    assert [each.name for each in out.iterdir()] == ["service.yaml"]
    (container,) = service(out)["containers"]
    assert container["name"] == "kserve-container"
    assert container["image"] == "registry/anomaly:serve"
    assert container["env"] == [{"name": "STORAGE_URI", "value": uri}]
    assert container["ports"] == [{"containerPort": 8080, "protocol": "TCP"}]
    assert all(isinstance(word, str) for word in container["args"])
    assert container["args"][0] == "/mnt/models"
    assert container["readinessProbe"]["httpGet"] == {"path": "/health/ready", "port": 8080}


def test_the_image_is_started_with_options_that_serve_knows(exported, tmp_path):
    from anomaly.serve.command import _parser

    out = tmp_path / "out"
    words = ["deploy", str(exported()), str(out), "--for", "kserve", "--storage-uri", "pvc://a"]
    main([*words, "--image", "registry/anomaly:serve"])
    options = _parser().parse_args(service(out)["containers"][0]["args"])
    assert (options.model, options.host, options.port) == ("/mnt/models", "0.0.0.0", 8080)


# === Names and refusals ===


@pytest.mark.parametrize("name, expected", [
    ("bottle-mobilenetv2", "bottle-mobilenetv2"),
    ("Bottle_Tiny, lr=0.1", "bottle-tiny-lr-0-1"),
    ("3d/print", "d-print"),
    ("a" * 39 + "-" + "b" * 60, "a" * 39),
    ("瓶子", "model-01234567"),
])  # fmt: skip
def test_names_become_those_that_kubernetes_takes(name, expected, exported):
    about = read(exported()).about
    named: About = replace(about, run={**about.run, "name": name}, digest="0123456789")
    assert legal(named) == expected


def test_a_name_that_changes_is_announced(exported, tmp_path, capsys, reseal):
    folder = Path(shutil.copytree(exported(), tmp_path / "copy"))
    reseal(folder, run={"id": "0" * 32, "name": "Demo Tiny"})
    main(["deploy", str(folder), str(tmp_path / "out"), "--for", "triton"])
    assert capsys.readouterr().out.startswith("Demo Tiny is called demo-tiny there")


@pytest.mark.parametrize("kind, fields, words, sentence", [
    ("bovw", {}, ["--for", "triton"], "holds no ONNX network (it is a bovw for keras)"),
    ("bovw", {"ensemble": True}, ["--for", "triton"], "is an ensemble, and these servers run one"),
    ("classifier", {"runtime": "litert"}, ["--for", "triton"], "(it is a classifier for litert)"),
    ("classifier", {}, ["--for", "kserve"], "--for kserve needs --storage-uri"),
    ("classifier", {}, ["--for", "kserve", "--storage-uri", "models"], "needs --storage-uri"),
    ("classifier", {}, ["--for", "triton", "--image", "a"], "are for --for kserve"),
])  # fmt: skip
def test_what_cannot_be_deployed_is_a_sentence(
    kind, fields, words, sentence, bundle_in, tmp_path, capsys
):
    bundle = bundle_in(tmp_path / "bundle", kind, **fields)
    assert main(["deploy", str(bundle), str(tmp_path / "out"), *words]) == 1
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_folder_that_exists_and_a_damaged_network_are_sentences(
    exported, tmp_path, capsys, reseal
):
    folder = Path(shutil.copytree(exported(), tmp_path / "copy"))
    words = ["deploy", str(folder), str(tmp_path / "out"), "--for", "triton"]
    (folder / "network.onnx").write_bytes(b"nothing")
    reseal(folder)
    assert main(words) == 1
    assert "cannot be read" in capsys.readouterr().err
    (tmp_path / "out").mkdir()
    assert main(words) == 1
    assert "exists already" in capsys.readouterr().err
