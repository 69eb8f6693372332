"""THE TABLE of bad input: what is given, and the sentence that answers it.

Every row is a real command line. It must fail, print nothing but `error: ` and the sentence, and
above all no traceback. In a sentence `...` stands for words of another program. Rows are answered
before TensorFlow is imported, in a second or two; the last ones need it to read weights.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from .conftest import REPOSITORY, Ended, write

DATA = "data.root={station} data.category=widget "
SMALL = "model=tiny model.image_size=64 backbone.width=8 "
WIDGET = "{station}/widget"


def nothing(station: Path) -> None:
    """The station as it is: all in order."""


def empty_category(station: Path) -> None:
    (station / "empty" / "train" / "good").mkdir(parents=True)


def unreadable_files(station: Path) -> None:
    image = station / "widget" / "train" / "good" / "000.png"
    image.with_name("001.png").write_bytes(image.read_bytes()[:1000])
    jpeg = cv2.imencode(".jpg", cv2.imread(str(image)))[1].tobytes()
    image.with_name("010.jpg").write_bytes(jpeg[:1000])
    image.write_bytes(b"")
    dents = station / "widget" / "test" / "dent"
    (dents / "000.png").write_text("hello")
    (dents / "notes.txt").write_text("hello")


def huge_image(station: Path) -> None:
    write(station / "widget" / "test" / "good" / "000.png", np.zeros((30_000, 30_000), np.uint8))


def mask(station: Path, pixels: np.ndarray) -> None:
    write(station / "widget" / "ground_truth" / "dent" / "000_mask.png", pixels)


def mask_of_another_size(station: Path) -> None:
    mask(station, np.full((16, 24), 255, np.uint8))


def black_mask(station: Path) -> None:
    mask(station, np.zeros((32, 32), np.uint8))


def missing_mask(station: Path) -> None:
    (station / "widget" / "ground_truth" / "dent" / "000_mask.png").unlink()


def mask_without_image(station: Path) -> None:
    (station / "widget" / "test" / "dent" / "000.png").unlink()


def classes_that_differ_by_case(station: Path) -> None:
    write(station / "widget" / "test" / "Dent" / "000.png", np.zeros((32, 32), np.uint8))


def classes_that_differ_by_signs(station: Path) -> None:
    for label in ("a+b", "a&b"):
        write(station / "widget" / "test" / label / "000.png", np.zeros((32, 32), np.uint8))


def two_images_of_one_mask(station: Path) -> None:
    image = station / "widget" / "train" / "dent" / "000.png"
    write(image, np.random.default_rng(1).integers(0, 256, (32, 32), np.uint8))


def masks_of_no_class(station: Path) -> None:
    write(station / "widget/ground_truth/dnet/000_mask.png", np.full((32, 32), 255, np.uint8))


def name_that_is_not_text(station: Path) -> None:
    image = station / "widget" / "test" / "good" / "000.png"
    os.rename(image, os.fsencode(image.parent) + b"/\xe4.png")


def no_good_parts(station: Path) -> None:
    for part in ("train", "test"):
        (station / "widget" / part / "good").rename(station / "widget" / part / "fine")


def only_good_parts(station: Path) -> None:
    for label in ("dent", "crack"):
        (station / "widget" / "test" / label).rename(station / label)


def unknown_name_in_groups(station: Path) -> None:
    (station / "widget" / "groups.csv").write_text("file,group\ntest/dent/999.png,1\n")


# (title, what is typed, what is spoiled, the answer)
FOLDERS = [
    (
        "a root that is missing",
        "data.root={station}/nowhere",
        nothing,
        "data.root={station}/nowhere is not a folder; {station} holds: widget;"
        " give the folder of categories as data.root=DIR, or try data=demo",
    ),
    (
        "a category that is missing",
        "data.root={station} data.category=wigdet",
        nothing,
        "data.category=wigdet is not in {station}, which holds: widget",
    ),
    (
        "a category that is a path",
        "data.root={station} data.category=../station/widget",
        nothing,
        "data.category must be the name of a folder in data.root, got ../station/widget;"
        " give the folder above it as data.root",
    ),
    (
        "a category without images",
        "data.root={station} data.category=empty",
        empty_category,
        "{station}/empty: no images; expected train/good/*.png and test/<class>/*.png",
    ),
    (
        "files that are empty, truncated or no images: all are listed",
        DATA,
        unreadable_files,
        "5 files cannot be used; repair or remove:\n"
        "  train/good/000.png: empty file\n"
        "  train/good/001.png: truncated\n"
        "  train/good/010.jpg: truncated\n"
        "  test/dent/000.png: not an image\n"
        "  test/dent/notes.txt: not an image (.png, .jpg, .jpeg, .bmp, .tif, .tiff)",
    ),
    (
        "an image that would fill the memory",
        DATA,
        huge_image,
        "1 file cannot be used; repair or remove:\n"
        "  test/good/000.png: 30000 x 30000 pixels, above the limit of 200 million",
    ),
    (
        "a mask of another size than its image",
        DATA,
        mask_of_another_size,
        "1 file cannot be used; repair or remove:\n"
        "  test/dent/000.png: its mask ground_truth/dent/000_mask.png is 16 x 24 pixels,"
        " the image 32 x 32",
    ),
    (
        "a mask that marks nothing",
        DATA,
        black_mask,
        "1 file cannot be used; repair or remove:\n"
        "  test/dent/000.png: its mask ground_truth/dent/000_mask.png is empty (all black)",
    ),
    (
        "a mask that is missing",
        DATA,
        missing_mask,
        "1 file cannot be used; repair or remove:\n"
        "  test/dent/000.png: no mask; expected ground_truth/dent/000_mask.png",
    ),
    (
        "a mask whose image is missing",
        DATA,
        mask_without_image,
        "1 file cannot be used; repair or remove:\n"
        "  ground_truth/dent/000_mask.png: no image test/dent/000.*",
    ),
    (
        "one mask for two images",
        DATA,
        two_images_of_one_mask,
        "1 file cannot be used; repair or remove:\n"
        "  ground_truth/dent/000_mask.png: the mask of two images, test/dent/000.png and"
        " train/dent/000.png; give each image a different name and a mask with that name",
    ),
    (
        "masks of a class without images",
        DATA,
        masks_of_no_class,
        "1 file cannot be used; repair or remove:\n"
        "  ground_truth/dnet: masks of a class without images; expected test/dnet",
    ),
    (
        "a name that is not UTF-8",
        DATA,
        name_that_is_not_text,
        "1 file cannot be used; repair or remove:\n"
        "  test/good/\\xe4.png: its name is not UTF-8; rename it",
    ),
    (
        "two classes that would share the names of their metrics",
        DATA,
        classes_that_differ_by_signs,
        WIDGET + ": classes a&b, a+b would share the metric name a_b; rename one",
    ),
    (
        "two classes that differ by case",
        DATA,
        classes_that_differ_by_case,
        WIDGET + ": classes Dent, dent differ by case only; rename one",
    ),
    (
        "no good parts",
        DATA,
        no_good_parts,
        WIDGET + ": no class 'good'; it has crack, dent, fine",
    ),
    (
        "nothing but good parts",
        DATA,
        only_good_parts,
        WIDGET + ": only class 'good'; there must be a defect type, as test/<class>",
    ),
    (
        "a class to leave out that is not there",
        DATA + "data.exclude=[dnet]",
        nothing,
        "data.exclude names dnet, but {station}/widget has good, crack, dent",
    ),
    (
        "a class too small for the folds",
        DATA + "data.exclude=[crack] data.folds=5",
        nothing,
        "class 'dent' has 4 independent images, too few for 5 folds (data.folds):"
        " add at least 1 more, or leave it out with data.exclude=[dent]",
    ),
    (
        "too few demo images for the three splits",
        "data=demo data.images=2",
        nothing,
        "data.images must be 3 or more, one for each split or fold, got 2",
    ),
    (
        "a list of copies that names no image",
        DATA,
        unknown_name_in_groups,
        WIDGET + "/groups.csv names 'test/dent/999.png', which is not an image of the category",
    ),
]

VALUES = [
    (
        "an unknown key: the nearest right one",
        "trainer.learning_rat=1",
        nothing,
        "trainer.learning_rat is not a known key; did you mean trainer.learning_rate?",
    ),
    (
        "an unknown key: the nearest of the chosen options, not of the default ones",
        "data.image=3 data=demo",
        nothing,
        "data.image is not a known key; did you mean data.images?",
    ),
    (
        "an unknown key with nothing near it",
        "colour=red",
        nothing,
        "colour is not a known key; `python train.py --cfg job` lists them all",
    ),
    (
        "an unknown key that was forced in",
        "+trainer.patience=3",
        nothing,
        "trainer.patience is not a known key; trainer has batch_size, distribution, epochs,"
        " finetune, learning_rate, precision, rerun, steps_per_epoch, xla",
    ),
    (
        "an unknown key that is short for a right one",
        "trainer.lr=1",
        nothing,
        "trainer.lr is not a known key; did you mean trainer.learning_rate?",
    ),
    (
        "an unknown key of a slot, forced in: what the slot has",
        "++augment.foo=1",
        nothing,
        "augment.foo is not known to this augment; augment has factor, good_factor",
    ),
    (
        "a group that is to be nothing",
        "trainer=null",
        nothing,
        "trainer=null is no choice; give one of its options: default, detector,"
        " detector_gpu, gpu, scratch, smoke, transfer",
    ),
    (
        "a group that is to be a number",
        "trainer=2",
        nothing,
        "trainer=2 is not known (one of: default, detector, detector_gpu, gpu, scratch, smoke, transfer)",
    ),
    (
        "a group that is nothing by itself",
        "experiment=null",
        nothing,
        "experiment=null is the default; leave it out, or give one of its options: ...",
    ),
    (
        "a word that is no KEY=VALUE",
        "a=b=c",
        nothing,
        "'a=b=c' cannot be read as KEY=VALUE; put quotes around a value with special characters,"
        " as in 'KEY=\"VALUE\"'",
    ),
    (
        "one value for a whole section",
        "cache=[1]",
        nothing,
        "cache is a section; set one of its keys, such as cache.gigabytes=...",
    ),
    (
        "a key that others need, taken away",
        "~seed",
        nothing,
        "data.seed needs seed, which has no value; give it as seed=...",
    ),
    (
        "no value for a key that must have one",
        "seed=null",
        nothing,
        "seed must have a value, got null",
    ),
    (
        "a seed below 0, which data.seed follows: one sentence",
        "seed=-1",
        nothing,
        "seed must be between 0 and 4294967295, got -1",
    ),
    (
        "a head that drops everything",
        "model.dropout=1",
        nothing,
        "model.dropout must be from 0 to below 1, got 1",
    ),
    (
        "a level named twice",
        "model.levels=[C4,C4]",
        nothing,
        "model.levels must be a list, each one of C2, C3, C4, C5, not empty and none twice,"
        " got ['C4', 'C4']",
    ),
    (
        "an unknown option: the nearest right one, and all of them",
        "augment=lite",
        nothing,
        "augment=lite is not known; did you mean light? (one of: classic, light, none, strong)",
    ),
    (
        "an unknown group: the nearest right one",
        "modle=tiny",
        nothing,
        "modle is not a known key; did you mean model?",
    ),
    (
        "a learning rate below 0",
        "trainer.learning_rate=-1",
        nothing,
        "trainer.learning_rate must be above 0 and at most 10, got -1.0",
    ),
    (
        "a learning rate that is no number",
        "trainer.learning_rate=fast",
        nothing,
        "trainer.learning_rate must be a number, got fast",
    ),
    (
        "a batch of no images",
        "trainer.batch_size=0",
        nothing,
        "trainer.batch_size must be between 1 and 65536, got 0",
    ),
    (
        "several wrong values: all are named",
        "trainer.batch_size=0 model.image_size=20 cache.gigabytes=0",
        nothing,
        "model.image_size must be a whole number from 32 to 4096, got 20\n"
        "trainer.batch_size must be between 1 and 65536, got 0\n"
        "cache.gigabytes must be above 0 and finite, got 0.0",
    ),
    (
        "an epoch of no steps, in a precision that nobody has",
        "trainer.steps_per_epoch=0 trainer.precision=float8",
        nothing,
        "trainer.steps_per_epoch must be null or 1 and more, got 0\n"
        "trainer.precision must be one of float32, mixed_bfloat16, mixed_float16, got float8",
    ),
    (
        "anchors for two levels out of five",
        "model=mask_rcnn model.anchor_scales=[32,64]",
        nothing,
        "model.anchor_scales must be 5 rising values, each above 0, got [32, 64]",
    ),
    (
        "a detector at a size that its pyramid cannot halve",
        "model=mask_rcnn model.image_size=500",
        nothing,
        "model.image_size must be a multiple of 32 from 32 to 4096, got 500",
    ),
    (
        "a fold beyond the last",
        DATA + "data.folds=5 data.fold=7",
        nothing,
        "data.fold must be between 0 and 4 (data.folds=5), got 7",
    ),
    (
        "a fold without folds",
        DATA + "data.fold=7",
        nothing,
        "data.fold=7 needs data.folds=K, the number of folds; without it there is one split",
    ),
    (
        "shares that leave something over",
        DATA + "data.train=0.5",
        nothing,
        "data.train + data.test + data.validate must be 1, got 0.8",
    ),
    (
        "choosing by test figures",
        "objective=test/accuracy",
        nothing,
        "objective must be a validation metric such as val/accuracy, got test/accuracy:"
        " choosing by test figures would make them worthless",
    ),
    (
        "an objective that no run has, before the training and not after it",
        DATA + "objective=val/acuracy",
        nothing,
        "objective=val/acuracy is not a figure that a sweep can choose by; did you mean"
        " val/accuracy? (one of: ...)",
    ),
]

STORES = [
    (
        "a tracking server that is not there",
        DATA + "tracking.uri=http://127.0.0.1:{free_port}",
        nothing,
        "cannot use the tracking store http://127.0.0.1:{free_port}: Connection refused; start the"
        " server, correct tracking.uri, or leave it out to record in the output folder",
    ),
    (
        "a tracking server with a typo",
        DATA + "tracking.uri=htp://server",
        nothing,
        "tracking.uri must be a server (http://HOST:PORT) or a database"
        " (sqlite:////FOLDER/mlflow.db), got htp://server",
    ),
    (
        "a folder as tracking server",
        DATA + "tracking.uri=mlruns",
        nothing,
        "tracking.uri must be a server (http://HOST:PORT) or a database"
        " (sqlite:////FOLDER/mlflow.db), got mlruns",
    ),
    (
        "a database without a file",
        DATA + "tracking.uri=sqlite:///",
        nothing,
        "tracking.uri must be a server (http://HOST:PORT) or a database"
        " (sqlite:////FOLDER/mlflow.db), got sqlite:///",
    ),
    (
        "a database in a place that cannot be",
        DATA + "tracking.uri=sqlite:///{station}/widget/file/mlflow.db",
        lambda station: (station / "widget" / "file").touch(),
        "cannot use the tracking store sqlite:///{station}/widget/file/mlflow.db: ...; correct"
        " tracking.uri, or leave it out to record in the output folder",
    ),
]


def weights_of_a_wider_network(path: Path) -> None:
    from anomaly.backbone import tiny  # only here: the other rows need no Keras

    tiny.build(image_size=64, weights=None, width=16).save_weights(path)


# (title, what is typed, how the file is made, the answer)
WEIGHTS = [
    (
        "weights that are not there",
        DATA + SMALL + "backbone.weights={weights}",
        None,
        "backbone.weights={weights} is neither imagenet, null nor an existing file",
    ),
    (
        "weights of another shape",
        DATA + SMALL + "backbone.weights={weights}",
        weights_of_a_wider_network,
        "backbone.weights={weights} does not fit this backbone: a weight is (3, 3, 6, 16) in the"
        " file and (3, 3, 6, 8) in the network; give a file with the weights of this network, or"
        " backbone.weights=null",
    ),
    (
        "a file that holds no weights",
        DATA + "model=mobilenetv2 model.image_size=64 backbone.weights={weights}",
        lambda path: path.write_text("hello"),
        "backbone.weights={weights} does not fit MobileNetV2: ...; give a file with the"
        " weights of this network, or backbone.weights=null",
    ),
]

# (title, what is typed, the folder that lies on such a disk, how, the answer)
DISKS = [
    (
        "an output folder on a full disk",
        DATA,
        "{output}",
        'mount -t tmpfs -o size=64k none "$1"',
        "cannot write the output folder {output}: the disk is full; free some space or set"
        " output=DIR to another disk",
    ),
    (
        "a tracking database on a full disk",
        DATA + "tracking.uri=sqlite:///{store}/mlflow.db",
        "{store}",
        'mount -t tmpfs -o size=256k none "$1"',
        "cannot use the tracking store sqlite:///{store}/mlflow.db: database or disk is full;"
        " free some space, or set output=DIR to another disk",
    ),
    (
        "an output folder that is read-only",
        DATA,
        "{output}",
        'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1"',
        "cannot write {output}/runs: this file system is read-only; set output=DIR to a folder you"
        " can write",
    ),
]


@dataclass(frozen=True)
class Place:
    """Where a row of the table happens; its attributes fill the row's {names}."""

    station: Path
    output: Path
    store: Path
    free_port: int
    weights: Path
    keras_home: Path

    def filled(self, text: str) -> str:
        return text.format_map(vars(self))


@pytest.fixture
def place(station, tmp_path, free_port) -> Place:
    output, store, keras_home = (tmp_path / name for name in ("outputs", "store", "keras"))
    output.mkdir()
    store.mkdir()
    return Place(station, output, store, free_port, tmp_path / "made.weights.h5", keras_home)


def answers(ended: Ended, sentence: str) -> None:
    """The process failed and said this sentence and nothing else."""
    assert ended.code == 1
    assert "Traceback" not in ended.err, ended.err
    wanted = ".+".join(map(re.escape, f"error: {sentence}\n".split("...")))
    assert re.fullmatch(wanted, ended.err), ended.err


def table(names: str, rows: list[tuple]) -> Callable:
    return pytest.mark.parametrize(names, [pytest.param(*row[1:], id=row[0]) for row in rows])


@table("typed, spoil, sentence", FOLDERS + VALUES + STORES)
def test_bad_input_is_answered_at_once(typed, spoil, sentence, place, train, without_tensorflow):
    spoil(place.station)
    typed = place.filled(typed).split()
    ended = train(*typed, f"output={place.output}", **without_tensorflow)
    answers(ended, place.filled(sentence))


@pytest.mark.filterwarnings("ignore:__array__ impl:DeprecationWarning")  # 2026-11: of Keras
@table("typed, make, sentence", WEIGHTS)
def test_unusable_weights_are_refused_before_training(typed, make, sentence, place, train):
    if make:
        make(place.weights)
    answers(train(*place.filled(typed).split(), f"output={place.output}"), place.filled(sentence))
    assert not list(place.output.glob("runs/*/run.json"))


def test_imagenet_weights_without_a_network_to_get_them_are_refused(place, train):
    offline = {"https_proxy": f"http://127.0.0.1:{place.free_port}"}  # wherever this runs
    typed = place.filled(DATA + "model=mobilenetv2 model.image_size=64").split()
    ended = train(*typed, f"output={place.output}", KERAS_HOME=str(place.keras_home), **offline)
    wanted = (
        "ImageNet weights of MobileNetV2 are not in {keras_home}/models and could not be downloaded"
        " (...Connection refused); put the file there, give its path as backbone.weights=PATH, or"
        " start from random ones with backbone.weights=null"
    )
    answers(ended, place.filled(wanted))
    assert not list(place.output.glob("runs/*/run.json"))


def test_also_a_run_that_fails_brings_the_cache_below_its_limit(place, train, without_tensorflow):
    old = place.output / "cache" / "ab" / "abcd"
    old.parent.mkdir(parents=True)
    old.write_bytes(bytes(1_000_000))
    limit = 300_000  # bytes; the station's images take more
    typed = place.filled(DATA + "tracking.uri=http://127.0.0.1:{free_port}").split()
    typed += [f"cache.gigabytes={limit / 2**30}", f"output={place.output}"]
    assert train(*typed, **without_tensorflow).code == 1
    kept = [path.stat().st_size for path in (place.output / "cache").glob("*/*")]
    assert 0 < sum(kept) <= limit


@table("typed, folder, how, sentence", DISKS)
def test_a_disk_that_takes_nothing_is_named(
    typed, folder, how, sentence, place, own_mounts, train, without_tensorflow
):
    typed = place.filled(typed).split()
    front = own_mounts(how, Path(place.filled(folder)))
    ended = train(*typed, f"output={place.output}", front=front, **without_tensorflow)
    answers(ended, place.filled(sentence))


def test_a_limit_on_the_size_of_files_is_named(place, train, without_tensorflow):
    front = ("sh", "-c", 'ulimit -f 2 && exec "$@"', "sh")
    ended = train(f"output={place.output}", front=front, **without_tensorflow)
    answers(
        ended,
        f"cannot write the output folder {place.output}: no file may grow that large here"
        " (ulimit -f); set output=DIR to another disk",
    )


@pytest.mark.parametrize("key", ["output", "hydra.run.dir"])
def test_a_place_that_cannot_be_made_is_named_with_the_key_that_was_typed(
    key, train, without_tensorflow
):
    words = "it does not exist and cannot be made" if Path("/proc").is_dir() else "..."
    answers(
        train(f"{key}=/proc/x", **without_tensorflow),
        f"cannot write /proc/x: {words}; set {key}=DIR to a folder you can write",
    )


@pytest.mark.parametrize("value", ["", " "])
@pytest.mark.parametrize("key", ["output", "hydra.run.dir"])
def test_an_output_folder_without_a_name_is_refused_before_anything_is_written(
    key, value, start, tmp_path, without_tensorflow
):
    front = ("sh", "-c", 'cd "$0" && exec "$@"', tmp_path)
    typed = (REPOSITORY / "train.py", f"{key}={value}", "data.root=/nowhere")
    ended = start(*typed, front=front, **without_tensorflow).ended()
    answers(ended, f"{key}= names no folder; give it as {key}=DIR, or leave it out")
    assert not list(tmp_path.iterdir())


def test_a_file_where_the_output_folder_should_be_is_named(place, train, without_tensorflow):
    place.output.rmdir()
    place.output.write_text("a file")
    ended = train(f"output={place.output}", **without_tensorflow)
    answers(
        ended,
        f"cannot write {place.output}/runs/...: a file stands where a folder is needed;"
        " set output=DIR to a folder",
    )
