# doc/test_links.py - links between the pages lead somewhere, and the site's contents name every page of doc/.
import os
import re

import tap


def pages():
    for base, folders, files in os.walk(tap.SOURCE):
        folders[:] = [f for f in folders if not f.startswith((".", "build"))]
        for name in files:
            if name.endswith(".md"):
                yield os.path.join(base, name)


def headings(path):
    with open(path, encoding="utf-8") as file:
        return {re.sub(r"[^\w -]", "", line.lstrip("# ").strip().lower()).replace(" ", "-")
                for line in file if line.startswith("#")}


for page in sorted(pages()):
    with open(page, encoding="utf-8") as opened:
        text = re.sub(r"```.*?```", "", opened.read(), flags=re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith("http"):
            continue
        path, _, anchor = target.partition("#")
        full = os.path.join(os.path.dirname(page), path) if path else page
        name = f"{os.path.relpath(page, tap.SOURCE)}: {target.replace('#', ' at ')}"
        good = os.path.exists(full) and (not anchor or anchor in headings(full))
        tap.ok(good, name)

with open(os.path.join(tap.SOURCE, "doc/site/index.md"), encoding="utf-8") as opened:
    contents = opened.read().splitlines()
for folder in ("doc", "doc/trainers"):
    for name in sorted(os.listdir(os.path.join(tap.SOURCE, folder))):
        if name.endswith(".md"):
            entry = os.path.relpath(os.path.join(folder, name[:-3]), "doc/site")
            tap.ok(entry in contents, f"the site's contents name {folder}/{name}")
tap.done()
