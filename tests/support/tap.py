# support/tap.py - what every test script shares: one line per check, and the build it tests.
"""A script makes checks with ok() and equal(), and ends with done()."""
import os
import subprocess
import sys

SOURCE = os.environ.get("FM_SOURCE") or os.path.dirname(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("FM_BUILD", os.path.join(SOURCE, "build"))
HEADERS = os.path.join(SOURCE, "include", "freemask")

_count = _failed = 0


def ok(good, name, detail=""):
    global _count, _failed
    _count += 1
    _failed += not good
    print(f"{'ok' if good else 'not ok'} {_count} - {name}", flush=True)
    if not good:
        for line in str(detail).splitlines()[:30]:
            print(f"# {line}", flush=True)
    return bool(good)


def equal(got, expected, name):
    return ok(got == expected, name, f"got      {got!r}\nexpected {expected!r}")


def skip(name, why):
    global _count
    _count += 1
    print(f"ok {_count} - {name} # SKIP {why}", flush=True)


def done():
    print(f"1..{_count}")
    sys.exit(1 if _failed or not _count else 0)


def skip_all(why):
    print(f"1..0 # SKIP {why}")
    sys.exit(0)


def run(command, **more):
    """A finished process, whose text is there for a message."""
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", check=False, **more)


def compilers(kind):
    """The C or C++ compilers of this machine: the build's own first, then gcc and clang."""
    import shutil
    own = os.environ.get("FM_CC", "cc").split() if kind == "c" else []
    names = {"c": ["gcc", "clang"], "c++": ["g++", "clang++"]}[kind]
    found = [[name] for name in names if shutil.which(name)]
    return found or ([own] if own else [])
