# analyse/gcc.py - gcc's analyzer over lib/ and tool/; fails if it finds something that is not explained.
"""gcc.py COMPILE_COMMANDS. The kernels in lib/dsp are left out: loops over numbers, without memory of their
own, which take the analyzer minutes a file."""
import concurrent.futures
import json
import os
import re
import shlex
import subprocess
import sys

# It does not follow that an output is set where the call's status is 0 and unset only where it is not.
STATUS = "an output is set where the status is 0"
EXPLAINED = {
    ("lib/io/csv.c", "null-dereference"): STATUS,
    ("lib/io/npy_header.c", "use-of-uninitialized-value"): STATUS,
    ("lib/io/raster.c", "null-dereference"): STATUS,
    ("lib/labels/labels.c", "null-dereference"): STATUS,
    ("tool/base/folder.c", "null-argument"): STATUS,
}


def command_of(entry):
    """The compiler's words, without what it writes, and without warnings that the build has anyway."""
    words = [w for w in shlex.split(entry["command"]) if not w.startswith("-W")]
    while words[0].endswith("ccache"):
        del words[0]
    for flag in ("-o", "-MQ", "-MF"):
        if flag in words:
            at = words.index(flag)
            del words[at:at + 2]
    # With the inlining of higher levels it takes longer and finds less.
    words = [w for w in words if w != "-MD" and not re.fullmatch("-O.|-g", w)]
    return ["gcc", *words[1:], "-O1", "-fanalyzer", "-o", os.devnull]


def analyze(entry):
    run = subprocess.run(command_of(entry), cwd=entry["directory"], capture_output=True, text=True,
                         timeout=900, check=False)
    return [line for line in run.stderr.splitlines() if re.search(r" (warning|error): ", line)]


def is_explained(path, line):
    found = re.search(r"\[-Wanalyzer-([a-z-]+)", line)
    return bool(found) and (path, found[1]) in EXPLAINED


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        entries = json.load(file)
    chosen = {}
    for entry in entries:
        path = os.path.relpath(os.path.join(entry["directory"], entry["file"]))
        if path.startswith(("lib/", "tool/")) and not path.startswith("lib/dsp/") and path.endswith(".c"):
            chosen.setdefault(path, entry)
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, found in zip(chosen, pool.map(analyze, chosen.values()), strict=True):
            for line in found:
                if not is_explained(path, line):
                    print(line)
                    bad += 1
    print(f"  {len(chosen)} files, {bad} findings")
    sys.exit(1 if bad or not chosen else 0)


main()
