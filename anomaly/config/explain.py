"""Turns every foreseeable failure into one sentence and an exit code; tracebacks are for bugs."""

from __future__ import annotations

import errno
import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import (
    ConfigCompositionException,
    HydraException,
    MissingConfigException,
    OverrideParseException,
)
from omegaconf.errors import (
    ConfigKeyError,
    ConfigTypeError,
    InterpolationKeyError,
    OmegaConfBaseException,
    ValidationError,
)

from anomaly.config import parse as config
from anomaly.config import suggest as nearest
from anomaly.errors import InputError, Pruned, Terminated, Unsent

CONF = Path(__file__).parents[2] / "conf"
OPTIONAL = ("ensemble", "experiment", "sweep")  # groups of which no option is chosen by default
KIND = re.compile(r"Value '(.*)' of type '.*' could not be converted to (Integer|Float|Boolean)")
KINDS = {"Integer": "a whole number", "Float": "a number", "Boolean": "true or false"}
EXTRAS = {  # launchers that are installed apart
    "submitit": "make extra EXTRA=slurm",
    "submitit_local": "make extra EXTRA=slurm",
    "ray": "make extra EXTRA=ray VENV=.venv-ray, then .venv-ray/bin/python train.py ...",
}
STOPPED, TERMINATED = 130, 143  # what a shell calls a program ended by Ctrl-C, by SIGTERM
FOLDERS = ("output", "hydra.run.dir", "hydra.sweep.dir")  # the keys that say where to write
DISK = {
    errno.ENOSPC: "the disk is full; free some space or set {key}=DIR to another disk",
    errno.EDQUOT: "your disk quota is used up; free some space or set {key}=DIR elsewhere",
    errno.EFBIG: "no file may grow that large here (ulimit -f); set {key}=DIR to another disk",
    errno.EROFS: "this file system is read-only; set {key}=DIR to a folder you can write",
    errno.EACCES: "permission denied; set {key}=DIR to a folder you can write",
    errno.EPERM: "not permitted; set {key}=DIR to a folder you can write",
    errno.ENOTDIR: "a file stands where a folder is needed; set {key}=DIR to a folder",
    errno.EEXIST: "a file stands where a folder is needed; set {key}=DIR to a folder",
    errno.EISDIR: "a folder stands where a file is needed; remove it or set {key}=DIR elsewhere",
    errno.ENOENT: "it is not there and cannot be made; set {key}=DIR to a folder you can write",
    errno.EIO: "the disk fails (input/output error); set {key}=DIR to another disk",
    errno.ESTALE: "the network drive has gone; mount it again or set {key}=DIR to another disk",
    errno.ELOOP: "its links lead in a circle; set {key}=DIR to a folder",
    errno.ENAMETOOLONG: "the name is too long; set {key}=DIR to a shorter one",
}


@contextmanager
def explained() -> Iterator[None]:
    """On a user's mistake print one sentence and exit; a bug surfaces with its traceback."""
    try:
        yield
    except Terminated:
        _end("stopped by SIGTERM; the same command goes on from its last checkpoint", TERMINATED)
    except KeyboardInterrupt:
        _end("stopped by Ctrl-C", STOPPED)
    except Exception as error:
        if not (said := sentence(error)):
            raise
        _end(said)


@contextmanager
def contained(log: logging.Logger) -> Iterator[None]:
    """In a sweep a mistake, or a bug, ends its own job and no other; the sweep says it at its end.

    Raises:
        InputError: in place of whatever it was; it travels between processes.
        Pruned, Unsent: which are no mistakes.
    """
    try:
        yield
    except (Pruned, Unsent):
        raise
    except Exception as error:
        if not (said := sentence(error)):
            log.exception("this job failed")
            said = f"{type(error).__name__}: {error} (the traceback is in the log of its folder)"
        raise InputError(said) from None


def sentence(error: Exception) -> str | None:
    """What to say of a user's mistake; None of a bug."""
    match error:
        case MissingConfigException():
            return _unknown_option(error)
        case ConfigCompositionException() | OverrideParseException() | OmegaConfBaseException():
            return _bad_override(error)
        case HydraException():
            return str(error).splitlines()[0]
        case InputError():
            return str(error)
        case ValueError():
            return _emptied(error)
        case OSError() if error.errno in DISK and not _elsewhere(error):
            return _disk(error)
    return None


def refuse_blank(words: list[str]) -> None:
    """Hydra makes its folder before it hands the config on: output=$UNSET would fill /runs.

    Raises:
        InputError: the command line names a folder to write to, and gives nothing.
    """
    for key, _, value in (word.partition("=") for word in words if "=" in word):
        if key.lstrip("+") in FOLDERS and not value.strip("'\" "):
            raise InputError(f"{key}= names no folder; give it as {key}=DIR, or leave it out")


def refuse_several(words: list[str]) -> None:
    """Each file of conf/sweep says what varies; of two, Hydra would heed neither.

    Raises:
        InputError: the command line names several sweeps.
    """
    for word in words:
        if word.startswith("sweep=") and "," in word:
            raise InputError(
                f"{word} names several sweeps; give one at a time, or list what varies yourself,"
                " such as: -m data.folds=5 data.fold=0,1,2,3,4 seed=0,1"
            )


def _end(sentence: str, code: int = 1) -> None:
    print(f"error: {sentence}", file=sys.stderr)
    sys.exit(code)


def _disk(error: OSError) -> str:
    key, folder = _output()
    where = error.filename or " ".join(filter(None, ("the output folder", folder)))
    return f"cannot write {where}: {DISK[error.errno or 0].format(key=key)}"


def _elsewhere(error: OSError) -> bool:
    """Whether a file was missed that is not of the output: a bug, and nothing the disk says."""
    if error.errno != errno.ENOENT or not error.filename:
        return False
    missed, own = Path(error.filename).absolute(), Path(_output()[1] or "outputs").absolute()
    return not (missed.is_relative_to(own) or own.is_relative_to(missed))


def _output() -> tuple[str, str]:
    """The key that says where to write, and the folder typed for it, if any."""
    words = [word.lstrip("+").partition("=") for word in sys.argv]
    typed = [(key, folder) for key, _, folder in words if key in FOLDERS]
    return typed[-1] if typed else ("output", "")


def _emptied(error: ValueError) -> str | None:
    """What to say of group=null, for which Hydra has but a traceback."""
    if "Config group override must be" not in str(error):
        return None
    for group, _, option in (word.lstrip("+").partition("=") for word in sys.argv[1:]):
        if group in _groups() and "null" in option.lower().strip("[]").split(","):
            options = ", ".join(sorted(file.stem for file in (CONF / group).glob("*.yaml")))
            said = "is the default; leave it out, or" if group in OPTIONAL else "is no choice;"
            return f"{group}=null {said} give one of its options: {options}"
    return None


def _unknown_option(error: MissingConfigException) -> str:
    group, _, option = str(error.missing_cfg_file).rpartition("/")
    options = [str(o) for o in error.options or ()]
    if group == "hydra/launcher" and (launcher := option.removesuffix("_slurm")) in EXTRAS:
        return f"sweep.launcher={launcher} is not installed: {EXTRAS[launcher]}"
    near = get_close_matches(option, options, 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"{group}={option} is not known{hint} ({group} is one of: {', '.join(options)})"


def _bad_override(error: Exception) -> str:
    cause = error.__cause__ or error
    first = str(cause).strip().splitlines()[0]
    if isinstance(error, OverrideParseException):
        return (
            f"{error.override!r} cannot be read as KEY=VALUE; put quotes around a value with"
            " special characters, as in 'KEY=\"VALUE\"'"
        )
    if isinstance(cause, InterpolationKeyError):
        missing = re.sub(r"^.*'(.+)' not found$", r"\1", first)
        return f"{cause.full_key} needs {missing}, which has no value; give it as {missing}=..."
    if isinstance(cause, ValidationError | ConfigTypeError):
        return _unfit(str(cause.full_key), first)
    key = re.search(r"override '([^'@]+)'", str(error))
    return _unknown_key(key[1].lstrip("+~"), cause) if key else first


def _unfit(key: str, reason: str) -> str:
    """A value of the wrong kind: one for a whole section, nothing, or a word for a number."""
    below = [known for known in _known() if known.startswith(f"{key}.")]
    if below:
        return f"{key} has no value of its own; set what stands below it, such as {below[0]}=..."
    if "is not Optional" in reason:
        return f"{key} must have a value, got null"
    if "is not a ListConfig" in reason:
        return f"{key} must be a list, such as '{key}=[A,B]'"
    if wrong := KIND.match(reason):
        return f"{key} must be {KINDS[wrong[2]]}, got {wrong[1]}"
    return f"{key}: {reason}"


def _unknown_key(key: str, cause: BaseException) -> str:
    inside = cause.full_key if isinstance(cause, ConfigKeyError) else None
    if inside and str(inside).startswith(f"{key}."):
        key = str(inside)  # of data={a: 1} it is data.a that is wrong
    if key.startswith("hydra.launcher."):
        return f"{key} is no setting of this launcher; choose another, as sweep.launcher=joblib"
    if key.startswith("hydra."):
        return f"{key} is not a known key; `python train.py --cfg hydra` lists them all"
    return f"{key} is not a known key{nearest.advice(key, _known())}"


def _groups() -> set[str]:
    return {folder.name for folder in CONF.iterdir() if folder.is_dir()}


def _known() -> list[str]:
    """The keys of the options that the command line chooses: data=demo has other keys than mvtec."""
    given = [argument.partition("=") for argument in sys.argv[1:]]
    first = [(group, option.split(",")[0]) for group, _, option in given if group in _groups()]
    choices = [f"{group}={o}" for group, o in first if (CONF / group / f"{o}.yaml").is_file()]
    running = GlobalHydra.get_state()  # in a sweep Hydra is under way
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(CONF), version_base="1.3"):
            return config.known_keys(compose("config", choices))
    finally:
        GlobalHydra.set_state(running)
