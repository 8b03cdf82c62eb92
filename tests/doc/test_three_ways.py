# doc/test_three_ways.py - runs doc/site/three_ways.md and compares what its three languages write.
import os
import re
import shutil
import subprocess
import sys
import tempfile

import numpy as np
import tap
from PIL import Image

PAGE = os.path.join(tap.SOURCE, "doc", "site", "three_ways.md")
BLOCK = re.compile(r"^```(sh|c|python)(?: ([\w.]+))?\n(.*?)^```$", re.S | re.M)


def environment(folder, tool):
    """As if everything were installed: the tool, the library and the Python package."""
    package = os.path.join(folder, "site-packages")
    shutil.copytree(os.path.join(tap.SOURCE, "bindings", "python", "freemask"), os.path.join(package, "freemask"))
    subprocess.run([sys.executable, os.path.join(tap.SOURCE, "bindings", "python", "make_interface.py"),
                    os.path.join(tap.SOURCE, "include"), os.path.join(package, "freemask", "_interface.py")], check=True)
    return dict(os.environ, LC_ALL="C", PATH=os.path.dirname(os.path.abspath(tool)) + os.pathsep + os.environ["PATH"],
                PYTHONPATH=package, FREEMASK_LIBRARY=os.environ["FM_SHARED"],
                LD_LIBRARY_PATH=os.path.dirname(os.environ["FM_SHARED"]),
                PKG_CONFIG_PATH=os.path.join(tap.BUILD, "meson-uninstalled"))


def run(words, folder, env, name):
    done = subprocess.run(words, cwd=folder, env=env, text=True, check=False, capture_output=True)
    return tap.ok(done.returncode == 0, name, done.stdout + done.stderr)


def files_of(folder):
    return sorted(name for name in os.listdir(folder) if name.endswith(".png"))


def check_same(folder):
    """Pixels, not files: the tool keeps how a mask was stored."""
    names = files_of(f"{folder}/tool/masks")
    tap.equal(len(names), 12, "twelve masks are filtered")
    before = f"{folder}/world/synthetic/masks"
    for place in ("in_c", "in_python"):
        tap.equal(files_of(f"{folder}/{place}"), names, f"{place} has the tool's masks")
        same = [np.array_equal(np.asarray(Image.open(f"{folder}/tool/masks/{name}")),
                               np.asarray(Image.open(f"{folder}/{place}/{name}"))) for name in names]
        tap.ok(all(same), f"{place} filters as the tool does")
        with open(f"{folder}/tool/plan.csv", "rb") as tool, open(f"{folder}/{place}/plan.csv", "rb") as other:
            tap.equal(other.read(), tool.read(), f"{place} plans as the tool does")
    tap.ok(any(not np.array_equal(np.asarray(Image.open(f"{before}/{name}")),
                                  np.asarray(Image.open(f"{folder}/tool/masks/{name}"))) for name in names),
           "something was dropped")


def main(tool):
    with open(PAGE, encoding="utf-8") as file:
        blocks = BLOCK.findall(file.read())
    with tempfile.TemporaryDirectory() as folder:
        env = environment(folder, tool)
        work = os.path.join(folder, "work")
        for name in ("tool", "in_c", "in_python"):
            os.makedirs(os.path.join(work, name))
        for kind, name, body in blocks:
            if name:
                with open(os.path.join(work, name), "a", encoding="utf-8") as file:
                    file.write(body)
            if kind == "sh":
                run(["sh", "-euc", body], work, env, "runs: " + body.splitlines()[0])
            elif name == "losses.py":
                run([sys.executable, name], work, env, "losses are made")
        build = "$FM_CC -std=c99 -Wall -Wextra -Werror -o program program.c $(pkg-config --cflags --libs libfreemask)"
        if run(["sh", "-euc", build], work, env, "builds the C program"):
            run(["./program"], work, env, "runs the C program")
        run([sys.executable, "program.py"], work, env, "runs the Python program")
        check_same(work)
    tap.ok(len(blocks) >= 11, "the page has its blocks")
    tap.done()


main(sys.argv[1])
