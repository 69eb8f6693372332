"""Trains, evaluates and records what the config describes; `--help` shows the choices."""

import os

import hydra
from omegaconf import DictConfig

from anomaly import config, mistakes

os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # Hydra passes errors on, `mistakes` explains them
config.register()


@hydra.main(config_path="conf", config_name="config", version_base="1.3")
def train(cfg: DictConfig) -> float:
    with mistakes.explained():
        run = config.parse(cfg)
        from anomaly import workflow  # only now: a mistake answers before TensorFlow is imported

        return workflow.run(run, config.current_job())


if __name__ == "__main__":
    with mistakes.explained():
        train()
