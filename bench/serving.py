"""What `anomaly serve` takes: clients by number, what they are answered, how many, and how fast."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from anomaly.export.bundle import write
from anomaly.inspector.bundle import read
from bench.inspecting import bundle

CLIENTS = (1, 8, 32, 200)
SECONDS = 8.0  # of each load
AFTER_503 = 0.25  # seconds; a client that honours Retry-After would wait longer
MOST_CPU = 1.2  # of a verdict for 32 clients, as a multiple of that for one
MOST_MEMORY = 500  # MB
MIB = 2**20


class Load(NamedTuple):
    """What came of so many clients that ask one after the other."""

    clients: int
    statuses: Counter[str]
    latencies: list[float]  # seconds, of answers with a verdict
    seconds: float
    cpu: float  # seconds of a processor that the service took for a verdict

    @property
    def rate(self) -> float:
        """Verdicts a second."""
        return len(self.latencies) / self.seconds

    def __str__(self) -> str:
        p50, p95 = np.percentile(self.latencies or [0], (50, 95))
        counts = ", ".join(f"{count} x {status}" for status, count in sorted(self.statuses.items()))
        times = f"p50 {p50:.2f} s, p95 {p95:.2f} s"
        return f"{counts}; {self.rate:.1f}/s; {times}; {1000 * self.cpu:.0f} ms of CPU a verdict"


class Service(NamedTuple):
    """A started `anomaly serve`."""

    port: int
    pid: int

    @property
    def cpu(self) -> float:
        """Seconds of a processor that it has taken."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def memory(self) -> int:
        """The most bytes that it has held."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return 1024 * int(next(line.split()[1] for line in lines if line.startswith("VmHWM")))


def measure(root: Path, folder: Path) -> list[dict]:
    """A result for each number of clients: MobileNetV2 at one view, exported to ONNX."""
    file = sorted((root / "bottle" / "test" / "broken_small").glob("*.png"))[0]
    write(read(bundle(folder / "keras", 1, file)), "onnx", folder / "onnx")
    with serving(folder / "onnx", folder) as service:
        loads = [load(service, file.read_bytes(), clients) for clients in CLIENTS]
        memory = service.memory
    cpu = {each.clients: each.cpu for each in loads}
    return [*map(_line, loads), _overload(cpu[32], cpu[1]), _memory(memory)]


@contextmanager
def serving(bundle: Path, folder: Path, *words: str) -> Iterator[Service]:
    """`anomaly serve` of a bundle, ended by SIGTERM."""
    command = [sys.executable, "-m", "anomaly.cli", "serve", str(bundle), "--port", "0", *words]
    with subprocess.Popen(
        [*command, "--output", str(folder)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        page = next(line for line in process.stdout if line.startswith("page"))
        yield Service(int(page.rsplit(":", 1)[1].strip(" /\n")), process.pid)
        os.kill(process.pid, signal.SIGTERM)


def load(service: Service, photo: bytes, clients: int, seconds: float = SECONDS) -> Load:
    """Ask from so many threads for some time; each waits for its answer before it asks again."""
    result, cpu = Load(clients, Counter(), [], seconds, 0.0), service.cpu
    end = time.perf_counter() + seconds
    threads = [
        threading.Thread(target=_ask, args=(service.port, photo, end, result))
        for _ in range(clients)
    ]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    of_each = (service.cpu - cpu) / max(1, len(result.latencies))
    return result._replace(seconds=time.perf_counter() - start, cpu=of_each)


def _ask(port: int, photo: bytes, end: float, result: Load) -> None:
    while (start := time.perf_counter()) < end:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            connection.request("POST", "/inspect", photo)
            response = connection.getresponse()
            response.read()
            connection.close()
        except OSError as error:
            result.statuses[type(error).__name__] += 1
            continue
        result.statuses[str(response.status)] += 1
        if response.status == 200:
            result.latencies.append(time.perf_counter() - start)
        else:
            time.sleep(AFTER_503)


def _line(load: Load) -> dict:
    return {
        "what": f"anomaly serve, mobilenetv2 at 640 px, one view, in ONNX Runtime: {load.clients} clients",
        "measured": str(load),
        "claimed": "no answer but a verdict or 503",
        "holds": {*load.statuses} <= {"200", "503"} and bool(load.latencies),
    }


def _overload(many: float, one: float) -> dict:
    return {
        "what": "the same: CPU of a verdict, 32 clients / one",
        "measured": f"{many / one:.2f} x",
        "claimed": f"at most {MOST_CPU} x",
        "holds": many <= MOST_CPU * one,
    }


def _memory(memory: int) -> dict:
    return {
        "what": "the same: the most memory that it held, 200 clients included",
        "measured": f"{memory / MIB:.0f} MB",
        "claimed": f"at most {MOST_MEMORY} MB",
        "holds": memory <= MOST_MEMORY * MIB,
    }
