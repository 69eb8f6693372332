"""Optuna chooses the next settings from the results so far; its study is a file, to be continued."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.plugins.sweeper import Sweeper

from anomaly.errors import InputError, first_line
from anomaly.metrics.catalogue import lower_is_better
from anomaly.run import pruning
from anomaly.runtime import process
from anomaly.sweep import plan, space
from anomaly.sweep.plan import Child
from anomaly.tracking.address import sqlite_address

if TYPE_CHECKING:
    from optuna import Study
    from optuna.storages import RDBStorage
    from optuna.trial import FrozenTrial, Trial

    from anomaly.sweep.session import Session

WITH_RESULT = ("done", "skipped")  # states of jobs
SETTLED = ("COMPLETE", "PRUNED")  # states of trials that need not be tried again
RESULT, PROCESS = "result", "process"  # attributes of a trial


class Search(Sweeper):
    """Tries `trials` settings in all, `at_once` at a time; an earlier study is continued.

    Args:
        params: {key: a sweep in Hydra's words}, such as `tag(log, interval(1e-4, 1e-2))`; the
            command line may replace each or add others. Everything else typed holds for all trials.
        study: a name, to continue a study although the settings have changed; null: the name
            follows from the settings.
        prune: whether to stop trials that fall behind, if epochs report the objective.
    """

    def __init__(
        self,
        trials: int,
        at_once: int,
        seed: int,
        study: str | None,
        prune: bool,
        params: Mapping | None,
    ) -> None:
        self.trials, self.at_once, self.seed = trials, at_once, seed
        self.study, self.prune, self.params = study, prune, params or {}

    def setup(self, *, hydra_context, task_function, config) -> None:
        """Hydra calls this before `sweep`."""
        from hydra.core.plugins import Plugins

        self.config, self.loader = config, hydra_context.config_loader
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> Any:
        """Run the remaining trials, and write the best settings as an experiment."""
        from anomaly.sweep import best
        from anomaly.sweep.session import Session

        assert self.config and self.launcher
        self._check()
        ranges, same = self._typed(arguments)
        session = Session(self.config, self.loader, self.launcher)
        base = session.plan([same])
        plan.refuse_all_failed(base)
        assert base[0].run
        space.check(ranges, base[0].run)
        name = self._name(ranges, same, base[0].identity)
        session.open(base, key=name)
        session.children = []
        try:
            study = self._open(session, name, set(ranges))
            before = [trial for trial in study.trials if _ended(trial)]
            session.children = [_before(trial, ranges, same) for trial in before]
            while (remaining := self.trials - _count_ended(study)) > 0:
                self._batch(session, study, ranges, same, min(remaining, self.at_once))
        finally:
            session.conclude()
        best.write(session.folder, session.children, session.config.objective, same)
        session.exit()

    def _check(self) -> None:
        """Raises InputError for numbers out of range."""
        for name, minimum in (("trials", 1), ("at_once", 1), ("seed", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or value < minimum:
                raise InputError(
                    f"hydra.sweeper.{name} must be a whole number from {minimum}, got {value}"
                )

    def _typed(self, arguments: Sequence[str]) -> tuple[dict[str, Override], list[str]]:
        """The overrides that vary, by key, and the words of those that do not."""
        words = [*(f"{key}={value}" for key, value in self.params.items()), *arguments]
        parsed = {o.get_key_element(): o for o in OverridesParser.create().parse_overrides(words)}
        ranges = {key: o for key, o in parsed.items() if o.is_sweep_override()}
        if not ranges:
            raise InputError("a search needs something to vary, such as 'seed=range(5)'")
        same = [f"{k}={o.get_value_element_as_str()}" for k, o in parsed.items() if k not in ranges]
        return ranges, same

    def _name(self, ranges: Mapping[str, Override], same: Sequence[str], identity: str) -> str:
        """The study's name; other data or code, which `identity` covers, make another study."""
        words = [*(o.input_line or "" for o in ranges.values()), *same, identity]
        return self.study or hashlib.sha256("\n".join(sorted(words)).encode()).hexdigest()[:16]

    def _open(self, session: Session, name: str, keys: set[str]) -> Study:
        """The study, with its failed and killed trials queued to be tried again first."""
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        objective = session.config.objective
        study = optuna.create_study(
            storage=_opened(_studies(session)),
            study_name=f"{session.experiment}-{objective}-{name}",
            direction="minimize" if lower_is_better(objective) else "maximize",
            load_if_exists=True,
        )
        for trial in study.trials:
            if trial.state.name == "RUNNING" and process.gone(trial.user_attrs.get(PROCESS, "")):
                study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
        for params in _unsettled(study, keys):
            study.enqueue_trial(params)
        return study

    def _batch(
        self,
        session: Session,
        study: Study,
        ranges: Mapping[str, Override],
        same: Sequence[str],
        count: int,
    ) -> None:
        """Ask the study for `count` settings, run them, and tell it the results."""
        trials = [self._ask(study) for _ in range(count)]
        chosen = [[f"{k}={space.suggest(t, k, o)}" for k, o in ranges.items()] for t in trials]
        children = session.plan([[*same, *words] for words in chosen])
        if self.prune:
            pairs = zip(children, trials, strict=True)
            numbers = {child.identity: trial.number for child, trial in pairs}
            storage = sqlite_address(_studies(session))
            pruning.announce(session.folder, storage, study.study_name, numbers)
        session.run(children)
        for trial, child in zip(trials, children, strict=True):
            _tell(study, trial, child, session.config.objective)

    def _ask(self, study: Study) -> Trial:
        """A trial seeded by its number, so that an interrupted search continues as it would have."""
        import optuna

        number = len(study.get_trials(deepcopy=False))
        study.sampler = optuna.samplers.TPESampler(seed=(self.seed + 7919 * number) % 2**32)
        trial = study.ask()
        trial.set_user_attr(PROCESS, process.this())
        return trial


def _tell(study: Study, trial: Trial, child: Child, objective: str) -> None:
    from optuna.trial import TrialState

    if child.state in WITH_RESULT and objective in child.metrics:
        trial.set_user_attr(RESULT, {"run_id": child.run_id, "metrics": child.metrics})
        study.tell(trial, child.metrics[objective])
    else:
        pruned = child.state == "pruned"
        study.tell(trial, state=TrialState.PRUNED if pruned else TrialState.FAIL)


def _studies(session: Session) -> Path:
    """The file of all studies of an output folder."""
    return (Path(session.config.output) / "studies.db").resolve()


def _opened(file: Path) -> RDBStorage:
    from optuna.storages import RDBStorage

    try:
        return RDBStorage(sqlite_address(file))
    except Exception as error:  # whatever SQLAlchemy raises
        raise InputError(
            f"the studies of searches in {file} cannot be read ({first_line(error)}); move that file"
            " away to start new ones"
        ) from None


def _unsettled(study: Study, keys: set[str]) -> list[dict[str, object]]:
    """The settings of failed trials over these keys, each once, that no other trial covers."""
    unsettled: list[dict[str, object]] = []
    settled = [t.params for t in study.trials if t.state.name in SETTLED]
    settled += [t.system_attrs.get("fixed_params", {}) for t in study.trials]  # queued already
    for trial in (t for t in study.trials if t.state.name == "FAIL" and set(t.params) == keys):
        if trial.params not in [*settled, *unsettled]:
            unsettled.append(trial.params)
    return unsettled


def _count_ended(study: Study) -> int:
    """The number of trials that ended, with or without a result."""
    return sum(map(_ended, study.get_trials(deepcopy=False)))


def _ended(trial: FrozenTrial) -> bool:
    """Whether it has a result or was pruned, or failed in this session."""
    failed = trial.state.name == "FAIL" and trial.user_attrs.get(PROCESS) == process.this()
    return failed or trial.state.name in SETTLED


def _before(trial: FrozenTrial, ranges: Mapping[str, Override], same: Sequence[str]) -> Child:
    """A trial of an earlier session, for the table."""
    words = [f"{key}={space.typed(trial.params[key])}" for key in ranges if key in trial.params]
    child = Child((*same, *words))
    if RESULT in trial.user_attrs:
        child.end("skipped", **trial.user_attrs[RESULT])
    else:
        child.prune("pruned in an earlier session")
    return child
