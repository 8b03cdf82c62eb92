# abi/releases.py - programs that were compiled at each release, kept in releases/VERSION.
# SPDX-License-Identifier: MIT
"""`releases.py --record LIBRARY.so` compiles the program of the release that version.h names and keeps what it prints.
It may be done again until the release has its tag; what has one never changes."""
import os
import re
import subprocess
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(FOLDER), "support"))
import elf  # noqa: E402
import symbols  # noqa: E402
import tap  # noqa: E402

RELEASES = os.path.join(FOLDER, "releases")
PROGRAM = "consumer-x86_64-linux-gnu"  # its C library is glibc 2.36 or later
PRINTS = "consumer.txt"
EXAMPLES = {"example_02": "02_own_segmenter.c", "example_04": "04_network_output.c", "example_06": "06_trainer_loop.c"}


def version():
    return tap.run([os.path.join(tap.SOURCE, "dev"), "version"]).stdout.strip()


def tagged(release):
    """Whether the release is out: nothing about it may change any more."""
    return bool(tap.run(["git", "-C", tap.SOURCE, "tag", "--list", f"v{release}"]).stdout.strip())


def outdated(release):
    """Whether the interface of a release that is not out has changed since its program was compiled."""
    if release != version() or tagged(release):
        return False
    with open(os.path.join(RELEASES, release, PRINTS), encoding="utf-8") as file:
        then = set(re.findall(r"^(\w+) of (\d+) bytes is taken$", file.read(), re.M))
    with open(os.path.join(FOLDER, "sizes.txt"), encoding="utf-8") as file:
        now = set(re.findall(rf"^{re.escape(release)} (\w+) (\d+)$", file.read(), re.M))
    return bool(then - now) or bool(set(calls(os.path.join(RELEASES, release, PROGRAM))) - set(symbols.recorded()))


def calls(program):
    """The functions of the library that a program asks for."""
    return [name for name in elf.imported(program) if name.startswith("fm_")]


def outcome(program, library):
    """(exit code, what it prints) with the library of that path."""
    done = subprocess.run([program], env={"LD_LIBRARY_PATH": os.path.dirname(library)}, capture_output=True, check=False)
    text = done.stdout.decode() + done.stderr.decode()
    # Example 04 prints why an output was refused; sentences for people may change.
    return done.returncode, "".join(line for line in text.splitlines(True) if not line.startswith("output: "))


def build(program, library):
    objects = []
    compiler = ["cc", "-std=c11", "-O1", f"-I{tap.SOURCE}/include", f"-I{FOLDER}", f"-ffile-prefix-map={tap.SOURCE}=."]
    sources = {"main": f"{FOLDER}/consumer.c", "calls": f"{FOLDER}/calls.c",
               **{name: f"{tap.SOURCE}/examples/{file}" for name, file in EXAMPLES.items()}}
    for name, source in sources.items():
        objects.append(tap.path(f"{name}.o"))
        rename = [f"-Dmain={name}"] if name in EXAMPLES else []
        subprocess.run([*compiler, *rename, "-c", source, "-o", objects[-1]], check=True)
    subprocess.run(["cc", "-s", *objects, library, "-lm", "-o", program], check=True)


def record(library):
    release = version()
    if tagged(release):
        sys.exit(f"{release} has its tag: its program stays as it was. Change the version in version.h first.")
    folder = os.path.join(RELEASES, release)
    os.makedirs(folder, exist_ok=True)
    program = os.path.join(folder, PROGRAM)
    build(program, os.path.abspath(library))
    code, text = outcome(program, os.path.abspath(library))
    if code:
        sys.exit(text)
    with open(os.path.join(folder, PRINTS), "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    record(sys.argv[2])
    tap.shutil.rmtree(tap.path(""), ignore_errors=True)
