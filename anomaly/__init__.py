"""Visual defect inspection: classify, locate and combine, with honest numbers.

import anomaly

model = anomaly.load("outputs/runs/...")  # the folder of a run, or of its model
predictions = model.predict([anomaly.photo("part.png")], grid=256)
predictions.classes, predictions.proba  # what each photo may show, and how likely that is
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anomaly.data.images import photo
    from anomaly.errors import InputError
    from anomaly.model.load import load
    from anomaly.types import Detections, Image, Predictions

__all__ = ["Detections", "Image", "InputError", "Predictions", "__version__", "load", "photo"]
__version__ = "0.1.0"

# Imported when they are asked for: a mistyped command answers before NumPy and OpenCV are loaded.
_MODULES = {
    "photo": "anomaly.data.images",
    "InputError": "anomaly.errors",
    "load": "anomaly.model.load",
    "Detections": "anomaly.types",
    "Image": "anomaly.types",
    "Predictions": "anomaly.types",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module 'anomaly' has no attribute '{name}'")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
