"""Sphinx's settings for `make site`: the course's notebooks as pages that need no kernel and no network."""
import sys
from pathlib import Path

from study_group.course import settings

sys.path.insert(0, str(Path(__file__).parent))

project = html_title = settings().title
author = settings().host
extensions = ["myst_nb", "course_pages"]
exclude_patterns = ["**/.ipynb_checkpoints"]

nb_execution_mode = "off"
nb_merge_streams = True
nb_code_prompt_show, nb_code_prompt_hide = "Show the code", "Hide the code"
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 6
myst_title_to_header = True  # a post names its title on top
myst_heading_slug_func = "course_pages.slug"
html_math_renderer = "mathml"

html_theme = "furo"
html_static_path, html_css_files, html_js_files = ["static"], ["site.css"], ["site.js"]
pygments_style, pygments_dark_style = "xcode", "lightbulb"
smartquotes = html_use_index = html_copy_source = html_show_sphinx = html_show_copyright = False
html_show_search_summary = False  # it would fetch the pages, which a page from disk may not
