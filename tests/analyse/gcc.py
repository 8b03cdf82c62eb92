# analyse/gcc.py - gcc's analyzer over lib/ and tool/, one finding a line; fails if there is one.
"""gcc.py COMPILE_COMMANDS. The kernels in lib/dsp are left out: loops over numbers, without memory of their
own, whose inlined form takes the analyzer minutes a file. What it is told not to say, and why:"""
import concurrent.futures
import json
import os
import re
import shlex
import subprocess
import sys

OFF = {
    # Files that a part_file or a journal holds are closed by its owner's function, in another file.
    "fd-leak", "file-leak",
    # alloc.h ends the process where there is no memory; it does not see that.
    "possible-null-argument", "possible-null-dereference",
    # JSON values belong to their container; it does not know jansson's rules.
    "malloc-leak",
    # As cppcheck's uninitvar: outputs are set where the status is 0.
    "use-of-uninitialized-value",
}


def command_of(entry):
    words = shlex.split(entry["command"])
    words = [w for w in words if w not in ("ccache",) and not w.startswith("-W")]
    at = words.index("-o")
    del words[at:at + 2]
    for flag in ("-MQ", "-MF"):
        if flag in words:
            at = words.index(flag)
            del words[at:at + 2]
    words = [w for w in words if w != "-MD"]
    # Without the inlining of higher levels it finds more, and is done sooner.
    words = [w for w in words if not re.fullmatch("-O.", w)] + ["-O1", "-fanalyzer", "-o", os.devnull]
    return ["gcc", *words[1:]] + [f"-Wno-analyzer-{name}" for name in sorted(OFF)]


def analyze(entry):
    run = subprocess.run(command_of(entry), cwd=entry["directory"], capture_output=True, text=True, timeout=900)
    found = [line for line in run.stderr.splitlines() if " warning: " in line or " error: " in line]
    return entry["file"], found


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        entries = json.load(file)
    chosen = {}
    for entry in entries:
        path = os.path.normpath(os.path.join(entry["directory"], entry["file"]))
        inside = os.path.relpath(path, os.getcwd())
        if inside.startswith(("lib/", "tool/")) and not inside.startswith("lib/dsp/") and inside.endswith(".c"):
            chosen.setdefault(inside, entry)
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for _, found in pool.map(analyze, chosen.values()):
            for line in found:
                print(line)
                bad += 1
    print(f"  {len(chosen)} files, {bad} findings")
    sys.exit(1 if bad or not chosen else 0)


main()
