"""Builds the learner that a config describes."""

from __future__ import annotations

import inspect
from functools import partial
from typing import TYPE_CHECKING, Any

from hydra.utils import instantiate as hydra_instantiate

from anomaly.cache.store import Cache
from anomaly.config.schema import RunConfig

if TYPE_CHECKING:
    from anomaly.augment.policy import Policy
    from anomaly.model.learner import Learner

instantiate = partial(hydra_instantiate, _convert_="all")  # plain lists, not OmegaConf's


def build_learner(
    config: RunConfig, classes: tuple[str, ...], cache: Cache
) -> tuple[Policy, Learner]:
    """A fresh learner of these classes, and the policy that augments its images.

    Raises:
        InputError: settings that do not fit each other, this machine or a file of weights.
    """
    import keras

    from anomaly.model.training.distribution import check, over_devices

    check(config.trainer)
    keras.utils.clear_session()  # the networks of a sweep's jobs would pile up
    keras.utils.set_random_seed(config.seed)
    keras.mixed_precision.set_global_policy(config.trainer.precision)
    augment = instantiate(config.augment)(seed=config.seed)
    with over_devices(config.trainer.distribution):
        learner = _call(
            instantiate(config.model),
            backbone=instantiate(config.backbone),
            classes=classes,
            augment=augment,
            optimizer=instantiate(config.optimizer),
            cache=cache,
            seed=config.seed,
        )
    return augment, learner


def _call(build: partial, **runtime: Any) -> Any:
    """`build` with those of the runtime arguments that its signature names."""
    names = inspect.signature(build.func).parameters
    return build(**{name: value for name, value in runtime.items() if name in names})
