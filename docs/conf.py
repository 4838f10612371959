"""How contrib/docs builds the site from this folder."""

from paraduxd.version import VERSION

project = "Paradux"
author = "the Paradux authors"
html_show_copyright = False
version = release = VERSION

extensions = ["myst_parser"]
exclude_patterns = ["formats.md"]  # the old address of reference/formats.md
myst_heading_anchors = 4  # as GitHub makes them, so that a link works in both
nitpicky = True
smartquotes = False  # two hyphens are an option
highlight_language = "text"

html_theme = "furo"
html_title = f"Paradux {VERSION}"
html_copy_source = False
html_show_sphinx = False
