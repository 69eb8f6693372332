"""Builds the policies that turn one training image into several."""

import os

# Before albumentations is imported: it would ask the internet for a newer version of itself.
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
