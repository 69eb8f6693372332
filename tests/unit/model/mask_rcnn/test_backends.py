"""The same weights find the same instances on the other backend."""

from __future__ import annotations

import os
import subprocess
import sys

import keras
import numpy as np

from anomaly.backbone import tiny
from anomaly.model.mask_rcnn.network import Blocks, Settings, inference_model

SETTINGS = Settings(
    channels=16,
    units=32,
    anchor_scales=(8, 16, 32, 64, 128),
    anchor_ratios=(0.5, 1.0, 2.0),
    canonical_size=28,
    anchors_per_image=64,
    proposals_per_level=50,
    proposals=30,
    proposal_nms=0.7,
    rois_per_image=32,
    positive_fraction=0.25,
    mask_rois=8,
    max_detections=10,
    min_score=0.05,
    nms=0.5,
)
QUICK = "--xla_backend_optimization_level=0"  # JAX compiles in half the time
OTHER = """
import sys, keras, numpy as np
import anomaly.model.mask_rcnn
model = keras.saving.load_model(sys.argv[1], compile=False)
outputs = model.predict_on_batch(np.load(sys.argv[2]))
np.savez(sys.argv[3], **{name: np.asarray(values) for name, values in outputs.items()})
"""


def test_tensorflow_and_jax_agree(tmp_path):
    keras.utils.set_random_seed(0)
    model = inference_model(Blocks(tiny.build(image_size=64, weights=None, width=8), 4, SETTINGS))
    images = np.random.default_rng(0).uniform(0, 255, (2, 64, 64, 3)).astype(np.float32)
    model.save(tmp_path / "model.keras")
    np.save(tmp_path / "images.npy", images)
    other = {"jax": "tensorflow"}.get(keras.backend.backend(), "jax")
    places = [str(tmp_path / name) for name in ("model.keras", "images.npy", "outputs.npz")]
    command = [sys.executable, "-c", OTHER, *places]
    subprocess.run(
        command, check=True, env={**os.environ, "KERAS_BACKEND": other, "XLA_FLAGS": QUICK}
    )
    outputs = model.predict_on_batch(images)
    assert (np.asarray(outputs["scores"]) > 0).any()
    with np.load(tmp_path / "outputs.npz") as others:
        for name, tolerance in {"boxes": 1e-3, "scores": 1e-5, "labels": 0, "masks": 1e-4}.items():
            assert np.allclose(outputs[name], others[name], atol=tolerance), name
