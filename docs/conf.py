"""How `make docs` builds these pages: strictly, without network, and with nothing from elsewhere."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # anomaly, in a clone
sys.path.insert(0, str(Path(__file__).parent))

import pages

import anomaly

project = "anomaly"
release = version = anomaly.__version__
html_title = "anomaly"
html_show_copyright = False
html_show_sphinx = False
html_copy_source = False

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
html_theme = "furo"
myst_heading_anchors = 3
pygments_style = "friendly"

default_role = "code"  # docstrings put names in single backticks
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_mock_imports = ["keras"]  # the public names need it for annotations only
autodoc_type_aliases = {"Learner": "anomaly.model.learner.Learner"}
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
nitpick_ignore_regex = [("py:.*", r"(np|numpy|pathlib|collections)\..*|Path|Sequence|(.*\.)?Cache")]


def setup(app):
    app.connect("source-read", pages.complete)
