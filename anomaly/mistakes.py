"""Turns every foreseeable failure into one sentence and an exit code; tracebacks are for bugs."""

from __future__ import annotations

import errno
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra.errors import ConfigCompositionException, MissingConfigException, OverrideParseException
from omegaconf.errors import OmegaConfBaseException, ValidationError

from anomaly import config
from anomaly.types import InputError

CONF = Path(__file__).parents[1] / "conf"
STOPPED = 130  # what a shell calls a program ended by Ctrl-C
DISK = {
    errno.ENOSPC: "the disk is full; free some space or set output=DIR to another disk",
    errno.EDQUOT: "your disk quota is used up; free some space or set output=DIR elsewhere",
    errno.EFBIG: "no file may grow that large here (ulimit -f); set output=DIR to another disk",
    errno.EROFS: "this file system is read-only; set output=DIR to a folder you can write",
    errno.EACCES: "permission denied; set output=DIR to a folder you can write",
    errno.EPERM: "not permitted; set output=DIR to a folder you can write",
    errno.ENOTDIR: "a file stands where a folder is needed; set output=DIR to a folder",
    errno.EEXIST: "a file stands where a folder is needed; set output=DIR to a folder",
}


@contextmanager
def explained() -> Iterator[None]:
    """On a user's mistake print one sentence and exit; a bug surfaces with its traceback."""
    try:
        yield
    except KeyboardInterrupt:
        _end("stopped by Ctrl-C", STOPPED)
    except MissingConfigException as error:
        _end(_unknown_option(error))
    except (ConfigCompositionException, OverrideParseException, OmegaConfBaseException) as error:
        _end(_bad_override(error))
    except InputError as error:
        _end(str(error))
    except OSError as error:
        if error.errno not in DISK:
            raise
        _end(f"cannot write {error.filename or _output()}: {DISK[error.errno]}")


def _end(sentence: str, code: int = 1) -> None:
    print(f"error: {sentence}", file=sys.stderr)
    sys.exit(code)


def _output() -> str:
    given = [a.removeprefix("output=") for a in sys.argv if a.startswith("output=")]
    return f"the output folder {given[-1]}" if given else "the output folder"


def _unknown_option(error: MissingConfigException) -> str:
    group, _, option = str(error.missing_cfg_file).rpartition("/")
    options = [str(o) for o in error.options or ()]
    near = get_close_matches(option, options, 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"{group}={option} is not known{hint} ({group} is one of: {', '.join(options)})"


def _bad_override(error: Exception) -> str:
    cause = error.__cause__ or error
    first = str(cause).strip().splitlines()[0]
    if isinstance(cause, ValidationError):
        return f"{cause.full_key}: {first}"
    key = re.search(r"override '([^'@]+)'", str(error))
    return _unknown_key(key[1].lstrip("+~")) if key else first


def _unknown_key(key: str) -> str:
    near = get_close_matches(key, _known(), 1, 0.6)
    return f"{key} is not a known key" + (
        f"; did you mean {near[0]}?" if near else "; `python train.py --cfg job` lists them all"
    )


def _known() -> list[str]:
    """The keys of the options that the command line chooses: data=demo has other keys than mvtec."""
    groups = {folder.name for folder in CONF.iterdir() if folder.is_dir()}
    given = [argument.partition("=") for argument in sys.argv[1:]]
    choices = [f"{group}={option.split(',')[0]}" for group, _, option in given if group in groups]
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return config.known_keys(compose("config", choices))
