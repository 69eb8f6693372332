"""From a composed config to a checked run, before a heavy library is imported."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields, is_dataclass
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue

from anomaly.config.schema import TRAINING, RunConfig
from anomaly.config.suggest import suggest_key
from anomaly.errors import InputError

UNREAD = {  # the groups that a run does not read: one that trains, and one that combines
    False: ("ensemble", "members"),
    True: (*TRAINING, "cache", "refit"),
}


def register() -> None:
    """Make the schema known to Hydra; to be called once, before anything is composed."""
    ConfigStore.instance().store(name="schema", node=RunConfig)


def parse(config: DictConfig) -> RunConfig:
    """Resolve and check a composed config.

    Raises:
        InputError: naming every key whose value is missing, unknown or out of range.
    """
    try:
        run = OmegaConf.to_object(config)
    except MissingMandatoryValue as error:
        raise InputError(
            f"{error.full_key} has no value; give it as {error.full_key}=..."
        ) from None
    assert isinstance(run, RunConfig)
    known = known_keys(config)
    unknown = [f"{key} is not a known key{suggest_key(key, known)}" for key in _unknown_keys(run)]
    if mistakes := [*unknown, *run.mistakes()]:
        raise InputError("\n".join(mistakes))
    return run


def _unknown_keys(node: Any, prefix: str = "") -> Iterator[str]:
    """Every key that +key=value added and nothing reads."""
    known = {f.name for f in fields(node)}
    for key, value in vars(node).items():
        if key not in known:
            yield f"{prefix}{key}"
        elif is_dataclass(value):
            yield from _unknown_keys(value, f"{prefix}{key}.")


def parameters(run: RunConfig, without: Sequence[str] = ()) -> dict[str, Any]:
    """Every value of the run under its key, except groups that it does not read."""
    unread = (*UNREAD[run.ensemble is not None], *without)
    return {
        key: value
        for key, value in _flat(asdict(run)).items()
        if _is_value(key) and key.split(".")[0] not in unread
    }


def known_keys(config: DictConfig) -> list[str]:
    """Every key that a command line may set, for suggestions."""
    flat = _flat(OmegaConf.to_container(config, throw_on_missing=False))
    return sorted({*filter(_is_value, flat), *(f.name for f in fields(RunConfig))})


def _is_value(key: str) -> bool:
    """Rather than a word of Hydra's `instantiate`."""
    return not key.endswith(("_target_", "_partial_"))


def _flat(node: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(node, dict):
        return {prefix: node}
    out: dict[str, Any] = {}
    for key, value in node.items():
        out |= _flat(value, f"{prefix}.{key}" if prefix else str(key))
    return out
