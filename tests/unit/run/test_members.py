"""Who may vote: runs in a real MLflow store, found by their tags or named by their ids."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient

from anomaly.config.schema import MembersConfig
from anomaly.errors import InputError
from anomaly.run.members import Member, find
from anomaly.tracking.disk.predictions import write_predictions
from anomaly.tracking.run import start
from anomaly.tracking.store import store_at
from anomaly.types import Annotation, Dataset, Detections, Image, Predictions, Sample, Split

# 2026-11: MLflow 3 still uses a loader that SQLAlchemy 2.1 has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader:DeprecationWarning")

CLASSES = ("good", "bent")
GRID = 8
IDS = {"train": range(0, 4), "test": range(4, 8), "validate": range(8, 11)}
NUMBERS = count()


def split(name: str, grid: int) -> Split:
    samples = (
        Sample(Image(f"test/{n}.png", Path(f"{n}.png"), str(n)), Annotation(n % 2), n)
        for n in IDS[name]
    )
    return Split(name, tuple(samples), grid)


def dataset_of(category: str, digest: str, folds_digest: str | None, grid: int = GRID) -> Dataset:
    parts = (split(name, grid) for name in ("train", "validate", "test"))
    return Dataset(category, CLASSES, *parts, digest, folds_digest)


def predictions(of: Split, classes=CLASSES, ids: Sequence[str] | None = None) -> Predictions:
    """Each image has a probability of its own."""
    own = tuple(ids or of.ids)
    sure = np.array([1 / (2 + int(id.rpartition("/")[2].split(".")[0])) for id in own])
    proba = np.stack([sure, 1 - sure, *[0 * sure] * (len(classes) - 2)], 1)
    pixels = np.zeros((len(own), of.grid, of.grid), bool)
    none = Detections(
        np.zeros((0, 4), np.float32), pixels[:0], np.zeros(0, np.float32), np.zeros(0, np.int64)
    )
    heat = pixels.astype(np.float32)
    return Predictions(own, classes, proba, heat, pixels, (none,) * len(own))


class Shop:
    """A category with a store of runs; its members are recorded as a training run records them."""

    def __init__(
        self, folder: Path, digest: str = "split", folds_digest: str | None = None
    ) -> None:
        self.folder, self.store = folder, store_at(folder)
        self.category = f"widget{next(NUMBERS)}"
        self.dataset = dataset_of(self.category, digest, folds_digest)

    def new_folder(self) -> Path:
        made = self.folder / "runs" / str(next(NUMBERS))
        made.mkdir(parents=True)
        return made

    def fold(self, number: int) -> Shop:
        """The same category at another fold."""
        self.dataset = dataset_of(self.category, f"split{number}", "folds")
        return self

    def run(
        self,
        kind: str = "tiny",
        accuracy: float | None = 0.5,
        status: str = "FINISHED",
        spoil: Callable[[Path], None] = lambda folder: None,
        said: Callable[[Split], Predictions] = predictions,
        metrics: dict[str, float] | None = None,
        **tags: str,
    ) -> str:
        """Record a run; `spoil` is done to its folder before that is sent to MLflow."""
        own = self.new_folder()
        tags = {"role": "member", "split": self.dataset.digest, "kind": kind} | tags
        tags |= {"category": self.category}
        figures = {"val/accuracy": accuracy} if accuracy is not None else {}
        recording = start(
            self.store, own, experiment=self.category, name=kind, params={}, tags=tags
        )
        try:
            with recording as tracker:
                for part, of in (("val", self.dataset.validate), ("test", self.dataset.test)):
                    write_predictions(own / "predictions" / f"{part}.npz", said(of))
                spoil(own)
                if status != "FINISHED":
                    raise KeyboardInterrupt if status == "KILLED" else RuntimeError
                tracker.finish(figures | (metrics or {}))
        except (KeyboardInterrupt, RuntimeError):
            assert status != "FINISHED"
        return tracker.record.run_id

    def find(self, *run_ids: str, fold: int = 0, **options: object) -> list[Member]:
        chosen = {"metric": "val/accuracy", "most": 5, "where": []} | options
        config = MembersConfig(run_ids=list(run_ids), **chosen)
        return find(config, self.dataset, fold, self.store)

    def found(self, *run_ids: str, **options: object) -> list[str]:
        return [member.run_id for member in self.find(*run_ids, **options)]

    def refusal(self, *run_ids: str, **options: object) -> str:
        with pytest.raises(InputError) as caught:
            self.find(*run_ids, **options)
        return str(caught.value)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture
def shop(folder) -> Shop:
    return Shop(folder)


# === Found ===


def test_the_best_of_each_kind_are_found_the_best_first(shop):
    shop.run("tiny", 0.7)
    best = shop.run("tiny", 0.8)
    shop.run("tiny", 0.6)
    svm, bovw = shop.run("tiny-svm", 0.9), shop.run("bovw", 0.2)
    assert shop.found() == [svm, best, bovw]
    assert shop.found(most=2) == [svm, best]


def test_of_equally_good_runs_the_newest_is_found(shop):
    shop.run("tiny")
    newest, other = shop.run("tiny"), shop.run("bovw")
    assert set(shop.found()) == {newest, other}


def test_only_finished_members_of_this_very_split_and_category_are_found(folder, shop):
    own = {shop.run("tiny"), shop.run("bovw")}
    shop.run("a", 1.0, split="another")
    shop.run("b", 1.0, status="FAILED")
    shop.run("c", 1.0, status="KILLED")
    shop.run("d", 1.0, role="ensemble")
    shop.run("e", 1.0, role="pooled")
    Shop(folder).run("f", 1.0)
    assert set(shop.found()) == own


def test_only_runs_with_the_given_tags_are_found(shop):
    shop.run("tiny", trainer="smoke")
    chosen = {shop.run(kind, trainer="transfer") for kind in ("tiny", "bovw")}
    assert set(shop.found(where=["trainer=transfer"])) == chosen
    both = {shop.run(kind, trainer="transfer", augment="none") for kind in ("tiny", "bovw")}
    assert set(shop.found(where=["trainer=transfer", "augment=none"])) == both


def test_a_tag_with_a_quote_in_it_is_text_like_any_other(shop):
    shop.run("tiny")
    chosen = {shop.run(kind, operator='O\'Neill = "x"') for kind in ("tiny", "bovw")}
    assert set(shop.found(where=['operator=O\'Neill = "x"'])) == chosen


@pytest.mark.parametrize("condition", ["role=ensemble", "split=another"])
def test_no_condition_makes_a_member_of_what_is_none(condition, shop):
    tag, value = condition.split("=")
    for kind in ("soft_vote", "hard_vote"):
        shop.run(kind, **{tag: value})
    shop.refusal(where=[condition])


def test_the_metric_chooses_which_run_of_a_kind_it_is(shop):
    accurate = shop.run("tiny", 0.9, metrics={"val/map": 0.1})
    precise = shop.run("tiny", 0.8, metrics={"val/map": 0.2})
    other = shop.run("bovw", 0.1, metrics={"val/map": 0.0})
    assert shop.found() == [accurate, other]
    assert shop.found(metric="val/map") == [precise, other]


@pytest.mark.parametrize("metric", ["escape_rate", "sorting_overkill_rate", "ece", "escapes"])
def test_of_a_metric_that_counts_mistakes_the_lowest_is_best(metric, shop):
    careful = shop.run("tiny", metrics={f"val/{metric}": 0.0})
    shop.run("tiny", metrics={f"val/{metric}": 0.5})
    other = shop.run("bovw", metrics={f"val/{metric}": 0.2})
    assert shop.found(metric=f"val/{metric}") == [careful, other]


def test_a_run_without_the_metric_is_passed_over(shop):
    shop.run("tiny", None)
    own = {shop.run("tiny", 0.1), shop.run("bovw", 0.1)}
    assert set(shop.found()) == own


def test_runs_that_were_recorded_before_runs_had_a_kind_are_found_or_passed_over(shop):
    old, own = shop.run("tiny"), [shop.run("tiny", 0.9), shop.run("bovw", 0.8)]
    MlflowClient(shop.store.uri).delete_tag(old, "kind")
    assert [id for id in shop.found() if id != old] == own


# === What they say ===


def test_predictions_come_in_the_order_of_the_split_joined_by_id(shop):
    def turned(of: Split) -> Predictions:
        return predictions(of, ids=of.ids[::-1])

    straight, crooked = shop.run("tiny"), shop.run("bovw", said=turned)
    for member in shop.find(straight, crooked):
        for said, of in (
            (member.validate, shop.dataset.validate),
            (member.test, shop.dataset.test),
        ):
            assert said.ids == of.ids
            assert said.proba == pytest.approx(predictions(of).proba)


# === Named ===


def test_named_runs_vote_in_the_order_in_which_they_are_named(shop):
    good, poor = shop.run("tiny", 0.9), shop.run("tiny", 0.1)
    shop.run("bovw", 1.0)
    assert shop.found(poor, good) == [poor, good]
    assert [member.name for member in shop.find(poor, good)] == ["tiny", "tiny"]


def test_of_named_runs_there_may_be_more_than_the_most_that_are_found(shop):
    ids = [shop.run("tiny") for _ in range(3)]
    assert shop.found(*ids, most=2) == ids


# === Folds ===


@pytest.fixture
def folds(folder) -> tuple[Shop, dict[str, list[str]]]:
    """A shop, and the runs of three folds of two cross-validations."""
    shop = Shop(folder)
    runs = {
        kind: [shop.fold(n).run(kind, cross_validation=f"cv-{kind}", fold=str(n)) for n in range(3)]
        for kind in ("tiny", "bovw")
    }
    return shop.fold(0), runs


@pytest.mark.parametrize("fold", range(3))
def test_a_named_run_stands_for_its_sibling_of_the_fold(fold, folds):
    shop, runs = folds
    named = runs["tiny"][0], runs["bovw"][0]
    wanted = [runs["tiny"][fold], runs["bovw"][fold]]
    assert shop.fold(fold).found(*named, fold=fold) == wanted


@pytest.mark.parametrize("fold", range(3))
def test_every_fold_finds_its_own(fold, folds):
    shop, runs = folds
    assert set(shop.fold(fold).found(fold=fold)) == {own[fold] for own in runs.values()}


def test_of_a_fold_that_was_run_twice_the_newest_sibling_votes(folds):
    shop, runs = folds
    again = shop.fold(1).run("tiny", cross_validation="cv-tiny", fold="1")
    assert shop.found(runs["tiny"][0], runs["bovw"][0], fold=1) == [again, runs["bovw"][1]]


def test_a_fold_that_was_not_run_is_asked_for(folds):
    shop, runs = folds
    lone = shop.fold(0).run("lone", cross_validation="cv-lone", fold="0")
    assert shop.fold(2).refusal(lone, runs["bovw"][0], fold=2) == (
        f"run {lone} (lone) belongs to a cross-validation whose fold 2 is not finished; run that fold first"
    )


def test_two_siblings_are_one_voice_at_every_fold(folds):
    shop, runs = folds
    for fold in range(3):
        said = shop.fold(fold).refusal(*runs["tiny"][:2], fold=fold)
        assert runs["tiny"][fold] in said and "twice" in said


@pytest.mark.parametrize("role", ["pooled", "ensemble"])
@pytest.mark.parametrize("fold", range(3))
def test_a_run_that_is_no_member_is_refused_at_every_fold(fold, role, folds):
    """A pooled run carries the split of the fold that came last, and its members' name."""
    shop, runs = folds
    other = shop.fold(2).run("tiny", role=role, cross_validation="cv-tiny", fold="all")
    said = shop.fold(fold).refusal(other, runs["bovw"][0], fold=fold)
    assert said == f"run {other} (tiny) is not a trained model (role {role}); name others"


# === Refused ===


def test_a_run_that_names_no_defect_type_cannot_vote(shop):
    def gate(of: Split) -> Predictions:
        return Predictions(of.ids, CLASSES, score=np.zeros(len(of), np.float32))

    run_id = shop.run("gate", said=gate)
    assert shop.refusal(run_id, shop.run("tiny")) == (
        f"run {run_id} (gate) tells good parts from others but names no defect type, so it cannot"
        " vote; name another in members.run_ids"
    )


def test_a_member_need_not_show_where_defects_are(shop):
    def namer(of: Split) -> Predictions:
        return Predictions(of.ids, CLASSES, predictions(of).proba)

    members = shop.find(shop.run("namer", said=namer), shop.run("tiny"))
    assert members[0].test.heat is None
    assert np.array_equal(members[0].test.proba, members[1].test.proba)


def without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / "predictions" / name).unlink()


def cut(name: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        path = folder / "predictions" / name
        path.write_bytes(path.read_bytes()[:-100])

    return spoil


def with_others(of: Split) -> Predictions:
    return predictions(of, ids=[*of.ids[:-1], "test/99.png"])


def with_fewer(of: Split) -> Predictions:
    return predictions(of, ids=of.ids[:-2])


def of_other_classes(of: Split) -> Predictions:
    return predictions(of, classes=("good", "dent"))


def of_more_classes(of: Split) -> Predictions:
    return predictions(of, classes=("good", "bent", "dent"))


def on_a_finer_grid(of: Split) -> Predictions:
    return predictions(split(of.name, 2 * GRID))


OTHER_SPLIT = (
    "{own} was trained on another split than this one ({category} another, here {category} split):"
    " a member must share data.category, seed, shares and folds"
)
# (title, what is wrong with the second of two named runs, the answer)
REFUSED = [
    ("one of another split", {"split": "another"}, OTHER_SPLIT),
    (
        "an ensemble",
        {"role": "ensemble"},
        "{own} is not a trained model (role ensemble); name others",
    ),
    ("a pooled run", {"role": "pooled"}, "{own} is not a trained model (role pooled); name others"),
    (
        "one that failed",
        {"status": "FAILED"},
        "{own} is not finished (FAILED); name another",
    ),
    (
        "one that was stopped",
        {"status": "KILLED"},
        "{own} is not finished (KILLED); name another",
    ),
    (
        "one whose predictions are missing",
        {"spoil": without("test.npz")},
        "{own} cannot vote: predictions/test.npz is missing in {files} (...)",
    ),
    (
        "one whose predictions were cut short",
        {"spoil": cut("val.npz")},
        "{own} cannot vote: {files}/predictions/val.npz holds no usable predictions: ...",
    ),
    (
        "one that saw other images",
        {"said": with_others},
        "{own} has other images in validate: 2 do not match, such as test/10.png",
    ),
    (
        "one that saw fewer images",
        {"said": with_fewer},
        "{own} has other images in validate: 2 do not match, such as test/10.png",
    ),
    (
        "one that never saw a class",
        {"said": of_other_classes},
        "{own} never saw class bent; train it on this category",
    ),
    (
        "one that knows more classes",
        {"said": of_more_classes},
        "{own} knows the classes good, bent, dent, this split has good, bent",
    ),
    (
        "one on another grid",
        {"said": on_a_finer_grid},
        "{own} was evaluated on a grid of 16 pixels, this ensemble on 8; give data.grid=16",
    ),
]


def assert_says(said: str, sentence: str) -> None:
    """`...` stands for words of another program."""
    *parts, last = sentence.split("...")
    assert "\n" not in said
    assert said.endswith(last)
    for part in parts:
        assert said.startswith(part), said
        said = said.removeprefix(part)


@pytest.mark.parametrize("wrong, sentence", [pytest.param(*r[1:], id=r[0]) for r in REFUSED])
def test_a_run_that_cannot_vote_is_named_and_so_is_what_to_do(wrong, sentence, shop):
    good, bad = shop.run("tiny"), shop.run("bovw", **wrong)
    files = MlflowClient(shop.store.uri).get_run(bad).info.artifact_uri
    words = {"own": f"run {bad} (bovw)", "category": shop.category, "files": files}
    assert_says(shop.refusal(good, bad), sentence.format_map(words))


def test_a_run_that_is_still_running_is_refused(shop):
    other, own = shop.run("tiny"), shop.new_folder()
    tags = {"role": "member", "split": "split", "kind": "bovw"}
    with start(
        shop.store, own, experiment=shop.category, name="bovw", params={}, tags=tags
    ) as tracker:
        running = tracker.record.run_id
        assert shop.refusal(other, running) == (
            f"run {running} (bovw) is not finished (RUNNING); name another"
        )
        tracker.finish({})


def test_a_run_of_another_category_is_refused(folder, shop):
    elsewhere = Shop(folder, digest="another")
    good, bad = shop.run("tiny"), elsewhere.run("bovw")
    assert shop.refusal(good, bad) == (
        f"run {bad} (bovw) was trained on another split than this one ({elsewhere.category}"
        f" another, here {shop.category} split): a member must share data.category, seed, shares"
        " and folds"
    )


def test_a_run_that_is_not_there_is_named(shop):
    said = shop.refusal(shop.run("tiny"), "0" * 32)
    assert said.startswith(f"run {'0' * 32} was not found in {shop.store.uri}: ")


def test_a_deleted_run_votes_no_more(shop):
    good, gone = shop.run("tiny"), shop.run("bovw")
    MlflowClient(shop.store.uri).delete_run(gone)
    assert gone in shop.refusal(good, gone)


def test_none_and_one_are_too_few(shop):
    needs = (
        f"an ensemble needs 2 or more members of this split ({shop.category} split), there is {{}};"
        " train more, such as `python train.py data.root=... data.category=... model=bovw`, with"
        " the same seed and folds"
    )
    assert shop.refusal() == needs.format("none")
    only = shop.run("tiny")
    assert shop.refusal() == shop.refusal(only) == needs.format(f"only run {only} (tiny)")
    again = shop.run("tiny")  # of the same kind, so still one voice
    assert shop.refusal() == needs.format(f"only run {again} (tiny)")


def test_too_few_with_the_tags_that_were_asked_for(shop):
    shop.run("tiny"), shop.run("bovw")
    assert "there is none with the tags of members.where (trainer=gpu);" in shop.refusal(
        where=["trainer=gpu"]
    )


def test_a_metric_that_no_run_has_is_told_with_those_that_they_have(shop):
    newest = [shop.run(kind, 0.5, metrics={"val/map": 0.1}) for kind in ("tiny", "bovw")][-1]
    assert shop.refusal(metric="val/acuracy") == (
        f"members.metric=val/acuracy is not a figure of run {newest} (bovw);"
        " did you mean val/accuracy? (one of: val/accuracy, val/map)"
    )
