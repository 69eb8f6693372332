"""Builds augmentation policies, which make several versions of each training image."""

import os

# Must be set before albumentations is imported, which would look for a newer release online.
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
