"""Visual defect inspection: classify, locate and combine, with honest numbers."""

__version__ = "0.1.0"
