"""The run that stands for a whole sweep, above the runs of its jobs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mlflow.entities import Run, RunTag

from anomaly.tracking import orphans
from anomaly.tracking.find import finished_runs
from anomaly.tracking.store import Store

LONGEST = 7900  # characters of a tag; MLflow's limit is 8000
ROLES = ("member", "ensemble")  # of jobs; their pooled result has the tags of the last of them


def done_before(store: Store, experiment: str) -> dict[str, Run]:
    """{identity: its newest finished run}."""
    oldest_first = reversed(finished_runs(store, experiment, {}))
    runs = [run for run in oldest_first if run.data.tags.get("role") in ROLES]
    return {run.data.tags["identity"]: run for run in runs if run.data.tags.get("identity")}


class Parent:
    """The run of a sweep: the run of an earlier sweep with the same tag `jobs`, or a new one.

    Every method raises InputError where the store does not answer.
    """

    def __init__(self, store: Store, experiment: str, name: str, tags: Mapping[str, str]) -> None:
        self.store = store
        self.client, self.experiment = store.connect(experiment)
        with store.answering():
            same = f"tags.jobs = '{tags['jobs']}' and tags.role = 'sweep'"
            earlier = self.client.search_runs([self.experiment], same, max_results=1)
            run = earlier[0] if earlier else self.client.create_run(self.experiment, run_name=name)
            self.run_id = run.info.run_id
            self.client.update_run(self.run_id, status="RUNNING")
            self._tag(tags)

    def end_orphans(self) -> None:
        """End the runs of killed processes, this sweep's or another's."""
        with self.store.answering():
            orphans.end(self.client, self.experiment)

    def end_jobs(self) -> None:
        """End the jobs of this sweep that cannot go on; this process has none under way any more."""
        with self.store.answering():
            orphans.end(self.client, self.experiment, below=self.run_id, mine=True)

    def name_jobs(self, titles: Mapping[str, str]) -> None:
        """Append to the name of each run, by id, what sets it apart: they all have the same name."""
        with self.store.answering():
            for run_id, title in titles.items():
                name = str(self.client.get_run(run_id).info.run_name)
                if title and not name.endswith(f" {title}"):
                    self.client.update_run(run_id, name=f"{name} {title}")

    def close(
        self, folder: Path, metrics: Mapping[str, float], tags: Mapping[str, str], status: str
    ) -> None:
        """Log the files in `folder` and the best job's figures, and end the run with `status`."""
        with self.store.answering():
            for key, value in metrics.items():
                self.client.log_metric(self.run_id, key, value)
            self._tag(tags)
            for path in (path for path in folder.iterdir() if path.is_file()):  # not the jobs'
                self.client.log_artifact(self.run_id, str(path))
            self.client.set_terminated(self.run_id, status)

    def _tag(self, tags: Mapping[str, str]) -> None:
        """A longer description is cut; the whole table is in sweep.csv."""
        cut = [RunTag(key, value[:LONGEST]) for key, value in tags.items()]
        self.client.log_batch(self.run_id, tags=cut)
