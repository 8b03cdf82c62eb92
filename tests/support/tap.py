# support/tap.py - the one TAP kit of all test scripts, and the build that they test.
"""A script makes checks with ok() and equal(), and ends with done(). What a machine lacks is skipped with
a reason. Where CI is set a skip is a failure, because CI installs everything; `excused` marks the few
things that CI need not have either (a GPU, data that is not in the tree)."""
import importlib
import os
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True

SOURCE = os.environ.get("FM_SOURCE") or os.path.dirname(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("FM_BUILD", os.path.join(SOURCE, "build"))
HEADERS = os.path.join(SOURCE, "include", "freemask")
CI = bool(os.environ.get("CI"))

_count = _failed = 0
_folder = None


# ---- Checks ----------------------------------------------------------------------------

def ok(good, name, detail=""):
    """One check; returns whether it succeeded. `detail` is printed if it did not."""
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


def skip(name, why, excused=False):
    """A check that this machine cannot make."""
    global _count
    if CI and not excused:
        ok(False, name, f"skipped, which CI forbids: {why}")
        return
    _count += 1
    print(f"ok {_count} - {name} # SKIP {why}", flush=True)


def done():
    """Prints the plan and ends the script."""
    print(f"1..{_count}", flush=True)
    if _folder:
        shutil.rmtree(_folder, ignore_errors=True)
    sys.exit(1 if _failed or not _count else 0)


def skip_all(why, excused=False):
    """Ends a script that has not made a check yet."""
    if CI and not excused:
        ok(False, "everything that the test needs is there", f"skipped, which CI forbids: {why}")
        done()
    print(f"1..0 # SKIP {why}", flush=True)
    sys.exit(0)


# ---- What a script needs ---------------------------------------------------------------

def need(*modules):
    """Ends the script where a Python module is missing."""
    missing = []
    for module in modules:
        try:
            importlib.import_module(module)
        except ImportError:
            missing.append(module)
    if missing:
        skip_all(f"this Python has no {' and no '.join(missing)}")


def need_programs(*programs):
    missing = [program for program in programs if not shutil.which(program)]
    if missing:
        skip_all(f"not in PATH: {', '.join(missing)}")


def has_program(program):
    """Whether it is in PATH; if not, what depends on it counts as one skipped check."""
    if shutil.which(program):
        return True
    skip(f"what needs {program}", f"{program} is not in PATH")
    return False


def path(*parts):
    """A path in a folder of this script's own that done() removes."""
    global _folder
    if not _folder:
        _folder = tempfile.mkdtemp(prefix="freemask-test-")
    return os.path.join(_folder, *parts)


def run(command, **more):
    """A finished process; its output is in `stdout`."""
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", check=False, **more)


def compilers(kind):
    """The C or C++ compilers of this machine: gcc and clang, or else the one of the build."""
    own = os.environ.get("FM_CC", "cc").split() if kind == "c" else []
    names = {"c": ["gcc", "clang"], "c++": ["g++", "clang++"]}[kind]
    found = [[name] for name in names if shutil.which(name)]
    return found or ([own] if own else [])
