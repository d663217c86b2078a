"""How the documentation is built: nox -s docs (a warning is an error)."""

import re
from pathlib import Path

_INIT = Path(__file__).parent.parent / "iwx_agent" / "__init__.py"
_VERSION = re.search(r'__version__ = "([^"]+)"', _INIT.read_text(encoding="utf-8"))
if _VERSION is None:
    raise RuntimeError(f"no version in {_INIT}")

project = "iwx-agent"
release = version = _VERSION[1]
copyright = "the iwx-agent contributors"
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
nitpicky = True
html_theme = "furo"
html_title = f"iwx-agent {release}"
html_copy_source = False
html_show_sphinx = False
