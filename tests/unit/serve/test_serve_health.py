"""Health and what Prometheus reads."""

from __future__ import annotations

import math

from prometheus_client.parser import text_string_to_metric_families

from anomaly.inspector.folder.drift import FEWEST, drift

from .conftest import ABOUT, GOOD, PHOTO


def figures(client) -> dict[tuple, float]:
    text = client("GET", "/metrics").content.decode()
    samples = (s for family in text_string_to_metric_families(text) for s in family.samples)
    return {(s.name, *sorted(s.labels.values())): s.value for s in samples}


def test_it_is_alive_and_ready(client):
    for path in ("/health/live", "/health/ready", "/v2/health/live", "/v2/health/ready"):
        assert client("GET", path).status == 200


def test_verdicts_times_scores_and_refusals_are_counted(started):
    client = started(queue=7)
    said = [client("POST", "/inspect", file.read_bytes()).json for file in (PHOTO, PHOTO, GOOD)]
    client("POST", "/inspect", b"nothing")
    counted = figures(client)
    for each in said:
        label = sorted((each["verdict"], each["defect"] or ""))
        count = sum((s["verdict"], s["defect"]) == (each["verdict"], each["defect"]) for s in said)
        assert counted["anomaly_verdicts_total", *label] == count
    assert counted["anomaly_seconds_count",] == counted["anomaly_score_count",] == 3
    assert math.isclose(counted["anomaly_score_sum",], sum(each["score"] for each in said))
    assert counted["anomaly_refused_total", "422"] == 1
    assert counted["anomaly_queue_depth",] == 0
    assert counted["anomaly_model_info", *sorted(said[0]["model"].values())] == 1


def test_drift_is_that_of_a_judged_folder_from_enough_photos_on(started):
    import numpy as np

    client = started(queue=8)
    scores = []
    for _ in range(FEWEST // 2):
        assert math.isnan(figures(client)["anomaly_drift_distance",])
        scores += [
            client("POST", "/inspect", file.read_bytes()).json["score"] for file in (PHOTO, GOOD)
        ]
    expected = drift(np.array(scores), *ABOUT.validate).distance
    assert math.isclose(figures(client)["anomaly_drift_distance",], expected)
