"""`anomaly inspect` from its words to its files, on a bundle that needs no training."""

from __future__ import annotations

import csv
import html
import io
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import cv2
import numpy as np
import pytest
from filelock import FileLock
from PIL import Image as Pillow

from anomaly.cli import main
from anomaly.data.drawn.render import render
from anomaly.data.images import photo
from anomaly.inspector.bundle import check, read
from anomaly.inspector.folder.results import Results
from anomaly.inspector.folder.rows import read_lines
from anomaly.metrics.operating import OperatingPoint

CLASSES = ("good", "hole", "scratch", "stain")


def draw(path: Path, kind: str = "good", index: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Pillow.fromarray(render(kind, 7, index, 64).image).save(path, "PNG")
    return path


@pytest.fixture(scope="module")
def model(bundle_in, tmp_path_factory) -> Path:
    return bundle_in(tmp_path_factory.mktemp("model") / "bundle")


@pytest.fixture
def parts(tmp_path) -> Path:
    """Two parts of each of three classes, all in one folder."""
    for kind in CLASSES[:3]:
        for index in range(2):
            draw(tmp_path / "parts" / f"{kind}{index}.png", kind, index)
    return tmp_path / "parts"


@pytest.fixture
def out(tmp_path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def inspect(model, out, capsys):
    """inspect(photos, ..., code=0) runs the command and returns what it printed."""

    def run(*words: object, code: int = 0, to: Path = out) -> str:
        capsys.readouterr()
        assert main(["inspect", str(model), *map(str, words), "--out", str(to)]) == code
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err and "Logging error" not in printed.err
        return printed.err if code == 1 else printed.out

    return run


def table(out: Path) -> list[dict[str, str]]:
    with (out / "verdicts.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def by_name(out: Path) -> dict[str, dict[str, str]]:
    return {Path(row["file"]).name: row for row in table(out)}


# === The files ===


def test_the_table_begins_as_it_is_documented(inspect, parts, out):
    inspect(parts)
    head = (out / "verdicts.csv").read_text().splitlines()[0]
    assert head.startswith("file,verdict,defect,probability,score,")
    assert [row["file"] for row in table(out)] == sorted(str(path) for path in parts.iterdir())


def test_every_row_is_the_verdict_of_the_loaded_bundle_to_the_last_bit(inspect, parts, out, model):
    inspect(parts)
    verdicts = read(model).inspect([photo(path) for path in sorted(parts.iterdir())])
    rows = read_lines(out / "verdicts.jsonl")
    for row, line, verdict in zip(rows, table(out), verdicts, strict=True):
        assert (row.file, row.verdict, row.defect) == (
            verdict.id, verdict.decision, verdict.defect or "",
        )  # fmt: skip
        assert row.probabilities == verdict.probabilities
        assert (row.probability, row.score) == (verdict.probability, verdict.score)
        assert [float(line[f"probability {name}"]) for name in CLASSES] == [
            verdict.probabilities[name] for name in CLASSES
        ]
        assert [float(line[name]) for name in ("probability", "score")] == [
            verdict.probability, verdict.score,
        ]  # fmt: skip
        assert row.model["digest"] == read(model).about.digest


def test_the_page_shows_every_photo_and_its_addresses_lead_to_files(inspect, parts, out):
    inspect(parts)
    text = (out / "index.html").read_text()
    addresses = [
        unquote(html.unescape(each)) for each in re.findall(r'(?:src|href)="(\./[^"]+)"', text)
    ]
    files = {(out / address).resolve() for address in addresses}
    assert {path.resolve() for path in parts.iterdir()} <= files
    assert all(file.is_file() for file in files)
    assert len(list((out / "pictures").iterdir())) == 6


def test_the_summary_counts_and_the_log_has_a_line_for_each(inspect, parts, out):
    printed = inspect(parts)
    assert re.search(r"^photos +6: \d ", printed, re.MULTILINE)
    assert re.search(r"^time +\d+ ms a photo", printed, re.MULTILINE)
    assert str(out / "index.html") in printed
    lines = (out / "inspect.log").read_text().splitlines()
    assert [line.split(" ")[2] for line in lines] == [f"{place}/6" for place in range(1, 7)]


# === Which photos ===


def test_files_folders_patterns_and_a_list_may_be_mixed(inspect, parts, out, monkeypatch):
    listed = f"{parts}/hole0.png\n{parts}/hole1.png\n".encode()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(listed)))
    inspect(parts / "good1.png", f"{parts}/scratch*.png", "-")
    assert [Path(row["file"]).name for row in table(out)] == [
        "good1.png", "scratch0.png", "scratch1.png", "hole0.png", "hole1.png",
    ]  # fmt: skip


@pytest.mark.parametrize("words", [("nothing",), ("EMPTY",), ("EMPTY/*.png",)])
def test_no_photo_is_a_sentence(words, inspect, tmp_path, out):
    (tmp_path / "EMPTY").mkdir()
    error = inspect(*(str(tmp_path / word) for word in words), code=1)
    assert error.startswith("error: ") and error.count("\n") == 1
    assert not out.exists()


def test_results_inside_the_photos_are_not_inspected_the_next_time(inspect, parts):
    for out in (parts / "one", parts / "two", parts / "one"):
        inspect(parts, to=out)
        assert len(table(out)) == 6


NAMES = (
    b"a b.png", b"it's \"x\", y.png", "Gr\u00fc\u00dfe \u96ea.png".encode(), b"two\nlines.png",
    b"\xff\xfe.png", b"<script>alert(1)<!--.png", b"100%25#?.png", b"-x.png", b"=1+1.png",
)  # fmt: skip


def test_any_name_of_a_file_is_kept_in_one_row_and_harms_no_page(inspect, tmp_path, out):
    for index, name in enumerate(NAMES):
        draw(tmp_path / "odd" / os.fsdecode(name), index=index)
    printed = inspect(tmp_path / "odd")
    files = {os.fsencode(Path(row.file).name) for row in read_lines(out / "verdicts.jsonl")}
    assert files == set(NAMES)
    assert len(table(out)) == len(NAMES) and all(row["digest"] for row in table(out))
    assert {"two\nlines.png", "\\xff\\xfe.png", 'it\'s "x", y.png'} <= set(by_name(out))
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    addresses = re.findall(r'href="(\./[^"]+)"', page)
    found = {(os.fsencode(out) + b"/" + unquote_bytes(each)) for each in addresses}
    assert {os.path.realpath(each) for each in found} >= {
        os.path.realpath(os.fsencode(tmp_path / "odd") + b"/" + name) for name in NAMES
    }
    assert len((out / "inspect.log").read_text(encoding="utf-8").splitlines()) == len(NAMES)
    assert f"{len(NAMES)}: " in printed


def unquote_bytes(address: str) -> bytes:
    from urllib.parse import unquote_to_bytes

    return unquote_to_bytes(html.unescape(address))


def test_the_results_may_lie_in_a_folder_of_any_name(inspect, parts, tmp_path):
    to = tmp_path / os.fsdecode(b"o\xff \n <b>")
    inspect(parts / "good0.png", to=to)
    assert len(table(to)) == 1


# === Bad and unusual photos ===


def test_a_bad_file_goes_to_a_person_with_its_reason_and_the_others_are_judged(inspect, parts, out):
    whole = (parts / "good0.png").read_bytes()
    bad = {"bad0.png": b"", "bad1.png": b"hello", "good1.png": whole[:1500]}
    for name, data in bad.items():
        (parts / name).write_bytes(data)
    printed = inspect(parts, code=0)
    rows = by_name(out)
    assert len(rows) == 8
    for name, row in rows.items():
        assert bool(row["reason"]) == (name in bad)
        assert row["verdict"] == "to_person" or not row["reason"]
        assert (row["score"] == "") == (name in bad) and row["digest"]
    assert re.search(r"^photos +8: .*3 unreadable", printed, re.MULTILINE)
    assert "empty file" in (out / "index.html").read_text()


def test_grey_deep_and_turned_photos_are_judged_as_their_upright_rgb(inspect, tmp_path, out):
    rgb = render("scratch", 7, 0, 64).image
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    folder = tmp_path / "kinds"
    folder.mkdir()
    exif = Pillow.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    Pillow.fromarray(rgb).save(folder / "rgb.png")
    Pillow.fromarray(np.rot90(rgb)).save(folder / "rgb-turned.png", exif=exif)
    Pillow.fromarray(np.rot90(rgb)).save(folder / "not turned.png")
    Pillow.fromarray(np.dstack([rgb, rgb[..., 0]])).save(folder / "rgb-alpha.png")
    Pillow.fromarray(rgb).save(folder / "rgb.tif")
    Pillow.fromarray(rgb).save(folder / "rgb.bmp")
    Pillow.fromarray(np.dstack([grey] * 3)).save(folder / "grey-as-rgb.png")
    Pillow.fromarray(grey).save(folder / "grey.png")
    cv2.imwrite(str(folder / "grey-16.png"), grey.astype(np.uint16) * 257)
    cv2.imwrite(str(folder / "grey-16.tif"), grey.astype(np.uint16) * 257)
    inspect(folder)
    rows = {Path(row.file).name: row for row in read_lines(out / "verdicts.jsonl")}
    assert len(rows) == 10
    assert rows.pop("not turned.png").probabilities != rows["rgb.png"].probabilities
    for name, row in rows.items():
        same = rows["rgb.png" if name.startswith("rgb") else "grey-as-rgb.png"]
        assert row.probabilities == same.probabilities, name
        assert row.mask == same.mask, name


# === Exit code and thresholds ===


def test_only_a_sorted_out_part_fails_the_command(inspect, parts, tmp_path):
    assert inspect(parts, "--threshold", "0", "--fail-on-defect", code=3, to=tmp_path / "all")
    assert {row["verdict"] for row in table(tmp_path / "all")} <= {"defect", "to_person"}
    inspect(parts, "--threshold", "0", to=tmp_path / "all")
    inspect(parts, "--threshold", "1", "--fail-on-defect", to=tmp_path / "none")
    assert {row["verdict"] for row in table(tmp_path / "none")} <= {"good", "to_person"}


def test_a_part_that_goes_to_a_person_fails_no_command(inspect, tmp_path):
    (tmp_path / "x.png").write_bytes(b"no photo")
    inspect(tmp_path / "x.png", "--fail-on-defect")


@pytest.mark.parametrize(
    ("words", "threshold"),
    [
        ((), "0.78"),
        (("--threshold", "0.75"), "0.75"),
        (("--threshold", "1"), "1"),
        (("--max-escape-rate", "0.5"), "0.85"),
        (("--max-escape-rate", "1"), "0.85"),
    ],
)
def test_a_threshold_comes_with_what_it_means_on_validate(
    words, threshold, inspect, parts, out, model
):
    printed = inspect(parts, *words)
    inspector = read(model).with_threshold(float(threshold))
    meaning = f"from a probability of a defect of {threshold}: {inspector.about.on_validate(inspector.point)}"
    assert meaning in printed
    assert meaning.replace("'", "&#39;") in (out / "index.html").read_text()
    for row in read_lines(out / "verdicts.jsonl"):
        below = "to_person" if 1 - row.score < inspector.point.reject_below else "good"
        assert row.verdict == ("defect" if row.score >= float(threshold) else below)


def test_validate_is_counted_by_the_verdicts_it_would_get(model):
    about = replace(
        check(model),
        validate_scores=[0.05, 0.3, 0.2, 0.9],
        validate_defective=[False, False, True, True],
    )
    assert about.on_validate(OperatingPoint(1, 0.5, 0.9)) == (
        "of validate's 2 defective parts 1 are sorted out, 1 go to a person and 0 pass as good;"
        " of its 2 good ones 0 are sorted out and 1 go to a person"
    )


def test_results_speak_of_the_photos_of_this_command_whatever_was_judged_before(
    inspect, parts, tmp_path, out
):
    first, second = sorted(path for path in parts.rglob("*.png"))[:2]
    assert "photos       1: " in inspect(first)
    assert "photos       1: " in inspect(second)
    assert "photos       1: " in inspect(os.path.relpath(second))  # the same, typed otherwise
    assert len(read_lines(out / "verdicts.jsonl")) == 2


def test_two_inspections_do_not_write_into_one_folder(inspect, parts, out):
    inspect(parts)
    with FileLock(out / ".lock"):
        assert "another inspection is writing into" in inspect(parts, code=1)


@pytest.mark.parametrize("value", ["-0.1", "1.1", "nan", "x", "", "inf"])
@pytest.mark.parametrize("option", ["--threshold", "--max-escape-rate"])
def test_a_threshold_is_a_share(option, value, model, parts, capsys):
    with pytest.raises(SystemExit) as end:
        main(["inspect", str(model), str(parts), f"{option}={value}"])
    assert end.value.code == 2
    assert f"{option}: {value} is not a number from 0 to 1" in capsys.readouterr().err


def in_class_folders(folder: Path) -> Path:
    for kind in CLASSES[:3]:
        for index in range(3):
            draw(folder / kind / f"{index}.png", kind, index)
    return folder


def test_at_another_threshold_the_run_promised_nothing_of_sorting(inspect, tmp_path):
    parts = in_class_folders(tmp_path / "delivery")
    promised = inspect(parts, to=tmp_path / "as promised")
    other = inspect(parts, "--threshold", "0.9", to=tmp_path / "otherwise")
    for printed in (promised, other):
        assert re.search(r"^acceptance +The promise|^acceptance +9 photos", printed, re.MULTILINE)
        assert "Accuracy: " in printed
    assert "Sorting escape rate: " in promised and "Sorting overkill rate: " in promised
    assert "Sorting escape rate: " not in other and "Sorting overkill rate: " not in other
    page = (tmp_path / "otherwise" / "index.html").read_text()
    assert "sorting escape rate" in page  # what it is here is shown


def test_photos_that_no_folder_names_are_no_acceptance_test(inspect, parts):
    assert "acceptance" not in inspect(parts)


# === Going on ===


def test_the_same_command_again_judges_nothing_twice(inspect, parts, out):
    inspect(parts)
    before = (out / "verdicts.jsonl").read_bytes(), (out / "verdicts.csv").read_bytes()
    inspect(parts)
    assert ((out / "verdicts.jsonl").read_bytes(), (out / "verdicts.csv").read_bytes()) == before


def test_new_and_changed_photos_are_judged_and_replace_their_row(inspect, parts, out):
    inspect(parts)
    draw(parts / "new.png", "stain")
    draw(parts / "good0.png", "stain", 1)
    inspect(parts)
    lines = read_lines(out / "verdicts.jsonl")
    assert [Path(row.file).name for row in lines[6:]] == ["good0.png", "new.png"]
    assert len(table(out)) == 7 and by_name(out)["good0.png"]["digest"] == lines[6].digest


@pytest.mark.parametrize("kept", [1, 200, -1])
def test_a_line_that_was_cut_off_is_judged_again(kept, inspect, parts, out):
    inspect(parts)
    path = out / "verdicts.jsonl"
    whole = read_lines(path)
    data = path.read_bytes()
    path.write_bytes(data[:kept])
    (out / "verdicts.csv").unlink()
    inspect(parts)
    again = read_lines(path)
    assert path.read_bytes().count(b"\n") == 6 == len(table(out))
    assert {(row.file, row.digest, row.score) for row in again} == {
        (row.file, row.digest, row.score) for row in whole
    }


@pytest.mark.parametrize("name", ["inspection.json", "verdicts.jsonl"])
@pytest.mark.parametrize("text", ["[]\n", "{}\n", "\udcff\n"])
def test_a_damaged_folder_is_refused_and_stays(name, text, inspect, parts, out):
    inspect(parts)
    data = text.encode(errors="surrogateescape")
    (out / name).write_bytes(data)
    error = inspect(parts, code=1)
    assert f"{name} is damaged" in error and error.count("\n") == 1
    assert (out / name).read_bytes() == data


def test_another_model_or_threshold_is_refused_in_the_same_folder(
    inspect, parts, out, bundle_in, tmp_path, capsys
):
    inspect(parts)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert "another model, or at other thresholds" in inspect(parts, "--threshold", "0.4", code=1)
    other = bundle_in(tmp_path / "other", created="2026-11-28")
    assert main(["inspect", str(other), str(parts), "--out", str(out)]) == 1
    assert "holds the verdicts of another model" in capsys.readouterr().err
    assert before == {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_a_moved_bundle_goes_on_with_its_folder(inspect, parts, out, model, tmp_path, capsys):
    inspect(parts)
    moved = shutil.copytree(model, tmp_path / "moved")
    assert main(["inspect", str(moved), str(parts), "--out", str(out)]) == 0
    assert len(read_lines(out / "verdicts.jsonl")) == 6


def test_ctrl_c_leaves_a_table_of_what_is_judged_and_the_next_goes_on(
    inspect, parts, out, model, monkeypatch, capsys
):
    add, count = Results.add, 0

    def interrupted(self, row, picture):
        nonlocal count
        add(self, row, picture)
        count += 1
        if count == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Results, "add", interrupted)
        inspect(parts, code=130)
    assert len(table(out)) == 3 and (out / "index.html").is_file()
    inspect(parts)
    assert len(table(out)) == 6 == len(read_lines(out / "verdicts.jsonl"))


def test_an_out_that_is_a_file_is_a_sentence(inspect, parts, out):
    out.write_text("x")
    assert "cannot write" in inspect(parts, code=1)
    assert out.read_text() == "x"
