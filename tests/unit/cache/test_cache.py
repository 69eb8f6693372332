"""The cache of arrays: what is read is what was written, in threads and processes as well."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from anomaly.cache.store import Cache, key_of

KEYS = [key_of("array", index) for index in range(12)]


def array(index: int) -> np.ndarray:
    return np.full((50, 40), index, np.float32)


@pytest.mark.parametrize("dtype", [np.uint8, np.float16, np.float32, np.int64, bool])
@pytest.mark.parametrize("shape", [(), (0, 2), (3,), (4, 5, 6)])
def test_an_array_comes_back_as_it_was_written(shape, dtype, cache):
    written = np.random.default_rng(0).integers(0, 2, shape).astype(dtype)
    cache.write("key", written)
    read = cache.read("key")
    assert read.dtype == written.dtype
    assert read.shape == written.shape
    assert np.array_equal(read, written)


def test_reading_does_not_use_the_parser_of_python_which_fails_in_two_threads(cache, monkeypatch):
    cache.write("key", array(3))

    def parse(*args, **kwargs):
        raise SystemError("AST constructor recursion depth mismatch")

    monkeypatch.setattr("ast.literal_eval", parse)
    assert np.array_equal(cache.read("key"), array(3))


def test_what_was_read_can_be_written_to(cache):
    cache.write("key", array(3))
    read = cache.read("key")
    read[:] = 4
    assert np.array_equal(cache.read("key"), array(3))


def test_an_array_that_was_never_written_is_absent(cache):
    assert cache.read("nothing") is None


def test_an_array_is_computed_once(cache):
    made = []
    for _ in range(3):
        cache.get("key", lambda: made.append(1) or array(1))
    assert made == [1]


def test_objects_are_refused_because_they_would_need_pickle(cache):
    with pytest.raises(ValueError, match="would need pickle"):
        cache.write("key", np.array([{}], object))
    assert cache.read("key") is None
    assert files(cache) == []


@pytest.mark.parametrize("damage", [b"", b"short", None])
def test_a_damaged_array_counts_as_absent_and_is_computed_again(damage, cache):
    cache.write(KEYS[0], array(0))
    (path,) = files(cache)
    bytes_ = bytearray(path.read_bytes())
    bytes_[-1] ^= 1
    path.write_bytes(bytes_ if damage is None else damage)
    assert cache.read(KEYS[0]) is None
    assert np.array_equal(cache.get(KEYS[0], lambda: array(3)), array(3))
    assert np.array_equal(cache.read(KEYS[0]), array(3))


def test_trimming_keeps_what_was_used_last(cache):
    for index, key in enumerate(KEYS):
        cache.write(key, array(index))
        age(cache, key, seconds=100 - index)
    cache.read(KEYS[0])  # the oldest is used again
    entry = files(cache)[0].stat().st_size
    Cache(cache.root, gigabytes=3.5 * entry / 2**30).trim()
    assert {key for key in KEYS if cache.read(key) is not None} == {KEYS[0], *KEYS[-2:]}


def test_trimming_deletes_nothing_within_the_limit(cache):
    for index, key in enumerate(KEYS):
        cache.write(key, array(index))
    cache.trim()
    assert len(files(cache)) == len(KEYS)


def test_writing_never_exceeds_the_limit_and_keeps_the_newest(cache):
    small = limited(cache, entries=5)
    for index, key in enumerate(KEYS):
        small.write(key, array(index))
        assert total(cache) <= small.limit
        assert np.array_equal(small.read(key), array(index))
    assert len(files(cache)) >= 4


def test_an_array_larger_than_the_limit_is_computed_and_not_kept(cache):
    small = limited(cache, entries=0.5)
    assert np.array_equal(small.get(KEYS[0], lambda: array(3)), array(3))
    assert files(cache) == []


def test_the_cache_is_measured_only_occasionally(cache, monkeypatch):
    measured = []
    entries = Cache._entries
    monkeypatch.setattr(Cache, "_entries", lambda self: measured.append(1) or entries(self))
    for index, key in enumerate(KEYS):
        cache.write(key, array(index))
    assert len(measured) == 1


def test_many_threads_together_do_not_exceed_the_limit(cache):
    small = limited(cache, entries=20)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: small.write(key_of("array", i), array(i)), range(200)))
    assert total(cache) <= small.limit


def test_arrays_of_other_processes_count_after_the_next_measurement(cache):
    ours, theirs = limited(cache, entries=16), limited(cache, entries=16)
    for index in range(80):
        (ours, theirs)[index % 2].write(key_of("array", index), array(index))
        assert total(cache) <= ours.limit * 9 / 8


def test_trimming_a_cache_that_does_not_exist_yet_does_nothing(cache):
    cache.trim()
    assert not cache.root.exists()


def test_keys_differ_when_any_part_does():
    assert len({key_of("a", "b"), key_of("ab"), key_of("b", "a"), key_of("a", "b", "")}) == 4


def test_many_processes_write_and_read_the_same_entries(tmp_path):
    assert together([(read_and_write, tmp_path)] * 3) == [0, 0, 0]
    assert not list(tmp_path.rglob("*.part"))


def test_a_process_that_trims_does_not_disturb_others_that_read_and_write(tmp_path):
    assert together([(read_and_write, tmp_path), (read_and_write, tmp_path), (trim, tmp_path)]) == [
        *(0, 0, 0)
    ]


def together(jobs: list[tuple]) -> list[int | None]:
    """The exit codes of functions that run at the same time, each in its process."""
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=function, args=(root,)) for function, root in jobs]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    codes = [process.exitcode for process in processes]
    for process in processes:
        process.kill()
    return codes


def read_and_write(root: Path) -> None:
    cache = Cache(root, gigabytes=1)
    try:
        for turn in range(1000):
            index = turn % len(KEYS)
            read = cache.get(KEYS[index], lambda index=index: array(index))
            assert np.array_equal(read, array(index))
    finally:
        (root / f"done{os.getpid()}").touch()


def trim(root: Path) -> None:
    while len(list(root.glob("done*"))) < 2:
        Cache(root, gigabytes=0).trim()


def limited(cache: Cache, entries: float) -> Cache:
    """The same cache with a limit of so many arrays."""
    cache.write("probe", array(0))
    size = total(cache)
    Cache(cache.root, gigabytes=0).trim()
    return Cache(cache.root, gigabytes=entries * size / 2**30)


def total(cache: Cache) -> int:
    return sum(path.stat().st_size for path in files(cache))


def files(cache: Cache) -> list[Path]:
    return [path for path in cache.root.rglob("*") if path.is_file()]


def age(cache: Cache, key: str, seconds: float) -> None:
    (path,) = cache.root.rglob(key)
    then = path.stat().st_mtime - seconds
    os.utime(path, (then, then))
