# doc/test_manual.py - the manual page has every command and flag that --help has, and no other.
import os
import re
import shutil
import sys

import tap

TOOL = sys.argv[1]
with open(os.path.join(tap.SOURCE, "doc", "freemask.1"), encoding="utf-8") as page:
    PAGE = page.read()
with open(os.path.join(tap.SOURCE, "include", "freemask", "version.h"), encoding="utf-8") as header:
    VERSION = ".".join(re.findall(r"#define FM_VERSION_\w+ (\d+)", header.read()))
COMMON = {"labels", "masks", "stats", "output", "threads", "quiet", "json", "help", "mask-suffix", "image-suffix",
          "loss-suffix", "exif", "array", "synthetic-name"}


def flags_in(text):
    """--x-y, however troff has it."""
    return set(re.findall(r"--([a-z][a-z-]*)", text.replace("\\-", "-")))


def help_of(command):
    done = tap.run([TOOL, command, "--help"])
    tap.equal(done.returncode, 0, f"{command} --help ends well")
    options = done.stdout.split("\n\n")[2] if "[flags]" in done.stdout else done.stdout
    return flags_in(options) | ({"output"} if re.search(r"^  -o ", done.stdout, re.M) else set())


def section(command):
    return re.search(rf"^\.SS {command}\b(.*?)(?=^\.S[SH] )", PAGE, re.S | re.M)


def main():
    commands = re.findall(r"^  ([a-z]+) +", tap.run([TOOL, "--help"]).stdout, re.M)
    tap.equal(sorted(re.findall(r"^\.SS ([a-z]+) ", PAGE, re.M)), sorted(commands), "has every command")
    for command in commands:
        text, real = section(command), help_of(command)
        if not tap.ok(text, f"{command} has a section"):
            continue
        told = flags_in(text.group(0)) | ({"output"} if re.search(r"\\-o\b", text.group(0)) else set())
        tap.equal(sorted(real - COMMON - told), [], f"{command}: no flag is left out")
        tap.equal(sorted(told - real - {"shard"} if command == "merge" else told - real), [],
                  f"{command}: no flag is made up")
    common = re.search(r"^\.SH COMMON FLAGS(.*?)^\.SH", PAGE, re.S | re.M).group(1)
    tap.equal(sorted(COMMON - flags_in(common)), [], "the common flags are there")
    tap.ok(f"libfreemask {VERSION}" in PAGE, f"is of release {VERSION}")
    if shutil.which("groff"):
        done = tap.run(["groff", "-ww", "-man", "-Tutf8", "-z", os.path.join(tap.SOURCE, "doc", "freemask.1")])
        tap.equal(done.stdout, "", "groff has no complaint")
    tap.done()


main()
