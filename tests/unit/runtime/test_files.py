"""Files and folders that appear complete or not at all, whatever happens in the middle."""

from __future__ import annotations

import multiprocessing
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from anomaly.runtime.files import delete_unfinished, new_folder, replacing, write_text

LETTERS = "abcdefgh"
LENGTH = 200_000  # characters, more than one write of the system's


class Crash(BaseException):
    """Something that ends a block, and that no `except Exception` stops."""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def fill(path: Path, letter: str) -> None:
    for _ in range(20):
        write_text(path, letter * LENGTH)


def test_text_is_written_as_it_is_over_what_was_there(tmp_path):
    path = tmp_path / "a.csv"
    for text in ("ä,1\r\nb,2\n", "", "short"):
        write_text(path, text)
        assert path.read_bytes() == text.encode()
    assert names(tmp_path) == ["a.csv"]


def test_until_the_block_ends_readers_see_the_old_content(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("old")
    with replacing(path) as aside:
        aside.write_text("new")
        assert path.read_text() == "old" and aside.parent == tmp_path
    assert path.read_text() == "new"


@pytest.mark.parametrize("durable", [False, True])
def test_a_crash_in_the_middle_leaves_the_old_file_and_nothing_else(durable, tmp_path):
    def crash() -> None:
        with replacing(path, durable=durable) as aside:
            aside.write_text("half")
            aside.with_name(aside.name + "-journal").touch()  # as SQLite does
            raise Crash

    path = tmp_path / "a.json"
    path.write_text("old")
    with pytest.raises(Crash):
        crash()
    assert names(tmp_path) == ["a.json"] and path.read_text() == "old"


def test_a_durable_file_has_its_content(tmp_path):
    with replacing(tmp_path / "a", durable=True) as aside:
        aside.write_bytes(b"content")
    assert (tmp_path / "a").read_bytes() == b"content" and names(tmp_path) == ["a"]


def test_a_block_that_writes_nothing_is_an_error_and_changes_nothing(tmp_path):
    path = tmp_path / "a"
    path.write_text("old")
    with pytest.raises(FileNotFoundError), replacing(path):
        pass
    assert path.read_text() == "old"


def test_an_error_names_the_file_that_was_meant(tmp_path):
    path = tmp_path / "missing" / "a.json"
    with pytest.raises(FileNotFoundError) as caught:
        write_text(path, "text")
    assert caught.value.filename == str(path)


def test_files_get_the_permissions_of_any_other_file(tmp_path):
    (tmp_path / "plain").touch()
    write_text(tmp_path / "ours", "")
    modes = [(tmp_path / name).stat().st_mode for name in ("plain", "ours")]
    assert modes[0] == modes[1]


def whole(path: Path) -> bool:
    text = path.read_text()
    return len(text) == LENGTH and len(set(text)) == 1


def test_threads_that_write_one_file_never_mix_it_up(tmp_path):
    path = tmp_path / "a"
    write_text(path, "a" * LENGTH)
    with ThreadPoolExecutor(len(LETTERS)) as pool:
        writing = [pool.submit(fill, path, letter) for letter in LETTERS]
        while not all(each.done() for each in writing):
            assert whole(path)
        for each in writing:
            each.result()
    assert whole(path) and names(tmp_path) == ["a"]


def test_processes_that_write_one_file_never_mix_it_up(tmp_path):
    path = tmp_path / "a"
    write_text(path, "a" * LENGTH)
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=fill, args=(path, letter)) for letter in LETTERS[:3]]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert whole(path)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    assert whole(path) and names(tmp_path) == ["a"]


def test_what_a_killed_process_left_is_deleted_and_nothing_of_others(tmp_path):
    path = tmp_path / "a[1]"
    kept = ["a[1]", "a[1].lock", "a[10].12.part", "a1.12.part"]
    for name in kept:
        (tmp_path / name).touch()
    code = (
        "import os, sys; from pathlib import Path; from anomaly.runtime.files import replacing\n"
        "with replacing(Path(sys.argv[1])) as aside:\n"
        "    aside.write_text('half'); os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", code, path], cwd=Path(__file__).parents[3])
    assert killed.returncode == -signal.SIGKILL and len(names(tmp_path)) == len(kept) + 1
    delete_unfinished(path)
    assert names(tmp_path) == sorted(kept)


def test_a_folder_appears_complete(tmp_path):
    target = tmp_path / "widget"
    with new_folder(target) as folder:
        assert folder.name == "widget"
        folder.mkdir()
        (folder / "file").write_text("content")
        assert not target.exists()
    assert (target / "file").read_text() == "content"
    assert names(target.parent) == ["widget"]


def test_a_crash_in_the_middle_of_a_folder_leaves_nothing(tmp_path):
    def crash() -> None:
        with new_folder(tmp_path / "widget") as folder:
            folder.mkdir()
            (folder / "file").write_text("half")
            raise Crash

    with pytest.raises(Crash):
        crash()
    assert names(tmp_path) == []


@pytest.mark.parametrize("theirs", ["widget", "widget/file"])
def test_a_folder_replaces_nothing(theirs, tmp_path):
    def too_late() -> None:
        with new_folder(tmp_path / "widget") as folder:
            folder.mkdir()
            (folder / "ours").touch()
            (tmp_path / theirs).parent.mkdir(exist_ok=True)
            (tmp_path / theirs).touch()

    with pytest.raises(FileExistsError) as caught:
        too_late()
    assert caught.value.filename == str(tmp_path / "widget")
    assert names(tmp_path) == ["widget"] and (tmp_path / theirs).is_file()


def test_a_block_that_makes_no_folder_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError), new_folder(tmp_path / "widget"):
        pass
    assert names(tmp_path) == []
