"""Unpacking: the category arrives complete, or a hostile or broken archive leaves nothing."""

import io
import os
import random
import tarfile
import zipfile
from pathlib import Path

import pytest

from anomaly.data.download import archive, entries
from anomaly.data.download.archive import extract
from anomaly.errors import InputError

NOISE = random.Random(0).randbytes(3000)
FILES = {
    "train/good/000.png": NOISE,
    "test/good/000.png": b"good",
    "test/scratch/000.png": b"scratch",
    "ground_truth/scratch/000_mask.png": b"mask",
    "readme.txt": b"read me",
}


def tar_of(path: Path, files: dict[str, bytes], *extra: tarfile.TarInfo, mode: str = "w:xz"):
    with tarfile.open(path, mode) as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o400
            tar.addfile(info, io.BytesIO(data))
        for info in extra:
            tar.addfile(info, io.BytesIO(b"\0" * info.size))
    return path


def zip_of(path: Path, files: dict[str, bytes], *extra: tuple[zipfile.ZipInfo, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in files.items():
            file.writestr(name, data)
        for info, data in extra:
            file.writestr(info, data)
    return path


def below(prefix: str) -> dict[str, bytes]:
    return {f"{prefix}{name}": data for name, data in FILES.items()}


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, size
    return info


def contents(folder: Path) -> dict[str, bytes]:
    files = (p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in files}


@pytest.fixture
def root(tmp_path):
    (tmp_path / "datasets").mkdir()
    return tmp_path / "datasets"


@pytest.mark.parametrize("mode", ["w:xz", "w:gz", "w:bz2", "w"])
@pytest.mark.parametrize("prefix", ["bottle/", "./bottle/", "mvtec_anomaly_detection/bottle/"])
def test_a_tar_is_unpacked_whatever_its_compression(tmp_path, root, mode, prefix):
    path = tar_of(tmp_path / "a", below(prefix) | {"cable/train/good/000.png": b"x"}, mode=mode)
    assert extract(path, "bottle", root) == root / "bottle"
    assert contents(root / "bottle") == FILES
    assert os.listdir(root) == ["bottle"]
    assert os.access(root / "bottle/readme.txt", os.W_OK), "the mode must not come from the archive"


def test_a_zip_is_unpacked(tmp_path, root):
    extract(zip_of(tmp_path / "a", below("bottle/")), "bottle", root)
    assert contents(root / "bottle") == FILES


HOSTILE = {
    "link": member("bottle/x", tarfile.SYMTYPE, "/etc/passwd"),
    "hard link": member("bottle/x", tarfile.LNKTYPE, "../../secret"),
    "device": member("bottle/x", tarfile.CHRTYPE),
    "pipe": member("bottle/x", tarfile.FIFOTYPE),
    "absolute": member("/tmp/x"),
    "parent": member("bottle/../../x"),
    "parent within": member("bottle/train/../x"),
    "backslash": member("bottle\\..\\x"),
    "drive": member("C:/x"),
    "control": member("bottle/a\nb"),
    "elsewhere": member("../x"),
    "twice": member("bottle/readme.txt"),
    "file as folder": member("bottle/readme.txt/x"),
    "folder as file": member("bottle/train"),
}


@pytest.mark.parametrize("entry", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_tar_is_refused_and_leaves_nothing(tmp_path, root, entry):
    path = tar_of(tmp_path / "a.tar.xz", below("bottle/"), entry)
    with pytest.raises(InputError, match=r"refused$"):
        extract(path, "bottle", root)
    assert os.listdir(root) == [] and sorted(os.listdir(tmp_path)) == ["a.tar.xz", "datasets"]


def test_a_link_followed_by_a_file_through_it_writes_nothing_outside(tmp_path, root):
    link = member("bottle/out", tarfile.SYMTYPE, str(tmp_path))
    path = tar_of(tmp_path / "a.tar.xz", below("bottle/"), link, member("bottle/out/stolen"))
    with pytest.raises(InputError, match="link or device"):
        extract(path, "bottle", root)
    assert not (tmp_path / "stolen").exists()


@pytest.mark.parametrize("name", ["../x", "/x", "bottle/../../x", "C:/x"])
def test_a_zip_with_an_unsafe_path_is_refused(tmp_path, root, name):
    with pytest.raises(InputError, match="unsafe path"):
        extract(zip_of(tmp_path / "a.zip", below("bottle/") | {name: b""}), "bottle", root)
    assert os.listdir(root) == []


def test_a_zip_with_a_link_is_refused(tmp_path, root):
    info = zipfile.ZipInfo("bottle/x")
    info.external_attr = 0o120777 << 16
    with pytest.raises(InputError, match="link or device"):
        extract(zip_of(tmp_path / "a.zip", below("bottle/"), (info, "/etc")), "bottle", root)


@pytest.mark.parametrize("make", [tar_of, zip_of])
def test_a_bomb_is_refused(tmp_path, root, make, monkeypatch):
    monkeypatch.setattr(entries, "ALWAYS_ALLOWED", 2**20)
    path = make(tmp_path / "a", below("bottle/") | {"bottle/bomb": bytes(2**22)})
    with pytest.raises(InputError, match="unpacks to more than 1,048,576 bytes"):
        extract(path, "bottle", root)
    assert os.listdir(root) == []


def test_a_bomb_outside_the_category_or_in_a_header_is_refused(tmp_path, root, monkeypatch):
    monkeypatch.setattr(entries, "ALWAYS_ALLOWED", 2**20)
    header = member("bottle/x")
    header.pax_headers = {"comment": "x" * 2**22}
    for entry in (member("cable/bomb", size=2**22), header):
        path = tar_of(tmp_path / "a", below("bottle/"), entry)
        with pytest.raises(InputError, match="unpacks to more than 1,048,576 bytes"):
            extract(path, "bottle", root)


def test_a_total_beyond_the_limit_is_refused(tmp_path, root, monkeypatch):
    monkeypatch.setattr(entries, "MAX_BYTES", 2000)
    with pytest.raises(InputError, match="unpacks to more than 2,000 bytes"):
        extract(zip_of(tmp_path / "a", below("bottle/")), "bottle", root)


@pytest.mark.parametrize("make", [tar_of, zip_of])
def test_too_many_files_are_refused(tmp_path, root, make, monkeypatch):
    monkeypatch.setattr(entries, "MAX_ENTRIES", 4)
    with pytest.raises(InputError, match="more than 4 files"):
        extract(make(tmp_path / "a", below("bottle/")), "bottle", root)
    assert os.listdir(root) == []


@pytest.mark.parametrize(
    "mode, share", [("w", 0.3), ("w:xz", 0.3), ("w:xz", 0.99), ("w:gz", 0.999)]
)
def test_a_truncated_tar_is_damaged_and_leaves_nothing(tmp_path, root, mode, share):
    path = tar_of(tmp_path / "a", below("bottle/"), mode=mode)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InputError, match="damaged"):
        extract(path, "bottle", root)
    assert os.listdir(root) == []


@pytest.mark.parametrize("content", [b"", b"PK\3\4 no", b"\xfd7zXZ\0 no", b"\x1f\x8b no", NOISE])
def test_a_file_that_is_no_archive_is_refused_as_damaged(tmp_path, root, content):
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(InputError, match="damaged"):
        extract(tmp_path / "a", "bottle", root)


def test_a_corrupted_zip_is_damaged(tmp_path, root):
    path = zip_of(tmp_path / "a", below("bottle/"))
    data = bytearray(path.read_bytes())
    data[1000] ^= 255
    path.write_bytes(data)
    with pytest.raises(InputError, match="damaged"):
        extract(path, "bottle", root)


@pytest.mark.parametrize("files", [below("cable/"), {"bottle/x.png": b""}, {"bottle": b""}])
def test_an_archive_without_the_category_is_refused(tmp_path, root, files):
    with pytest.raises(InputError, match="no folder bottle with train/good and test"):
        extract(tar_of(tmp_path / "a", files), "bottle", root)
    assert os.listdir(root) == []


def test_an_existing_category_is_never_replaced(tmp_path, root):
    (root / "bottle").mkdir()
    (root / "bottle/mine").touch()
    with pytest.raises(InputError, match="left as it is"):
        extract(tar_of(tmp_path / "a", below("bottle/")), "bottle", root)
    assert contents(root) == {"bottle/mine": b""}


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_an_interrupted_extraction_leaves_nothing(tmp_path, root, monkeypatch, error):
    write, written = archive._write, []

    def interrupted(path, *rest):
        if len(written) == 3:
            raise error
        written.append(path)
        write(path, *rest)

    monkeypatch.setattr(archive, "_write", interrupted)
    with pytest.raises((KeyboardInterrupt, OSError)):
        extract(tar_of(tmp_path / "a", below("bottle/")), "bottle", root)
    assert os.listdir(root) == []
