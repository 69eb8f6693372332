"""What a disk refuses, in a sentence that names the setting to change."""

from __future__ import annotations

import errno
import os

import pytest

from anomaly.runtime import disk


def test_without_a_file_the_output_folder_is_named():
    error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert disk.sentence(error, "output", "/data").startswith(
        "cannot write the output folder /data:"
    )
    assert disk.sentence(error, "output", "").startswith("cannot write the output folder: the disk")


@pytest.mark.parametrize(
    ("missing", "output", "ours"),
    [
        ("/data/out/runs/1/run.json", "/data/out", True),
        ("/data", "/data/out", True),
        ("/elsewhere/settings.json", "/data/out", False),
        (os.path.abspath("outputs/runs"), "", True),
        ("/elsewhere/settings.json", "", False),
    ],
)
def test_a_missing_file_is_of_the_disk_only_in_or_above_the_output_folder(missing, output, ours):
    error = FileNotFoundError(errno.ENOENT, "No such file", missing)
    assert bool(disk.sentence(error, "output", output)) == ours


def test_what_no_disk_says_is_left_alone():
    assert disk.sentence(OSError(errno.ECHILD, "No child processes"), "output", "") is None
