"""Real command lines in processes of their own, on the smallest data that trains."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from select import select

import cv2
import numpy as np
import pytest

from anomaly.tracking.store import store_at

REPOSITORY = Path(__file__).parents[2]
LONG = 300  # seconds, for a process on a busy machine; a quiet one needs 20
DEMO = ("data=demo", "data.images=4", "data.side=64", "data.grid=64")
TINY = ("model=tiny", "model.image_size=64", "backbone.width=8")
BAG = ("model=bovw", "model.image_size=64", "model.words=16", "model.views=1")  # quick
SMOKE = ("trainer=smoke", "trainer.epochs=2")


def _heed_ctrl_c() -> None:
    """A shell lets what it runs in the background ignore it, and so would all of its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@dataclass(frozen=True)
class Ended:
    """A process that has ended."""

    code: int
    out: str
    err: str
    seconds: float

    def said(self, what: str) -> str:
        """The rest of the line of the output that begins with `what`."""
        return re.search(rf"^{what} +(.*)$", self.out, re.MULTILINE)[1]


def ended(code: int, files: tuple[Path, Path], started: float) -> Ended:
    out, err = (path.read_text(errors="replace") for path in files)
    return Ended(code, out, err, time.monotonic() - started)


class Process:
    """A process whose output goes to files, so that it never waits for a reader."""

    def __init__(
        self, command: Sequence[str], folder: Path, answering: bool = False, **environment: str
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.files = folder / "out.txt", folder / "err.txt"
        with self.files[0].open("wb") as out, self.files[1].open("wb") as err:
            self.started = time.monotonic()
            self.child = subprocess.Popen(
                [str(part) for part in command],
                cwd=REPOSITORY,
                env=os.environ | {"PYTHONUNBUFFERED": "1", "COLUMNS": "100"} | environment,
                stdin=subprocess.PIPE if answering else subprocess.DEVNULL,
                stdout=subprocess.PIPE if answering else out,
                stderr=err,
                start_new_session=True,
                preexec_fn=_heed_ctrl_c,
            )

    def ended(self, seconds: float = LONG) -> Ended:
        """Wait for its end."""
        return ended(self.child.wait(seconds), self.files, self.started)

    def answer(self, request: object) -> int:
        """What a process that is asked in lines of JSON answers in a line."""
        self.child.stdin.write(json.dumps(request).encode() + b"\n")
        self.child.stdin.flush()
        assert select([self.child.stdout], [], [], LONG)[0], "this took too long"
        return int(self.child.stdout.readline())

    def kill(self) -> None:
        """End it and all of its children at once."""
        if self.child.poll() is None:
            os.killpg(self.child.pid, 9)
        self.child.communicate()


@pytest.fixture(scope="session")
def start(tmp_path_factory) -> Iterator[Callable[..., Process]]:
    """start("-m", "module", KEY="value") runs Python with these arguments, in the repository.

    `front` is a command that runs the command behind it, such as `nice`.
    """
    started: list[Process] = []

    def begin(*arguments: object, front: tuple = (), **options: object) -> Process:
        command = [*front, sys.executable, *map(str, arguments)]
        started.append(Process(command, tmp_path_factory.mktemp("process"), **options))
        return started[-1]

    yield begin
    for process in started:
        process.kill()


@pytest.fixture(scope="session")
def warm(start, tmp_path_factory) -> Callable[..., Ended]:
    """warm(kind, program, words, KEY="value") runs it to its end, in a fork of a warm process.

    Nothing differs from a process of its own but that modules are imported before: see warm.py.
    """
    servers: dict[str, Process] = {}

    def run(kind: str, program: str, words: Sequence[object], **environment: str) -> Ended:
        if kind not in servers:
            server = Path(__file__).with_name("warm.py")
            servers[kind] = start(server, kind, answering=True, **environment)
        folder, begin = tmp_path_factory.mktemp("process"), time.monotonic()
        files = folder / "out.txt", folder / "err.txt"
        words = [*map(str, words)]
        request = dict(program=program, words=words, out=str(files[0]), err=str(files[1]))
        return ended(servers[kind].answer(request), files, begin)

    return run


@pytest.fixture(scope="session")
def train(start, warm, without_tensorflow) -> Callable[..., Ended]:
    """train("model=tiny", ...) runs train.py to its end.

    In a fork of a warm process, unless it needs an environment that no warm process has.
    """

    def run(*words: object, **options: object) -> Ended:
        if options == without_tensorflow:
            return warm("light", "train.py", words, **without_tensorflow)
        if options:
            return start("train.py", *words, **options).ended()
        return warm("heavy", "train.py", words)

    return run


@pytest.fixture(scope="session")
def command(warm, without_tensorflow) -> Callable[..., Ended]:
    """command("anomaly.report", ...) runs this module to its end; importing TensorFlow would fail."""
    return lambda module, *words: warm("light", module, words, **without_tensorflow)


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory) -> Path:
    """A file that MLflow takes seconds to make."""
    folder = tmp_path_factory.mktemp("store")
    store_at(folder).connect()
    return folder / "mlflow.db"


@pytest.fixture
def fresh_output(tmp_path, empty_store) -> Path:
    """An output folder with a store that has no run."""
    shutil.copy(empty_store, tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def without_tensorflow(tmp_path_factory) -> dict[str, str]:
    """An environment in which importing Keras or TensorFlow fails: who answers needed neither."""
    folder = tmp_path_factory.mktemp("tripwire")
    for name in ("keras", "tensorflow"):
        (folder / f"{name}.py").write_text(f"raise RuntimeError('{name} was imported')\n")
    return {"PYTHONPATH": str(folder)}


@pytest.fixture(scope="module")
def free_port() -> int:
    """A port of this machine at which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def until() -> Callable[..., None]:
    """until(condition) returns once it holds; `process` must stay alive until then."""

    def wait(holds: Callable[[], object], process: Process, seconds: float = LONG) -> None:
        end = time.monotonic() + seconds
        while not holds():
            assert process.child.poll() is None, process.files[1].read_text()
            assert time.monotonic() < end, "this took too long"
            time.sleep(0.05)

    return wait


@pytest.fixture(scope="session")
def own_mounts() -> Callable[[str, Path], tuple[str, ...]]:
    """own_mounts(how, folder) is the front of a command that runs with `how` mounted on `folder`.

    The mount exists for that command alone and ends with it.
    """
    front = ("unshare", "--mount", "--map-root-user", "sh", "-c")
    able = shutil.which("unshare") and subprocess.run(
        [*front, "mount -t tmpfs none /mnt"], capture_output=True, check=False
    )
    if not able or able.returncode:
        # A full or read-only disk can only be mounted, and locked-down containers mount nothing.
        pytest.skip("this machine lets tests mount nothing (unshare --mount --map-root-user)")
    return lambda how, folder: (*front, f'{how} && shift && exec "$@"', "sh", str(folder))


@pytest.fixture(scope="session")
def whole_station(tmp_path_factory) -> Path:
    """A root with the category `widget`: 6 good images, 4 dents and 4 cracks, all in order."""
    root = tmp_path_factory.mktemp("station")
    random = np.random.default_rng(0)
    mask = np.zeros((32, 32), np.uint8)
    mask[8:20, 8:20] = 255
    for place, count in {"train/good": 4, "test/good": 2, "test/dent": 4, "test/crack": 4}.items():
        label = place.split("/")[1]
        for index in range(count):
            picture = random.integers(0, 256, (32, 32, 3), np.uint8)  # noise: no two are alike
            write(root / "widget" / place / f"{index:03}.png", picture)
            if label != "good":
                write(root / "widget" / "ground_truth" / label / f"{index:03}_mask.png", mask)
    return root


def write(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(path.suffix, pixels)[1].tobytes())


@pytest.fixture
def station(whole_station, tmp_path) -> Path:
    """A copy of the whole station, to be spoiled."""
    return Path(shutil.copytree(whole_station, tmp_path / "station"))
