"""`python -m anomaly.report`, the same as `anomaly report`."""

from anomaly.config.explain import explained
from anomaly.report.command import main

if __name__ == "__main__":
    with explained():
        main(program="python -m anomaly.report")
