"""Trains, evaluates and records what the config describes; `--help` shows the choices."""

import logging
import os
import sys

import hydra
from omegaconf import DictConfig

from anomaly.config import explain as mistakes
from anomaly.config import parse as config
from anomaly.runtime import share_machine as share
from anomaly.runtime import signals as interrupt

os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # Hydra passes errors on, `mistakes` explains them
config.register()


@hydra.main(config_path="conf", config_name="config", version_base="1.3")
def train(cfg: DictConfig) -> float:
    interrupt.heed()
    one_of_many = config.sweeping()
    log = logging.getLogger(__name__)
    with mistakes.contained(log) if one_of_many else mistakes.explained():
        if one_of_many:
            share.divide(*config.place_among())
        run = config.parse(cfg)
        from anomaly.run import (
            workflow,  # only now: a mistake answers before TensorFlow is imported
        )

        return workflow.run(run, config.current_job())


if __name__ == "__main__":
    with mistakes.explained():
        sys.argv[1:] = config.words(sys.argv[1:])
        mistakes.refuse_blank(sys.argv[1:])
        mistakes.refuse_several(sys.argv[1:])
        train()
