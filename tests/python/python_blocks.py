# python/python_blocks.py - the Python of the pages and docstrings, and whether it runs.
# SPDX-License-Identifier: MIT
"""A page's ```python blocks are run in order in one scope, in an empty folder, after what `page_worlds` prepares for the
page. A block is not run here if

    <!-- python: not run, WHY -->     or     <!-- python: run by FILE -->

stands before it (FILE is another test, which names the page), or if it is a piece of a program (```python NAME), which the
page's own test in tests/doc puts together. A page ends for a run where a block imports what is not among `modules`: PyTorch
and the trainers, with which ./dev trainers runs all pages."""
import ast
import contextlib
import glob
import io
import os
import re
import sys
import textwrap
import traceback

import tap

PAGES = ["README.md", "bindings/python/README.md", "doc/*.md", "doc/*/*.md", "examples/python/*/README.md"]
BLOCK = re.compile(r"(?:^<!-- python: (.*?) -->\n)?^```python(?: ([\w.]+))?\n(.*?)^```$", re.S | re.M)


class Block:
    """`where` is a page or the module whose docstring it is in; `mark` says who runs it, "" for us."""

    def __init__(self, where, line, body, mark=""):
        self.where, self.body, self.mark = where, body, mark
        self.name = f"{where}:{line}"

    def imports(self):
        """Top-level modules; of the package's modules for trainers also the trainer."""
        for node in ast.walk(ast.parse(self.body)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else \
                [node.module] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                top, _, below = name.partition(".")
                yield top
                if top == "freemask" and below:
                    yield below


def of_pages():
    for pattern in PAGES:
        for path in sorted(glob.glob(os.path.join(tap.SOURCE, pattern))):
            with open(path, encoding="utf-8") as file:
                text = file.read()
            where = os.path.relpath(path, tap.SOURCE)
            for match in BLOCK.finditer(text):
                mark, program, body = match.groups()
                if program:
                    mark = f"run by tests/doc/test_{os.path.basename(where)[:-len('.md')]}.py"
                yield Block(where, text.count("\n", 0, match.start(3)), body, mark or "")


def of_docstrings():
    """What is indented after a line that ends in `::`."""
    for path in sorted(glob.glob(os.path.join(tap.SOURCE, "bindings", "python", "freemask", "*.py"))):
        with open(path, encoding="utf-8") as file:
            tree = ast.parse(file.read())
        for node in ast.walk(tree):
            if not isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
                continue
            lines = (ast.get_docstring(node) or "").splitlines()
            for i, line in enumerate(lines):
                if line.endswith("::"):
                    rest = lines[i + 2:]
                    end = next((j for j, one in enumerate(rest) if one and not one.startswith("    ")), len(rest))
                    yield Block(os.path.relpath(path, tap.SOURCE), getattr(node, "lineno", 1), textwrap.dedent("\n".join(rest[:end])))


def check_elsewhere(block):
    """Is there such a test, and does it name the page?"""
    path = block.mark.removeprefix("run by ")
    page = os.path.basename(block.where)
    try:
        with open(os.path.join(tap.SOURCE, path), encoding="utf-8") as file:
            tap.ok(page in file.read(), f"{block.name} is {block.mark}", f"{path} does not name {page}")
    except OSError as error:
        tap.ok(False, f"{block.name} is {block.mark}", error)


def run(modules, worlds):
    """Runs what needs no other modules than those and Python's own; None: everything. `worlds`: for each page a
    function that puts what its reader has into the scope of page and modules. Returns (blocks that were run, left out)."""
    ran, left, scopes, ended = [], [], {}, set()
    for block in [*of_pages(), *of_docstrings()]:
        if block.mark.startswith("run by "):
            check_elsewhere(block)
        elif block.mark:
            tap.ok(block.mark.startswith("not run, "), f"{block.name}: {block.mark}")
        elif block.where in ended or (modules is not None and set(block.imports()) - set(modules) - set(sys.stdlib_module_names)):
            ended.add(block.where)
            left.append(block)
        else:
            folder = tap.path("pages", block.where)
            os.makedirs(folder, exist_ok=True)
            os.chdir(folder)
            ran.append(block)
            try:
                if block.where not in scopes:
                    scopes[block.where] = {"__name__": "page"}
                    worlds[block.where](scopes[block.where])
                said = io.StringIO()
                with contextlib.redirect_stdout(said):
                    exec(compile(block.body, block.name, "exec"), scopes[block.where])  # pylint: disable=exec-used
                print(textwrap.indent(said.getvalue(), "# "), end="")
                tap.ok(True, f"{block.name} runs")
            except Exception:  # pylint: disable=broad-except
                tap.ok(False, f"{block.name} runs", "\n".join(traceback.format_exc().splitlines()[-12:]))
    os.chdir("/")
    return ran, left
