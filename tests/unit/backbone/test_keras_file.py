"""Any saved model as a backbone: levels, image sizes, and one sentence for unusable files."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from anomaly.backbone import keras_file, tiny
from anomaly.errors import InputError

IMAGES = np.random.default_rng(0).uniform(0, 255, (2, 64, 64, 3)).astype(np.float32)


def strided(image: keras.KerasTensor, levels: int = 5) -> keras.KerasTensor:
    """A map of half the size, `levels` times, two layers each."""
    x = image
    for depth in range(levels):
        x = layers.Conv2D(4, 3, strides=2, padding="same", name=f"halve_{depth}")(x)
        x = layers.ReLU(name=f"relu_{depth}")(x)
    return x


def backbone(path: Path, size: int = 64, **scaling: float) -> keras.Model:
    values = {"scale": 1.0, "offset": 0.0, **scaling}
    return keras_file.build(image_size=size, path=str(path), **values)


def same(one: dict, other: dict) -> bool:
    return all(np.allclose(one[level], other[level], atol=1e-5) for level in ("C2", "C5"))


def test_a_level_is_the_last_map_of_its_size(tmp_path):
    image = keras.Input((64, 64, 3))
    saved = keras.Model(image, strided(image))
    saved.save(tmp_path / "plain.keras")
    outputs = backbone(tmp_path / "plain.keras").predict_on_batch(IMAGES)
    for level, name in {"C2": "relu_1", "C3": "relu_2", "C4": "relu_3", "C5": "relu_4"}.items():
        expected = keras.Model(image, saved.get_layer(name).output).predict_on_batch(IMAGES)
        assert np.allclose(outputs[level], expected, atol=1e-5)


def test_a_file_saved_at_one_size_works_at_another(tmp_path):
    tiny.build(image_size=96, weights=None, width=4).save(tmp_path / "tiny.keras")
    tiny.build(image_size=96, weights=None, width=4)  # whose layers have other names
    outputs = backbone(tmp_path / "tiny.keras").predict_on_batch(IMAGES)
    expected = tiny.build(image_size=64, weights=str(tmp_path / "tiny.keras"), width=4)
    assert same(outputs, expected.predict_on_batch(IMAGES))


def test_the_network_sees_images_minus_the_offset_over_the_scale(tmp_path):
    image = keras.Input((64, 64, 3))
    keras.Model(image, strided(image)).save(tmp_path / "plain.keras")
    scaled = backbone(tmp_path / "plain.keras", scale=128.0, offset=127.0)
    plain = backbone(tmp_path / "plain.keras")
    outputs = scaled.predict_on_batch(IMAGES)
    assert same(outputs, plain.predict_on_batch((IMAGES - 127) / 128))


def test_layers_of_the_file_may_have_the_names_of_ours(tmp_path):
    """Keras numbers the layers that it names, so a name can occur in the file as well."""
    image = keras.Input((64, 64, 3), name="picture")
    x = layers.Rescaling(1 / 255, name="scaled")(layers.ReLU(name="image")(image))
    x = layers.Rescaling(1, name="rescaling")(layers.Rescaling(1, name="scaled_")(x))
    keras.Model(image, strided(x)).save(tmp_path / "named.keras")
    for _ in range(2):
        keras.backend.clear_session()  # restarts the numbers: the next layer of a kind has none
        outputs = backbone(tmp_path / "named.keras", scale=2.0).predict_on_batch(IMAGES)
    expected = keras.Model(image, strided(x))
    expected.load_weights(tmp_path / "named.keras")
    last = expected.predict_on_batch(IMAGES / 2)
    assert np.allclose(outputs["C5"], last, atol=1e-5)


def test_sequential_models_and_submodels_work_at_another_size_too(tmp_path):
    part = keras.Sequential([layers.LayerNormalization(), layers.Conv2D(8, 2, strides=2)])
    image = keras.Input((96, 96, 3))
    steps = [keras.Input((96, 96, 3)), *(layers.Conv2D(4, 2, strides=2) for _ in range(4)), part]
    keras.Sequential(steps).save(tmp_path / "sequential.keras")
    assert backbone(tmp_path / "sequential.keras").output["C5"].shape == (None, 2, 2, 8)
    keras.Model(image, part(strided(image, 4))).save(tmp_path / "graph.keras")
    assert backbone(tmp_path / "graph.keras").output["C5"].shape == (None, 2, 2, 8)


def test_a_layer_that_is_used_twice_gives_its_last_map(tmp_path):
    image, relu = keras.Input((64, 64, 3)), layers.ReLU()
    x = image
    for _ in range(5):
        x = relu(layers.Conv2D(4, 3, strides=2, padding="same")(x))
    saved = keras.Model(image, x)
    saved.save(tmp_path / "shared.keras")
    outputs = backbone(tmp_path / "shared.keras").predict_on_batch(IMAGES)["C5"]
    assert np.allclose(outputs, saved.predict_on_batch(IMAGES), atol=1e-5)


def test_layers_that_were_saved_frozen_can_be_trained(tmp_path):
    image = keras.Input((64, 64, 3))
    saved = keras.Model(image, strided(image))
    saved.trainable = False
    saved.save(tmp_path / "frozen.keras")
    assert (
        len(backbone(tmp_path / "frozen.keras").trainable_weights) == 10
    )  # five kernels and biases


class Odd(layers.Layer):
    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        return 2 * x


def of(make: Callable[[keras.KerasTensor], object], shape: tuple = (64, 64, 3)) -> Callable:
    """A function that saves the model from an image of `shape` to `make(image)`."""

    def save(path: Path) -> None:
        image = keras.Input(shape)
        keras.Model(image, make(image)).save(path)

    return save


def two_inputs(path: Path) -> None:
    left, right = keras.Input((64, 64, 3), name="left"), keras.Input((64, 64, 3), name="right")
    keras.Model([left, right], strided(layers.add([left, right]))).save(path)


def cut_off(path: Path) -> None:
    of(strided)(path)
    path.write_bytes(path.read_bytes()[:2000])


def with_a_flipped_byte(path: Path) -> None:
    of(strided)(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)


def without_weights(path: Path) -> None:
    of(strided)(path)
    with zipfile.ZipFile(path) as file:
        config = file.read("config.json")
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("config.json", config)
        file.writestr("metadata.json", "{}")


def empty_zip(path: Path) -> None:
    zipfile.ZipFile(path, "w").close()


def of_unknown_size(path: Path) -> None:
    with pytest.warns(UserWarning, match="not yet been built"):
        keras.Sequential([layers.Conv2D(4, 3)]).save(path)


def fixed(image: keras.KerasTensor) -> keras.KerasTensor:
    return layers.Reshape((16, 16, 4))(layers.Conv2D(4, 1, strides=2)(strided(image, 1)))


# (what is wrong, how the file is made, the message after backbone.path=FILE)
REFUSED = [
    ("no file", lambda path: None, "is not an existing file"),
    ("a folder", lambda path: path.mkdir(), "is not an existing file"),
    ("text", lambda path: path.write_text("hello"), "is not a Keras file, or is cut off; make one"),
    (
        "cut off",
        cut_off,
        "is not a Keras file, or is cut off; make one with model.save('NAME.keras')",
    ),
    ("a flipped byte", with_a_flipped_byte, "cannot be read: Bad CRC-32"),
    ("no weights", without_weights, "cannot be read: Expected a model.weights.h5"),
    ("an empty zip", empty_zip, "cannot be read: \"There is no item named 'config.json'"),
    (
        "a custom layer",
        of(lambda x: Odd()(x)),
        "needs code that is not part of Keras (Odd); use Keras' layers",
    ),
    (
        "a lambda",
        of(lambda x: layers.Lambda(lambda y: 2 * y)(x)),
        "holds Python code (a Lambda layer), which is never run; use Keras' layers only",
    ),
    ("no input size", of_unknown_size, "holds no network that begins with keras.Input; save one"),
    ("two inputs", two_inputs, "takes 2 inputs (left, right); a backbone takes one image"),
    (
        "grey images",
        of(strided, (64, 64, 1)),
        "takes (None, 64, 64, 1); a backbone takes RGB images (None, height, width, 3)",
    ),
    (
        "a classifier",
        of(lambda x: layers.Dense(7)(layers.GlobalAveragePooling2D()(strided(x)))),
        "ends in (None, 7), not in a feature map; save it without its top",
    ),
    (
        "too few strides",
        of(lambda x: strided(x, 3)),
        "has no map of 4 cells a side (C4, stride 16) and 2 cells a side (C5, stride 32) at"
        " model.image_size=64; its maps have 32, 16, 8",
    ),
]


@pytest.mark.parametrize(
    "make, words", [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_an_unusable_file_is_refused_in_one_sentence(make, words, tmp_path):
    path = tmp_path / "saved.keras"
    make(path)
    with pytest.raises(InputError) as caught:
        backbone(path)
    assert str(caught.value).startswith(f"backbone.path={path} {words}")
    assert len(str(caught.value).splitlines()) == 1


def test_a_model_of_fixed_size_is_refused_at_another(tmp_path):
    of(fixed)(tmp_path / "fixed.keras")
    with pytest.raises(
        InputError, match=r"fixed\.keras cannot be rebuilt for model\.image_size=96"
    ):
        backbone(tmp_path / "fixed.keras", size=96)


def test_other_formats_are_refused(tmp_path):
    (tmp_path / "old.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    with pytest.raises(InputError, match=r"old\.h5 is not a Keras file"):
        backbone(tmp_path / "old.h5")


def test_a_path_must_be_given():
    with pytest.raises(InputError, match=r"give a saved model as backbone\.path=FILE\.keras"):
        keras_file.build(image_size=64, path=None, scale=1.0, offset=0.0)
