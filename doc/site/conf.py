# site/conf.py - the documentation site: README, the pages of doc/, the headers and the docstrings.
"""`./dev docs` runs Sphinx from the root of the tree, so that the links between pages are those of the
repository. FREEMASK_DOXYGEN is the folder of Doxygen's XML; the package `freemask` is on the path."""
import os
import sys

sys.path.insert(0, os.environ["FREEMASK_PACKAGE"])

import freemask  # noqa: E402

project = "libfreemask"
author = "the authors of libfreemask"
copyright = author  # pylint: disable=redefined-builtin
version = release = freemask.__version__

extensions = ["myst_parser", "breathe", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_design",
              "sphinx_copybutton"]
root_doc = "doc/site/index"
include_patterns = ["*.md", "doc/**.md", "examples/**.md", "bindings/**.md"]
exclude_patterns = ["build*", "tests"]
html_theme = "furo"
html_static_path = [os.environ["FREEMASK_STATIC"]]
html_title = f"libfreemask {release}"
html_copy_source = False
html_show_sphinx = False

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
# Code of the pages names files ("```c host.c"), and some of it is not whole. READMEs of folders are only linked.
suppress_warnings = ["misc.highlighting_failure", "toc.not_included"]

breathe_projects = {"libfreemask": os.environ["FREEMASK_DOXYGEN"]}
breathe_default_project = "libfreemask"
breathe_domain_by_extension = {"h": "c"}
breathe_show_include = False

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True, "undoc-members": True, "show-inheritance": True,
                           # What statistics and calibrations have in common, but nothing of Python's own classes.
                           "inherited-members": "Handle,OSError,BaseException,tuple,object"}
napoleon_numpy_docstring = False
napoleon_use_ivar = True
default_role = "literal"  # `name` in docstrings


def whole_sentences(app, what, name, thing, options, lines):
    """Napoleon takes what stands before a colon in a property's first line for its type: let that line be empty."""
    if what == "property":
        lines.insert(0, "")


def setup(app):
    app.connect("autodoc-process-docstring", whole_sentences, priority=100)
