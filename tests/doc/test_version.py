# doc/test_version.py - everything that names the release names the same one.
import os
import re

import tap


def first(path, pattern):
    """What the pattern's group finds first in a file of the source."""
    with open(os.path.join(tap.SOURCE, path), encoding="utf-8") as file:
        found = re.search(pattern, file.read(), re.M)
    return found and found.group(1)


def tag_here():
    """The tag of a release that the commit has, if this is a clone and it has one."""
    command = ["git", "-C", tap.SOURCE, "describe", "--tags", "--exact-match", "--match", "v[0-9]*", "HEAD"]
    try:
        result = tap.run(command)
    except FileNotFoundError:
        return None
    return result.stdout.strip() if result.returncode == 0 else None


numbers = [first("include/freemask/version.h", rf"^#define FM_VERSION_{part} (\d+)$") for part in ("MAJOR", "MINOR", "PATCH")]
release = ".".join(str(number) for number in numbers)
abi = first("include/freemask/version.h", r"^#define FM_ABI_VERSION (\d+)$")
tap.ok(re.fullmatch(r"\d+\.\d+\.\d+", release), f"version.h names a release: {release}")
tap.equal(tap.run([os.path.join(tap.SOURCE, "dev"), "version"]).stdout.strip(), release, "./dev version, which Meson asks")
tap.equal(first("NEWS.md", r"^## (\d\S*) "), release, "the newest entry of NEWS.md")
tap.equal(first("NEWS.md", r"^## \d\S* \(ABI (\d+)\)$"), abi, "the ABI number of that entry")
tap.equal(first("doc/freemask.1", r'^\.TH FREEMASK 1 "[^"]*" "libfreemask ([^"]+)"'), release, "the manual")
tap.equal(first("debian/changelog", r"^libfreemask \((\S+)-\d+\) "), release, "debian/changelog")
tap.equal(first("debian/control", r"^Package: libfreemask(\d+)$"), abi, "the library's package has the ABI number in its name")
tap.ok(os.path.isdir(os.path.join(tap.SOURCE, "tests", "abi", "releases", release)), "a program of this release is kept")
tag = tag_here()
if tag:
    tap.equal(tag, f"v{release}", "the commit's tag")
tap.done()
