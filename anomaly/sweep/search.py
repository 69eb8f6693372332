"""Optuna chooses what to try next, by what was found so far; its study lies in a file and goes on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.plugins.sweeper import Sweeper

from anomaly.errors import InputError, first_line
from anomaly.metrics.direction import lower_is_better
from anomaly.run import pruning
from anomaly.runtime import process
from anomaly.sweep import plan, space
from anomaly.sweep.plan import Child

if TYPE_CHECKING:
    from optuna import Study
    from optuna.storages import RDBStorage
    from optuna.trial import FrozenTrial, Trial

    from anomaly.sweep.session import Session

FOUND = ("done", "skipped")
SETTLED = ("COMPLETE", "PRUNED")  # the states of trials that need not be tried again
RESULT, PROCESS = "result", "process"  # what is noted of a trial


class Search(Sweeper):
    """Tries `trials` settings in all, `at_once` at a time; a study that was begun goes on.

    Args:
        params: {key: a sweep in Hydra's words}, such as `tag(log, interval(1e-4, 1e-2))`; the
            command line may replace each or add others. Everything else typed is the same for all.
        study: a name, to go on with a study after its settings have changed; null: named by them.
        prune: whether to give up trials that fall behind, where epochs have the objective's figure.
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
        """As Hydra wants it of a sweeper."""
        from hydra.core.plugins import Plugins

        self.config, self.loader = config, hydra_context.config_loader
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> Any:
        """Run the trials that are left, and write the best as an experiment."""
        from anomaly.sweep import best
        from anomaly.sweep.session import Session

        assert self.config and self.launcher
        self._check()
        ranges, same = self._typed(arguments)
        session = Session(self.config, self.loader, self.launcher)
        base = session.plan([same])
        plan.expect_some(base)
        assert base[0].run
        space.check(ranges, base[0].run)
        name = self._name(ranges, same, base[0].identity)
        session.open(base, key=name)
        session.children = []
        try:
            study = self._open(session, name, set(ranges))
            before = [trial for trial in study.trials if _ended(trial)]
            session.children = [_before(trial, ranges, same) for trial in before]
            while (left := self.trials - _told(study)) > 0:
                self._batch(session, study, ranges, same, min(left, self.at_once))
        finally:
            session.conclude()
        best.write(session, same)
        session.exit()

    def _check(self) -> None:
        """Raises InputError for numbers that are none."""
        for name, least in (("trials", 1), ("at_once", 1), ("seed", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or value < least:
                raise InputError(
                    f"hydra.sweeper.{name} must be a whole number from {least}, got {value}"
                )

    def _typed(self, arguments: Sequence[str]) -> tuple[dict[str, Override], list[str]]:
        """What varies, by key, and what does not."""
        words = [*(f"{key}={value}" for key, value in self.params.items()), *arguments]
        parsed = {o.get_key_element(): o for o in OverridesParser.create().parse_overrides(words)}
        ranges = {key: own for key, own in parsed.items() if own.is_sweep_override()}
        if not ranges:
            raise InputError("a search needs something to vary, such as 'seed=range(5)'")
        same = [f"{k}={o.get_value_element_as_str()}" for k, o in parsed.items() if k not in ranges]
        return ranges, same

    def _name(self, ranges: Mapping[str, Override], same: Sequence[str], identity: str) -> str:
        """With other data or code, which `identity` knows, it is another study."""
        words = [*(own.input_line or "" for own in ranges.values()), *same, identity]
        return self.study or hashlib.sha256("\n".join(sorted(words)).encode()).hexdigest()[:16]

    def _open(self, session: Session, name: str, keys: set[str]) -> Study:
        """The study, and in it what failed or was killed before: to be tried again first."""
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        objective = session.config.objective
        study = optuna.create_study(
            storage=_opened(_storage(session)),
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
        """Ask for some settings, try them, and tell what came of them."""
        trials = [self._ask(study) for _ in range(count)]
        chosen = [[f"{k}={space.suggest(t, k, own)}" for k, own in ranges.items()] for t in trials]
        children = session.plan([[*same, *own] for own in chosen])
        if self.prune:
            own = zip(children, trials, strict=True)
            numbers = {child.identity: trial.number for child, trial in own}
            pruning.announce(session.folder, _storage(session), study.study_name, numbers)
        session.run(children)
        for trial, child in zip(trials, children, strict=True):
            _tell(study, trial, child, session.config.objective)

    def _ask(self, study: Study) -> Trial:
        """Seeded by its number, so that a search that was interrupted asks what it would have asked."""
        import optuna

        number = len(study.get_trials(deepcopy=False))
        study.sampler = optuna.samplers.TPESampler(seed=(self.seed + 7919 * number) % 2**32)
        trial = study.ask()
        trial.set_user_attr(PROCESS, process.this())
        return trial


def _tell(study: Study, trial: Trial, child: Child, objective: str) -> None:
    from optuna.trial import TrialState

    if child.state in FOUND and objective in child.metrics:
        trial.set_user_attr(RESULT, {"run_id": child.run_id, "metrics": child.metrics})
        study.tell(trial, child.metrics[objective])
    else:
        pruned = child.state == "pruned"
        study.tell(trial, state=TrialState.PRUNED if pruned else TrialState.FAIL)


def _opened(url: str) -> RDBStorage:
    from optuna.storages import RDBStorage

    try:
        return RDBStorage(url)
    except Exception as error:  # whatever SQLAlchemy raises
        raise InputError(
            f"the studies of searches in {url.removeprefix('sqlite:///')} cannot be read"
            f" ({first_line(error)}); move that file away, and they begin anew"
        ) from None


def _storage(session: Session) -> str:
    return f"sqlite:///{(Path(session.config.output) / 'studies.db').resolve()}"


def _unsettled(study: Study, keys: set[str]) -> list[dict[str, object]]:
    """What was tried of these keys and has no result, each once."""
    found: list[dict[str, object]] = []
    settled = [t.params for t in study.trials if t.state.name in SETTLED]
    settled += [t.system_attrs.get("fixed_params", {}) for t in study.trials]  # to be tried already
    for trial in (t for t in study.trials if t.state.name == "FAIL" and set(t.params) == keys):
        if trial.params not in [*settled, *found]:
            found.append(trial.params)
    return found


def _told(study: Study) -> int:
    """Trials that came to an end, well or not."""
    return sum(map(_ended, study.get_trials(deepcopy=False)))


def _ended(trial: FrozenTrial) -> bool:
    """With a result, or failed in this session."""
    failed = trial.state.name == "FAIL" and trial.user_attrs.get(PROCESS) == process.this()
    return failed or trial.state.name in SETTLED


def _before(trial: FrozenTrial, ranges: Mapping[str, Override], same: Sequence[str]) -> Child:
    """What an earlier session found, for the table."""
    own = [f"{key}={space.typed(trial.params[key])}" for key in ranges if key in trial.params]
    child = Child((*same, *own))
    if RESULT in trial.user_attrs:
        child.end("skipped", **trial.user_attrs[RESULT])
    else:
        child.prune("given up in an earlier session")
    return child
