# doc/test_tutorial.py - runs doc/tutorial.md: each block in order, in an empty folder.
"""```sh blocks run, ```c FILE blocks are appended to FILE, ```text is what the block before printed, up
to its numbers and blanks; other blocks are left alone. `--record` puts what was printed into the page."""
import os
import re
import subprocess
import sys
import tempfile

import tap

PAGE = os.path.join(tap.SOURCE, "doc", "tutorial.md")
BLOCK = re.compile(r"^```(\w+)(?: ([\w.]+))?\n(.*?)^```$", re.S | re.M)


def shape(text):
    """Text without what may change with a compiler's libm: digits, and how many blanks."""
    return [re.sub(r"\s+", " ", re.sub(r"\d+", "#", line)).strip() for line in text.splitlines()]


def environment(tool):
    """As if everything were installed."""
    env = dict(os.environ, LC_ALL="C")
    env["PATH"] = os.path.dirname(os.path.abspath(tool)) + os.pathsep + env["PATH"]
    env["PKG_CONFIG_PATH"] = os.path.join(tap.BUILD, "meson-uninstalled")
    env["LD_LIBRARY_PATH"] = os.path.dirname(os.environ["FM_SHARED"])
    return env


class Reader:
    """Works through the blocks; `output` is what the last command printed."""

    def __init__(self, folder, env, record):
        self.folder, self.env, self.record = folder, env, record
        self.output, self.ran, self.compared = "", 0, 0

    def block(self, match):
        """What the block should be."""
        kind, name, body = match.groups()
        if kind == "c":
            with open(os.path.join(self.folder, name), "a", encoding="utf-8") as file:
                file.write(body)
        elif kind == "sh":
            self.run(body)
        elif kind == "text":
            self.compared += 1
            if self.record:
                return f"```text\n{self.output}```"
            tap.equal(shape(self.output), shape(body), f"prints: {(body.splitlines() or [''])[0]}")
        return match.group(0)

    def run(self, body):
        done = subprocess.run(["sh", "-euc", body], cwd=self.folder, env=self.env, text=True, check=False,
                              capture_output=True)
        self.output, self.ran = done.stdout, self.ran + 1
        tap.ok(done.returncode == 0, "runs: " + body.splitlines()[0].replace("#", ""),
               done.stdout + done.stderr)


def main(tool, record):
    with open(PAGE, encoding="utf-8") as file:
        text = file.read()
    with tempfile.TemporaryDirectory() as folder:
        reader = Reader(folder, environment(tool), record)
        text = BLOCK.sub(reader.block, text)
    if record:
        with open(PAGE, "w", encoding="utf-8") as file:
            file.write(text)
    tap.ok(reader.ran >= 8 and reader.compared >= 5, "the page has its blocks")
    tap.done()


main(sys.argv[1], "--record" in sys.argv)
