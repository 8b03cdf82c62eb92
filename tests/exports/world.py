# exports/world.py - what the scripts of this folder share: the tool's exports of two small sets, what a
# framework must make of them, and the snippets of doc/exports.md.
# SPDX-License-Identifier: MIT
import collections
import importlib.metadata
import os
import re
import sys

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TESTS, "cli"))
from export_world import *  # noqa: E402
from PIL import Image  # noqa: E402

os.chdir(tap.path())
with open(os.path.join(os.path.dirname(TESTS), "doc", "exports.md"), encoding="utf-8") as page:
    SNIPPETS = dict(re.findall(r"```python\n# (\w+)\n(.*?)```", page.read(), re.S))
WORLDS = {"ade20k": ("ade", ".png"), "cocostuff164k": ("coco {{ fileDirname }}", "_labelTrainIds.png")}
for labels, (top, suffix) in WORLDS.items():
    make_world(tap, top, suffix, ref.preset(labels))


def export(kind, labels, output, *more):
    top = WORLDS[labels][0]
    result = run("export", "--plan", f"{top}/plan.csv", "--to", kind, "--labels", labels, "--real-masks", f"{top}/real/masks",
                 "--real-images", f"{top}/real/images", "--synthetic", f"{top}/syn/masks", "--images", f"{top}/syn/images",
                 "-o", output, *more)
    tap.ok(result.code == 0, f"export to {kind}, {labels}", result)


def expected(labels):
    """{image: mask} and how often an epoch has each image."""
    top, suffix = WORLDS[labels]
    files, times = {}, collections.Counter()
    for kind, repeats in (("real", TIMES), ("synthetic", 1)):
        for _, image_path, mask in files_of(kind, top, suffix):
            files[os.path.realpath(tap.path(image_path))] = tap.path(mask)
            times[os.path.realpath(tap.path(image_path))] = repeats
    return files, times


def classes(labels, mask):
    """A mask as classes, 255 where it is ignored."""
    found = ref.preset(labels).to_classes(np.array(Image.open(mask)))
    return np.where(found < 0, 255, found)


def counted(paths):
    return collections.Counter(os.path.realpath(path) for path in paths)


def version(*names):
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)


def snippet(name):
    scope = {}
    exec(compile(SNIPPETS[name], f"doc/exports.md, {name}", "exec"), scope)  # pylint: disable=exec-used
    return scope


def section(test):
    """One framework's failure does not hide another's."""
    try:
        test()
    except Exception as error:  # pylint: disable=broad-except
        import traceback
        tap.ok(False, test.__name__, traceback.format_exc()[-1500:] or error)
