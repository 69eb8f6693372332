"""The run that stands for a whole sweep, above the runs of its jobs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mlflow.entities import Run, RunTag

from anomaly.tracking import orphans
from anomaly.tracking.find import finished_runs
from anomaly.tracking.store import answering, connect

NOTE = 7900  # characters of a description; MLflow's limit for a tag is 8000
ROLES = ("member", "ensemble")  # of jobs; their pooled result has the tags of the last of them


def done_before(uri: str, output: Path, experiment: str) -> dict[str, Run]:
    """{identity: the newest finished run of it}."""
    runs = reversed(finished_runs(uri, output, experiment, {}))
    named = ((run.data.tags.get("identity"), run) for run in runs)
    return {name: run for name, run in named if name and run.data.tags.get("role") in ROLES}


class Parent:
    """The run of a sweep: that of the same sweep before, by its tag `jobs`, or a new one.

    Every method raises InputError where the store does not answer.
    """

    def __init__(
        self, uri: str, output: Path, experiment: str, name: str, tags: Mapping[str, str]
    ) -> None:
        self.uri = uri
        self.client, self.experiment = connect(uri, output, experiment)
        with answering(uri):
            same = f"tags.jobs = '{tags['jobs']}' and tags.role = 'sweep'"
            found = self.client.search_runs([self.experiment], same, max_results=1)
            run = found[0] if found else self.client.create_run(self.experiment, run_name=name)
            self.run_id = run.info.run_id
            self.client.update_run(self.run_id, status="RUNNING")
            self._tag(tags)

    def end_orphans(self) -> None:
        """Of killed processes, this sweep's or another's."""
        with answering(self.uri):
            orphans.end(self.client, self.experiment)

    def end_jobs(self) -> None:
        """Also those of this process, which has none under way any more."""
        with answering(self.uri):
            orphans.end(self.client, self.experiment, below=self.run_id, own=True)

    def name_jobs(self, titles: Mapping[str, str]) -> None:
        """Add what sets each job apart to the name of its run, by id: alike they would be one blur."""
        with answering(self.uri):
            for run_id, title in titles.items():
                name = str(self.client.get_run(run_id).info.run_name)
                if title and not name.endswith(f" {title}"):
                    self.client.update_run(run_id, name=f"{name} {title}")

    def close(
        self, folder: Path, metrics: Mapping[str, float], tags: Mapping[str, str], status: str
    ) -> None:
        """The files in `folder`, the best job's figures, and how it ended."""
        with answering(self.uri):
            for key, value in metrics.items():
                self.client.log_metric(self.run_id, key, value)
            self._tag(tags)
            for item in (path for path in folder.iterdir() if path.is_file()):
                self.client.log_artifact(self.run_id, str(item))  # the jobs' folders are theirs
            self.client.set_terminated(self.run_id, status)

    def _tag(self, tags: Mapping[str, str]) -> None:
        """A longer description is cut; the whole table is in sweep.csv."""
        self.client.log_batch(self.run_id, tags=[RunTag(k, v[:NOTE]) for k, v in tags.items()])
