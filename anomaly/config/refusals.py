"""What Hydra and OmegaConf refuse, each as one sentence in the words of the command line."""

from __future__ import annotations

import re
import sys

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

from anomaly.config import launchers
from anomaly.config.command_line import pairs
from anomaly.config.parse import known_keys
from anomaly.config.paths import CONF, groups, options
from anomaly.config.suggest import suggest_key, suggest_name

NO_NAME = re.compile(r"[-+]?\d+(\.\d*)?|true|false")  # Hydra reads these as values, not as names
OPTIONAL = ("ensemble", "experiment", "sweep")  # groups of which no option is chosen by default
WRONG_TYPE = re.compile(r"Value '(.*)' of type '.*' could not be converted to (\w+)")
TYPES = {"Integer": "a whole number", "Float": "a number", "Boolean": "true or false"}


def sentence(error: Exception) -> str | None:
    """What to say of an exception of theirs; None for a bug."""
    match error:
        case MissingConfigException():
            return _unknown_option(error)
        case OverrideParseException():
            return (
                f"{error.override!r} cannot be read as KEY=VALUE; put quotes around a value with"
                " special characters, as in 'KEY=\"VALUE\"'"
            )
        case ConfigCompositionException() | OmegaConfBaseException():
            return _bad_override(error)
        case HydraException():
            return str(error).splitlines()[0]
        case ValueError() if "Config group override must be" in str(error):
            return _no_option()
    return None


def _unknown_option(error: MissingConfigException) -> str:
    group, _, option = str(error.missing_cfg_file).rpartition("/")
    if group == "hydra/launcher" and (advice := launchers.not_installed(option)):
        return advice
    return f"{group}={option} is not known{suggest_name(option, error.options or ())}"


def _no_option() -> str | None:
    """Of group=null, group=1 or group=true, for which Hydra has only a traceback."""
    for group, option in pairs(sys.argv[1:]):
        if group not in groups():
            continue
        words = option.lower().strip("[]").split(",")
        if odd := next((word for word in words if NO_NAME.fullmatch(word)), None):
            return f"{group}={odd} is not known (one of: {', '.join(options(group))})"
        if "null" in words:
            why = "is the default; leave it out, or" if group in OPTIONAL else "is no choice;"
            return f"{group}=null {why} give one of its options: {', '.join(options(group))}"
    return None


def _bad_override(error: Exception) -> str:
    cause = error.__cause__ or error
    reason = str(cause).strip().splitlines()[0]
    if isinstance(cause, InterpolationKeyError):
        missing = re.sub(r"^.*'(.+)' not found$", r"\1", reason)
        return f"{cause.full_key} needs {missing}, which has no value; give it as {missing}=..."
    if isinstance(cause, ValidationError | ConfigTypeError):
        return _wrong_value(str(cause.full_key), reason)
    key = re.search(r"override '([^'@]+)'", str(error))
    return _unknown_key(key[1].lstrip("+~"), cause) if key else reason


def _wrong_value(key: str, reason: str) -> str:
    """One value for a whole section, no value, or a value of the wrong type."""
    below = [known for known in _keys_of_choices() if known.startswith(f"{key}.")]
    if below:
        return f"{key} is a section; set one of its keys, such as {below[0]}=..."
    if "is not Optional" in reason:
        return f"{key} must have a value, got null"
    if "is not a ListConfig" in reason:
        return f"{key} must be a list, such as '{key}=[A,B]'"
    if (wrong := WRONG_TYPE.match(reason)) and wrong[2] in TYPES:
        return f"{key} must be {TYPES[wrong[2]]}, got {wrong[1]}"
    return f"{key}: {reason}"


def _unknown_key(key: str, cause: BaseException) -> str:
    inside = str(cause.full_key) if isinstance(cause, ConfigKeyError) else ""
    if inside.startswith(f"{key}."):
        key = inside  # of data={a: 1} it is data.a that is wrong
    if key.startswith("hydra.launcher."):
        return f"{key} is no setting of this launcher; choose another, as sweep.launcher=joblib"
    if key.startswith("hydra."):
        return f"{key} is not a known key; `python train.py --cfg hydra` lists them all"
    return f"{key} is not a known key{suggest_key(key, _keys_of_choices())}"


def _keys_of_choices() -> list[str]:
    """The keys of the options that the command line chooses: data=demo has other keys than mvtec."""
    first = [(group, option.split(",")[0]) for group, option in pairs(sys.argv[1:])]
    choices = [
        f"{group}={option}"
        for group, option in first
        if group in groups() and (CONF / group / f"{option}.yaml").is_file()
    ]
    running = GlobalHydra.get_state()  # in a sweep Hydra is at work
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(CONF), version_base="1.3"):
            return known_keys(compose("config", choices))
    finally:
        GlobalHydra.set_state(running)
