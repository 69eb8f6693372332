"""The pages: nothing from elsewhere, nothing from outside of a judged folder."""

from __future__ import annotations

import re

import pytest

from anomaly.inspector.folder.command import main as inspect

from .conftest import ABOUT, GOOD, PHOTO


@pytest.fixture(scope="module")
def judged(started, exported, tmp_path_factory):
    folder = tmp_path_factory.mktemp("judged")
    inspect([str(exported), str(PHOTO), str(GOOD), "--out", str(folder / "out")])
    (folder / "secret.png").write_bytes(b"outside")
    (folder / "out" / "link.png").symlink_to(folder / "secret.png")
    (folder / "out" / "linked").symlink_to(folder)
    return started(judged=folder / "out")


@pytest.mark.parametrize("path", ["/", "/page.css", "/page.js", "/docs"])
def test_a_page_asks_no_other_host(client, path):
    answer = client("GET", path)
    assert answer.status == 200
    assert not re.search(
        rb"""(src|href|url\(|import|fetch\()[ =("'`]*(https?:)?//""", answer.content
    )
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self';") and "unsafe" not in policy


def test_every_part_that_the_script_asks_for_is_on_the_page(client):
    page, script = (client("GET", path).content.decode() for path in ("/", "/page.js"))
    asked = {*re.findall(r'\bid\("([a-z0-9]+)"\)', script)} | {"x1", "y1", "x2", "y2"}
    assert asked <= {*re.findall(r'\bid="([a-z0-9]+)"', page)}
    for address in re.findall(r'(?:fetch|send)\("(/[a-z.]+)', script):
        assert client("GET", address).status in (200, 405)


def test_every_input_of_the_page_has_a_label(client):
    page = client("GET", "/").content.decode()
    labelled = {*re.findall(r'<label[^>]* for="(\w+)"', page)}
    inside = {*re.findall(r'<label[^>]*>[^<]*<input id="(\w+)"', page)}
    assert {*re.findall(r'<input id="(\w+)"', page)} == labelled | inside


def test_the_page_knows_what_the_slider_needs(client):
    model = client("GET", "/model.json").json
    assert model["threshold"] == ABOUT.sorting_threshold
    assert model["reject_below"] == ABOUT.reject_below
    assert model["validate"]["scores"] == ABOUT.validate_scores
    assert model["validate"]["defective"] == ABOUT.validate_defective
    assert model["classes"] == ABOUT.classes


def test_programs_find_every_route_described(client):
    schema = client("GET", "/openapi.json").json
    docs = client("GET", "/docs").content.decode()
    for path in (
        "/inspect",
        "/corrections",
        "/metrics",
        "/health/ready",
        "/v2/models/{name}/infer",
    ):
        assert path in schema["paths"] and path in docs
    assert all(
        route.get("summary") for methods in schema["paths"].values() for route in methods.values()
    )


def test_a_judged_folder_is_leafed_through(judged):
    page = judged("GET", "/judged/")
    assert page.status == 200 and b"2 photos judged by demo-tiny" in page.content
    pictures = re.findall(r'src="\./(pictures/[0-9a-f]+\.jpg)"', page.content.decode())
    assert len(pictures) == 2
    for picture in pictures:
        answer = judged("GET", f"/judged/{picture}")
        assert answer.headers["content-type"] == "image/jpeg"
    assert judged("GET", "/model.json").json["judged"] is True


@pytest.mark.parametrize(
    "path",
    ["../secret.png", "..%2fsecret.png", "link.png", "linked/secret.png", "%2fetc/passwd", "pictures",
     ".lock", "inspection.json", "pictures/../../secret.png", "a%00.png", "..%5csecret.png"],
)  # fmt: skip
def test_nothing_outside_of_it_is_sent(judged, path):
    assert judged("GET", f"/judged/{path}").status == 404


def test_without_one_the_option_is_named(client):
    assert "--judged" in client("GET", "/judged/").error
    assert client("GET", "/model.json").json["judged"] is False
