"""Trains, evaluates and records what the config describes; `--help` shows the choices."""

import sys

from anomaly.run.train import main

if __name__ == "__main__":
    main(sys.argv[1:])
