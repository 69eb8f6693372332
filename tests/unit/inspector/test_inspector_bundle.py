"""A bundle that is newer, cut off, tampered with or foreign is refused in one sentence."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from anomaly.cli import main
from anomaly.errors import InputError
from anomaly.inspector.about import FORMAT, digest_of
from anomaly.inspector.bundle import LARGEST, MEMBERS, read
from anomaly.inspector.fields import FIELDS

SAVED = Path(__file__).parents[2] / "saved"
PHOTO = SAVED / "good_001.png"
FILES = ("bovw.json", "bovw.npz", "MODEL_CARD.md", "inspector.json")
GOOD, NAN = "good", float("nan")


def refused(folder: Path, match: str = ".") -> str:
    """The sentence with which it is refused."""
    with pytest.raises(InputError, match=match) as caught:
        read(folder)
    sentence = str(caught.value)
    assert folder.name in sentence and "\n" not in sentence
    return sentence


def test_a_whole_bundle_is_read(bundle):
    inspector = read(bundle)
    assert inspector.classes == (GOOD, "hole", "scratch", "stain")
    assert inspector.point == inspector.about.point


def test_a_bundle_may_move(bundle, tmp_path):
    before = read(bundle).about
    moved = Path(shutil.move(bundle, tmp_path / "another name"))
    assert read(moved).about == before


# === inspector.json ===


def test_a_bundle_of_an_earlier_version_is_read(bundle):
    path = bundle / "inspector.json"
    content = json.loads(path.read_text()) | {"format": 1}
    del content["runtime"], content["golden"]
    path.write_text(json.dumps(content | {"digest": digest_of(content)}))
    assert read(bundle).about.runtime == "keras"


@pytest.mark.parametrize("number", [FORMAT + 1, 10**30])
def test_a_newer_format_asks_for_a_newer_version(number, bundle):
    content = json.loads((bundle / "inspector.json").read_text())
    (bundle / "inspector.json").write_text(json.dumps({"format": number, "new": content}))
    refused(bundle, rf"format {number}, .*install a newer anomaly")


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "7", '"format"', "null", "[" * 100_000, '{"format": 1e999}', "\udcff"),
        *('{"format": "1"}', '{"format": 0}', '{"format": -1}', '{"format": true}'),
        *('{"format": null}', '{"format": 1.5}', '{"format": ' + "9" * 5000 + "}"),
    ],
)
def test_another_file_under_its_name_is_refused(text, bundle):
    (bundle / "inspector.json").write_bytes(text.encode(errors="surrogateescape"))
    refused(bundle, "is damaged|cannot be read")


def test_a_file_that_is_cut_off_anywhere_is_refused(bundle):
    whole = (bundle / "inspector.json").read_bytes()
    for length in range(0, len(whole) - 2, 97):
        (bundle / "inspector.json").write_bytes(whole[:length])
        refused(bundle, "is damaged")


@pytest.mark.parametrize("what", ["nothing", "folder", "link", "pipe", "huge"])
def test_what_is_no_file_or_has_no_end_is_not_read(what, bundle):
    path = bundle / "inspector.json"
    path.unlink()
    if what == "folder":
        path.mkdir()
    if what == "link":
        path.symlink_to("/dev/zero")
    if what == "pipe":
        os.mkfifo(path)
    if what == "huge":
        path.touch()
        os.truncate(path, LARGEST + 1)
    refused(bundle, "is no bundle")


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_that_is_missing_or_null_is_named(name, bundle, reseal):
    content = json.loads((bundle / "inspector.json").read_text())
    if name != "digest":
        reseal(bundle, **{name: None})
        refused(bundle, rf"wrong {name}, which must be ")
        content.pop(name)
        (bundle / "inspector.json").write_text(json.dumps(content))
        reseal(bundle) if name != "files" else None
        refused(bundle, f"lacks {name}|does not match its digest")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("kind", value) for value in (7, "", "../bovw", "os.path", ["bovw"])),
        *(("ensemble", value) for value in (0, "yes")),
        ("category", 7),
        *(("classes", value) for value in ("good", [], [GOOD], [GOOD, GOOD], [GOOD, 7])),
        *(("classes", value) for value in (["bad", GOOD], [GOOD, ""], {GOOD: 1, "bad": 2})),
        *(("grid", value) for value in (0, -64, 31, 10**9, 64.0, "64", True, NAN)),
        *(("temperature", value) for value in (0, -1.0, NAN, float("inf"), "1", True)),
        *(("sorting_threshold", value) for value in (-0.1, 1.1, NAN, None, "0.5", True)),
        *(("reject_below", value) for value in (-0.1, 1.1, NAN, [0.5])),
        *(("validate_scores", value) for value in (7, [NAN] * 4, ["0.5"] * 4, [True] * 4, [0.5])),
        *(("validate_defective", value) for value in ([0, 0, 1, 1], "no", [True])),
        *(("figures", value) for value in ([], {"test/accuracy": NAN}, {"a": "1"}, {"a": None})),
        *(("outcomes", value) for value in ([], {"a": 1})),
        *(("run", value) for value in ({}, {"id": "1"}, {"id": "", "name": "n"}, {"id": 1, "name": 2})),
        *(("versions", value) for value in ([], {"numpy": 2})),
        *(("created", 7), ("evidence", 7), ("files", []), ("files", {"bovw.json": 7})),
    ],
)  # fmt: skip
def test_a_field_of_another_type_or_out_of_range_is_named(name, value, bundle, reseal):
    reseal(bundle, **{name: value})
    assert name in refused(bundle, "cannot be used: its inspector.json has ")


def test_a_changed_field_does_not_match_the_digest(bundle):
    path = bundle / "inspector.json"
    path.write_text(path.read_text().replace('"sorting_threshold": 0.78', '"sorting_threshold": 1'))
    refused(bundle, "was changed: inspector.json does not match its digest")


# === The other files ===


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("how", ["changed", "cut", "longer", "empty", "gone"])
def test_a_file_that_is_not_as_it_was_written_is_named(name, how, bundle):
    path = bundle / name
    data = path.read_bytes()
    middle = len(data) // 2
    other = {
        "changed": data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :],
        "cut": data[:middle],
        "longer": data + b" ",
        "empty": b"",
    }
    path.unlink()
    if how != "gone":
        path.write_bytes(other[how])
    if (name, how) == ("inspector.json", "longer"):
        read(bundle)  # space after JSON means nothing
        return
    assert name in refused(bundle)


@pytest.mark.parametrize("name", ["x.py", ".hidden", "sub/x.bin", "inspector.json.orig", "sub/inspector.json"])  # fmt: skip
def test_a_file_more_is_refused(name, bundle):
    (bundle / name).parent.mkdir(exist_ok=True)
    (bundle / name).write_text("x")
    refused(bundle, f"holds {name}, which is not part of it")


@pytest.mark.parametrize(
    "name", ["../secret", "/etc/hostname", "sub/../../secret", "..\\secret", "C:\\secret", "a\0b"]
)
def test_a_path_outside_of_it_is_refused(name, bundle, reseal):
    (bundle.parent / "secret").write_text("x")
    files = json.loads((bundle / "inspector.json").read_text())["files"]
    reseal(bundle, files=files | {name: "0" * 64})
    refused(bundle, "names a file outside of itself|is missing")


def test_a_link_out_of_it_is_refused_even_if_the_digest_matches(bundle, reseal):
    outside = bundle.parent / "outside"
    shutil.move(bundle / "bovw.npz", outside)
    (bundle / "bovw.npz").symlink_to(outside)
    reseal(bundle)
    refused(bundle, "bovw.npz is missing")


def test_a_linked_folder_is_refused_even_if_the_digests_match(bundle, reseal):
    outside = bundle.parent / "outside"
    outside.mkdir()
    (outside / "x").write_text("x")
    (bundle / "sub").symlink_to(outside)
    reseal(bundle)
    refused(bundle, "holds sub, which is not part of it")


# === The model ===


@pytest.mark.parametrize(
    "kind", ["svm", "load", "training", "os", "nothing", "__init__", "soft_vote"]
)
def test_a_kind_that_is_no_learner_is_refused(kind, bundle, reseal):
    reseal(bundle, kind=kind)
    refused(bundle)


def test_classes_that_the_model_does_not_name_are_refused(bundle, reseal):
    reseal(bundle, classes=[GOOD, "scratch", "hole", "stain"])
    refused(bundle, "name different classes")


def with_layer(bundle: Path, **changes: object) -> None:
    """Change the first layer of its network that is not the input."""
    whole = bundle / "model.keras"
    aside = whole.with_suffix(".aside")
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(aside, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "config.json":
                config = json.loads(data)
                layer = config["config"]["layers"][1]
                layer |= changes
                data = json.dumps(config).encode()
            new.writestr(name, data)
    aside.replace(whole)


def test_an_unknown_layer_is_refused(bundle_in, tmp_path, reseal):
    bundle = bundle_in(tmp_path / "network", "classifier")
    read(bundle)
    with_layer(bundle, module="elsewhere", class_name="Strange", registered_name="x>Strange")
    reseal(bundle)
    refused(bundle, "cannot be read")


@pytest.mark.parametrize("module", ["os", "posix", "subprocess", "builtins"])
def test_no_code_is_found_by_its_name(module, bundle_in, tmp_path, reseal):
    bundle, proof = bundle_in(tmp_path / "network", "classifier"), tmp_path / "proof"
    name = {"subprocess": "run", "builtins": "exec"}.get(module, "system")
    command = f"open({str(proof)!r}, 'w')" if module == "builtins" else f"touch {proof}"
    with_layer(bundle, module=module, class_name=name, registered_name=None,
        config={"command": command, "args": command, "shell": True})  # fmt: skip
    reseal(bundle)
    refused(bundle, "cannot be read")
    assert not proof.exists()


def test_a_lambda_is_refused_and_does_not_run(bundle_in, tmp_path, reseal):
    import keras

    bundle, proof = bundle_in(tmp_path / "network", "classifier"), tmp_path / "proof"
    image = keras.Input((64, 64, 3))
    place = str(proof)  # what a saved lambda may hold
    trap = keras.layers.Lambda(lambda x: (os.makedirs(place, exist_ok=True), x)[1], (64, 64, 3))
    keras.Model(image, trap(image)).save(bundle / "model.keras")
    assert not proof.exists()  # with its output shape given, building did not run it
    reseal(bundle)
    refused(bundle, "cannot be read")
    assert not proof.exists()


# === Ensembles ===


@pytest.fixture
def team(bundle_in, tmp_path) -> Path:
    """Two members alike, by the mean of their probabilities."""
    from dataclasses import replace

    from anomaly.inspector.about import from_text
    from anomaly.inspector.bundle import seal

    folder = tmp_path / "team"
    folder.mkdir()
    for place in "01":
        bundle_in(folder / MEMBERS / place)
    np.savez(folder / "combiner.npz", weights=np.full(2, 0.5))
    member = from_text((folder / MEMBERS / "0" / "inspector.json").read_text(), "")
    seal(folder, replace(member, kind="soft_vote", ensemble=True))
    return folder


def test_an_ensemble_is_read_with_its_members(team):
    assert len(read(team).judge.members) == 2


@pytest.mark.parametrize("kind", ["machine", "fuse", "combiner", "os", "bovw", "meta_learner"])
def test_a_kind_that_is_no_combiner_or_another_is_refused(kind, team, reseal):
    reseal(team, kind=kind)
    refused(team)


@pytest.mark.parametrize(
    "arrays",
    [
        {},
        {"weights": np.full(3, 1 / 3)},
        {"weights": np.array(0.5)},
        {"weights": np.array([{"a": 1}, 2], object)},
    ],
)
def test_a_combiner_of_others_is_refused(arrays, team, reseal):
    np.savez(team / "combiner.npz", **arrays)
    reseal(team)
    refused(team, "the combiner in")


@pytest.mark.parametrize("names", [[], ["0", "x"], ["1", "2"], ["0", "-1"], ["0", "01"]])
def test_members_are_numbered(names, team, reseal):
    for place in "01":
        shutil.move(team / MEMBERS / place, team / place)
    for place, name in zip("01", names, strict=False):
        shutil.move(team / place, team / MEMBERS / name)
    for place in "01":
        shutil.rmtree(team / place, ignore_errors=True)
    reseal(team)
    refused(team, "members are not numbered")


def test_a_member_of_another_grid_is_refused(team, reseal):
    reseal(team / MEMBERS / "1", grid=128)
    reseal(team)
    refused(team, "members of other classes or grids")


def test_a_member_that_was_changed_is_refused(team, reseal):
    path = team / MEMBERS / "1" / "bovw.npz"
    path.write_bytes(path.read_bytes()[:-1])
    reseal(team)
    with pytest.raises(InputError, match=r"members/1 was changed: bovw.npz does not match"):
        read(team)


# === On the command line ===


def test_a_bad_bundle_is_one_sentence_and_exit_code_1(bundle, tmp_path, capsys):
    (bundle / "bovw.npz").write_bytes(b"")
    assert main(["inspect", str(bundle), str(PHOTO), "--out", str(tmp_path / "out")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: the bundle ") and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["../../../evil", "/etc/evil", "a b\n", "ä" * 300])
def test_the_name_in_a_bundle_does_not_choose_where_the_verdicts_go(name, bundle_in, tmp_path):
    bundle = bundle_in(tmp_path / "b", run={"id": "0", "name": name})
    assert main(["inspect", str(bundle), str(PHOTO), "--output", str(tmp_path / "runs")]) == 0
    (folder,) = (tmp_path / "runs" / "inspected").iterdir()
    assert (folder / "verdicts.csv").is_file()
