"""Visual defect inspection: classify, locate and combine, with honest numbers.

import anomaly

inspector = anomaly.load("outputs/runs/...")  # the folder of a run, or a bundle
for verdict in inspector.inspect([anomaly.photo("part.png")]):
    verdict.decision, verdict.defect, verdict.probability
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anomaly.data.images import photo
    from anomaly.errors import InputError
    from anomaly.inspector.find import load
    from anomaly.inspector.inspector import Inspector
    from anomaly.inspector.verdict import Box, Verdict
    from anomaly.types import Detections, Image, Predictions

__all__ = [
    "Box",
    "Detections",
    "Image",
    "InputError",
    "Inspector",
    "Predictions",
    "Verdict",
    "__version__",
    "load",
    "photo",
]
__version__ = "0.1.0"

# Imported when they are asked for: a mistyped command answers before NumPy and OpenCV are loaded.
_MODULES = {
    "photo": "anomaly.data.images",
    "InputError": "anomaly.errors",
    "load": "anomaly.inspector.find",
    "Inspector": "anomaly.inspector.inspector",
    "Box": "anomaly.inspector.verdict",
    "Verdict": "anomaly.inspector.verdict",
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
