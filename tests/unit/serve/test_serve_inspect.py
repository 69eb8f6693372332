"""POST /inspect: what the inspector says, in every form in which it can be asked."""

from __future__ import annotations

import io
import json
import threading
import zlib
from base64 import b64decode

import cv2
import numpy as np
import pytest
from PIL import Image

from anomaly.data.images import photo
from anomaly.inspector.bundle import read
from anomaly.inspector.folder.picture import thumbnail
from anomaly.masks.runs import from_runs

from .conftest import ABOUT, PHOTO

SCRATCH = PHOTO.read_bytes()


@pytest.fixture(scope="module")
def verdict(exported):
    return read(exported, threads=1).judge_one(photo(SCRATCH))


def test_the_answer_is_the_inspectors_verdict(client, exported, verdict):
    said = client("POST", "/inspect", SCRATCH).json
    assert said["verdict"] == verdict.decision == "defect"
    assert (said["defect"], said["probability"]) == (verdict.defect, verdict.probability)
    assert (said["score"], said["probabilities"]) == (verdict.score, verdict.probabilities)
    assert [tuple(box.values()) for box in said["boxes"]] == [tuple(box) for box in verdict.boxes]
    assert np.array_equal(from_runs(said["mask"]), verdict.mask)
    assert said["milliseconds"] > 0
    digest = json.loads((exported / "inspector.json").read_text())["digest"]
    assert said["model"] == {"name": "demo-tiny", "version": "0" * 32, "digest": digest}


def test_a_form_and_raw_bytes_of_any_declared_type_are_answered_alike(client):
    raw = client("POST", "/inspect", SCRATCH).json
    others = [
        client.form("/inspect", photo=SCRATCH),
        client("POST", "/inspect", SCRATCH, Content_Type="application/x-www-form-urlencoded"),
        client("POST", "/inspect", SCRATCH, Content_Type="image/png"),
    ]
    for other in others:
        assert other.json | {"milliseconds": 0} == raw | {"milliseconds": 0}


def test_the_overlay_is_the_picture_of_a_judged_folder(client, verdict):
    pixels = np.asarray(Image.open(PHOTO).convert("RGB"))
    jpeg = client("POST", "/inspect", SCRATCH, Accept="text/html, image/jpeg;q=0.9")
    assert jpeg.content == thumbnail(pixels, verdict)
    png = client("POST", "/inspect", SCRATCH, Accept="image/png")
    both = [
        cv2.imdecode(np.frombuffer(each.content, np.uint8), cv2.IMREAD_COLOR)
        for each in (jpeg, png)
    ]
    assert png.headers["content-type"] == "image/png" and np.array_equal(*both)
    assert (jpeg.headers["x-verdict"], jpeg.headers["x-defect"]) == ("defect", verdict.defect)
    assert float(jpeg.headers["x-score"]) == verdict.score


def test_the_heat_is_a_picture_of_the_grid(client, verdict):
    heat = client("POST", "/inspect?heat=true", SCRATCH).json["heat"]
    grey = np.asarray(Image.open(io.BytesIO(b64decode(heat))))
    assert np.abs(grey / 255 - verdict.heat).max() <= 0.5 / 255 + 1e-6


def test_a_threshold_holds_for_its_request_alone(client, verdict):
    above = (1 - verdict.probabilities["good"] + 1) / 2
    assert client("POST", f"/inspect?threshold={above}", SCRATCH).json["verdict"] != "defect"
    assert client("POST", "/inspect", SCRATCH).json["verdict"] == "defect"
    assert "threshold" in client("POST", "/inspect?threshold=1.5", SCRATCH).error
    assert client("POST", "/inspect?threshold=nan", SCRATCH).status == 422


def huge() -> bytes:
    """A PNG of 200 million pixels and more."""
    header = b"IHDR" + (20000).to_bytes(4, "big") + (10001).to_bytes(4, "big") + b"\x08\0\0\0\0"
    chunk = (13).to_bytes(4, "big") + header + zlib.crc32(header).to_bytes(4, "big")
    return b"\x89PNG\r\n\x1a\n" + chunk + SCRATCH[33:]


@pytest.mark.parametrize(
    "body, words",
    [
        (b"", "empty"),
        (b"no photo at all", "not an image"),
        (SCRATCH[: len(SCRATCH) // 2], "truncated"),
        (huge(), "200 million"),
    ],
    ids=["empty", "text", "cut off", "200 million pixels"],
)
def test_what_is_no_photo_is_named_in_one_sentence(client, body, words):
    raw, form = client("POST", "/inspect", body), client.form("/inspect", photo=body)
    assert raw.status == form.status == 422
    assert words in raw.error and raw.error == form.error


def test_other_requests_are_refused_in_the_same_form(client):
    assert client("GET", "/nowhere").status == client("GET", "/inspect/x").status == 404
    assert client("PUT", "/inspect", b"x").status == 405
    assert client("PUT", "/inspect", b"x").headers["allow"] == "POST"
    assert client("POST", "/inspect", b"{}", Content_Type="application/json").status == 415
    assert "photo" in client.form("/inspect", picture=SCRATCH).error
    assert "photo" in client.form("/inspect", photo="text").error
    damaged = client("POST", "/inspect", b"--x", Content_Type="multipart/form-data; boundary=edge")
    assert damaged.status == 400 or damaged.status == 422
    assert damaged.error and client("GET", "/nowhere").error
    no_edge = client("POST", "/inspect", b"--x", Content_Type="multipart/form-data")
    assert no_edge.status == 400 and "form" in no_edge.error


def test_a_page_of_another_site_may_send_nothing(client):
    assert client("POST", "/inspect", SCRATCH, Sec_Fetch_Site="cross-site").status == 403
    assert client("POST", "/inspect", SCRATCH, Sec_Fetch_Site="same-origin").status == 200


def test_many_clients_get_a_verdict_or_are_asked_to_come_again(started):
    client = started(threads=1, queue=2)
    answers: list = []
    threads = [
        threading.Thread(target=lambda: answers.append(client("POST", "/inspect", SCRATCH)))
        for _ in range(60)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status for answer in answers} == {200, 503}
    for answer in answers:
        if answer.status == 503:
            assert int(answer.headers["retry-after"]) >= 1 and "try again" in answer.error
    assert client("POST", "/inspect", SCRATCH).status == 200


def test_what_takes_too_long_is_late_or_judged_and_never_half_done(started):
    answer = started(seconds=0.001)("POST", "/inspect", SCRATCH)
    assert answer.status == 200 or (answer.status in (408, 503) and answer.error)


@pytest.mark.parametrize("query", ["treshold=0.1", "threshold=0.3&views=1"])
def test_an_unknown_parameter_is_named(query, client):
    answer = client("POST", f"/inspect?{query}", SCRATCH)
    assert answer.status == 422 and "is not known; give threshold or heat" in answer.error


def test_classes_are_those_of_the_bundle(client):
    assert list(client("POST", "/inspect", SCRATCH).json["probabilities"]) == ABOUT.classes
