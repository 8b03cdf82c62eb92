#!/usr/bin/env python3
# faults/walk.py - every call of the tool to the system fails, or is its last; so does every allocation.
# SPDX-License-Identifier: MIT
"""usage: walk.py [--sample N] [--only REGEX] [--kind REGEX] [--workers N]

Runs each scenario of worlds.py once for each call that it makes to the system and each way in which that call
can fail, with faults/shim.c (FREEMASK_SHIM) preloaded into FREEMASK_TOOL. After each run: the right exit code,
one line that names the file; each file is an input that did not change or is as in an undisturbed run; no
temporary files; and the same command again (with --resume, with --overwrite) ends as an undisturbed run.

Allocations are too many for that: most are the JSON library's, one for each number that it reads. Two of them
with the same stack of calls are of one kind. Of each kind in each scenario, one fails and one with all that
follow; where the kind comes up for the first time, the first, the last and two between, each of them both ways.

--sample N takes N calls of each name in each scenario, --only the scenarios and --kind the calls that a regular
expression finds. known.txt lists what is known to be wrong. Problems are printed when they are met."""
import argparse
import collections
import errno
import json
import multiprocessing
import os
import random
import re
import resource
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cli"))
import worlds  # noqa: E402
from kit import *  # noqa: E402

SHIM = os.environ.get("FREEMASK_SHIM")
if not SHIM:
    tap.skip_all("this system has no glibc to preload a library into")
SHIM = os.path.abspath(SHIM)

# ---- What can fail, and how ---------------------------------------------------------------------

SPACE, TROUBLE = errno.ENOSPC, errno.EIO
WAYS = {
    "open": [errno.EMFILE, TROUBLE, errno.EINTR], "create": [SPACE, errno.EMFILE, "kill"], "fdopen": [errno.ENOMEM],
    "opendir": [errno.EMFILE, errno.ENOMEM], "fdopendir": [errno.ENOMEM], "readdir": [TROUBLE],
    "stat": [TROUBLE], "lstat": [TROUBLE], "fstat": [TROUBLE], "fstatat": [TROUBLE], "access": [TROUBLE],
    "readlink": [TROUBLE], "realpath": [TROUBLE],
    "read": [TROUBLE, errno.EINTR, "short"], "pread": [TROUBLE, errno.EINTR, "short"], "fread": [TROUBLE],
    "write": [SPACE, errno.EINTR, errno.EAGAIN, "short", "kill", "torn"],
    "pwrite": [SPACE, errno.EINTR, errno.EAGAIN, "short", "kill", "torn"],
    "fwrite": [SPACE, TROUBLE, "kill", "torn"], "fflush": [SPACE, "kill"],
    "fsync": [TROUBLE, SPACE], "fdatasync": [TROUBLE], "syncfs": [TROUBLE, "kill"], "ftruncate": [TROUBLE, "kill"],
    "close": [TROUBLE], "fclose": [TROUBLE],
    "rename": [TROUBLE, SPACE, "kill"], "renameat": [TROUBLE, "kill"], "link": [TROUBLE, SPACE, "kill"],
    "symlink": [SPACE, "kill"], "unlink": [TROUBLE, "kill"], "unlinkat": [TROUBLE, "kill"], "rmdir": [TROUBLE, "kill"],
    "mkdir": [SPACE, "kill"], "mkdirat": [SPACE, "kill"],
    "flock": [errno.EINTR, errno.ENOLCK], "pthread_create": [errno.EAGAIN],
}
LOCK = ".freemask.lock"
AGAIN = ("--resume", "--overwrite")
KILLS = ("kill", "torn")
TAKES_SPACE = "create,write,pwrite,fwrite,fflush,fsync,mkdir,link,symlink,ftruncate"
# What one run does: `calls` that count, the `at`-th of them fails in this `way`, or all from it on.
Fault = collections.namedtuple("Fault", "scenario calls at way on name path")


def word(fault):
    how = errno.errorcode[fault.way] if isinstance(fault.way, int) else fault.way
    return how + " from then on" if fault.on else how


def preloaded(fault, log=None):
    settings = dict(os.environ, LD_PRELOAD=SHIM, FREEMASK_FAULT_CALLS=fault.calls, FREEMASK_FAULT_AT=str(fault.at),
                    FREEMASK_FAULT_HOW=str(fault.way))
    if fault.on:
        settings["FREEMASK_FAULT_ON"] = "1"
    if log:
        settings["FREEMASK_FAULT_LOG"] = log
    return settings


BETWEEN = 2


def watched(scenario, case, calls):
    """[(name, caller, path or number of the stack)]: the calls as a run that is only watched makes them."""
    log = tap.path("log")
    case.fresh(scenario)
    case.run(scenario.arguments, preloaded(Fault(scenario.name, calls, 0, 5, False, "", ""), log))
    with open(log, encoding="utf-8", errors="surrogateescape") as lines:
        made = [line.rstrip("\n").split("\t") for line in lines]
    os.remove(log)
    return made


def calls_of(scenario, case):
    """All faults of calls to the system."""
    found = [Fault(scenario.name, "files", at, way, False, name, path)
             for at, (name, _, path) in enumerate(watched(scenario, case, "files"), 1) for way in WAYS[name]]
    return found + [Fault(scenario.name, TAKES_SPACE, at, SPACE, True, f"full disk from {name}", path)
                    for at, (name, _, path) in enumerate(watched(scenario, case, TAKES_SPACE), 1)]


def allocations_of(scenario, case, seen):
    """Faults of allocations: some of each stack, more of those that are not among the `seen` ones yet."""
    stacks = collections.defaultdict(list)
    for at, (_, caller, stack) in enumerate(watched(scenario, case, "memory"), 1):
        stacks[stack, caller].append(at)
    chance, found = random.Random(4711), []
    for (stack, caller), places in stacks.items():
        chosen = {(places[0], False), (places[-1], True)}
        if stack not in seen:
            seen.add(stack)
            between = chance.sample(places[1:-1], min(BETWEEN, len(places[1:-1])))
            chosen = {(at, on) for at in (places[0], *between, places[-1]) for on in (False, True)}
        found += [Fault(scenario.name, "memory", at, errno.ENOMEM, on, f"memory of {caller}", "")
                  for at, on in sorted(chosen)]
    return found


# ---- A run, and what has to be true after it ----------------------------------------------------

def leftover(name):
    return left_by_a_crash(name) or name.endswith("/filter.journal") or "/.freemask." in name


def files_below(folder):
    """All but what is remembered of inputs: each copy of them is another file."""
    return without(".record", tree(folder))


def is_json(data):
    try:
        json.loads(data)
    except ValueError:
        return False
    return True


def without(ending, files):
    return {name: data for name, data in files.items() if not name.endswith(ending)}


class Case:
    """A folder in which a worker runs scenarios, always at the same path."""

    def __init__(self, top):
        self.top, self.folder = top, f"{top}/case"
        self.ends, self.begins = {}, {}

    def fresh(self, scenario):
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(f"{WORLDS}/{scenario.template}", self.folder)
        for arguments in scenario.setup:
            kill = preloaded(Fault(scenario.name, "rename", scenario.killed, "kill", False, "", ""))
            result = self.run(arguments, kill if scenario.killed else None)
            if result.code != (-9 if scenario.killed else 0):
                raise RuntimeError(f"before {scenario.name}: {result}")

    def run(self, arguments, settings=None):
        return run(*arguments, cwd=self.folder, env=settings)

    def undisturbed(self, scenario):
        """(files before, files after, standard output)"""
        if scenario.name not in self.ends:
            self.fresh(scenario)
            before = files_below(self.folder)
            result = self.run(scenario.arguments)
            if result.code:
                raise RuntimeError(f"{scenario.name}: {result}")
            self.ends[scenario.name] = before, files_below(self.folder), result.out
        return self.ends[scenario.name]

    def what_failed(self, scenario, fault):
        """With threads, the n-th call of a run is often another than that of the run that counted."""
        log = f"{self.top}/log"
        result = self.run(scenario.arguments, preloaded(fault, log))
        with open(log, encoding="utf-8", errors="surrogateescape") as lines:
            failed = [line.rstrip("\n").split("\t") for line in lines if line.startswith("!")]
        os.remove(log)
        name, _, path = failed[0] if failed else ("!nothing", "", "")
        return result, fault._replace(name=name[1:] if fault.calls == "files" else fault.name, path=path)

    def try_fault(self, fault):
        """A list of what is wrong."""
        scenario = SCENARIOS[fault.scenario]
        before, after, _ = self.undisturbed(scenario)
        self.fresh(scenario)
        if scenario.threads == 1:
            result = self.run(scenario.arguments, preloaded(fault))
        else:
            result, fault = self.what_failed(scenario, fault)
        problems = judge_result(fault, result) + judge_files(fault, result, before, after, files_below(self.folder))
        if result.code != 0:
            repeat = scenario.repeats[fault.at % len(scenario.repeats)]
            again, how = self.run(repeat), next((word for word in repeat if word in AGAIN), "the same")
            if again.code:
                problems.append(f"{how} afterwards: exit {again.code}: {again.err.strip()[-300:]}")
            else:
                now = without(LOCK, files_below(self.folder))
                if now != after:
                    problems.append(f"{how} afterwards ends otherwise: {difference(now, after)}")
        return [(problem, result.err.strip()[-300:]) for problem in problems]


def difference(got, expected):
    return ", ".join([f"+{name}" for name in sorted(got.keys() - expected.keys())][:4] +
                     [f"-{name}" for name in sorted(expected.keys() - got.keys())][:4] +
                     [f"!{name}" for name in sorted(got.keys() & expected.keys()) if got[name] != expected[name]][:4])


def names_it(path, sentence):
    """Does the sentence name the file, or a folder above it?"""
    path = re.sub(r"\.\d+-(?:[0-9a-f]+-\d+|new|gone)\.fm-part(?=/|$)", "", path)
    parts = [part for part in path.split("/") if part]
    return any(part in sentence for part in [*parts[-4:], *(part for part in parts if part.startswith(".freemask."))])


def judge_result(fault, result):
    if fault.way in KILLS:
        # With threads a run may have fewer calls than the run that counted.
        passed = result.code == 0 and fault.name == "nothing"
        return [] if result.code == -9 or passed else [f"exit {result.code} in spite of the kill"]
    if result.code == 0:
        # What a name leads to is not guessed.
        return ["goes on"] if fault.name == "realpath" and fault.way == TROUBLE else []
    problems = []
    if result.code != 4:
        problems.append(f"exit {result.code}, expected 4")
    lines = [line for line in result.err.splitlines() if not line.startswith("freemask: warning: ")]
    if len(lines) != 1 or not lines[0].startswith("freemask: ") or "\ufffd" in lines[0]:
        problems.append("standard error is not one line `freemask: ...`")
    elif fault.calls == "memory":
        if "memory" not in lines[0] and "start a thread" not in lines[0]:
            problems.append("does not speak of memory")
    elif fault.path and not names_it(fault.path, lines[0]):
        problems.append("does not name the file")
    return problems


def judge_files(fault, result, before, after, now):
    """Inputs are as they were, and all else is as it would be at the end."""
    if result.code == 0:
        # A lock that nobody holds does no harm.
        same = (without(LOCK, now) if fault.path.endswith(LOCK) else now) == after
        if SCENARIOS[fault.scenario].killed:  # what that left is looked for, but not at any price
            same = same or without(".fm-part", now) == after
        return [] if same else [f"exit 0, and other files: {difference(now, after)}"]
    problems = []
    killed = fault.way in KILLS or result.err.endswith("out of memory\n") or fault.calls == "memory" or SCENARIOS[fault.scenario].killed
    removes = fault.name in ("unlink", "unlinkat", "rmdir") or fault.path.endswith(LOCK)
    for name, data in now.items():
        if data == before.get(name) or data == after.get(name):
            continue
        if name.endswith("/run.json") and is_json(data):  # says how far a run has come
            continue
        # The mark of a run that can go on, or of one that was being removed.
        if name.endswith("/filter.journal") and ("--resume goes on" in result.err or "-overwrite" in fault.scenario):
            continue
        # Of what is put in place, links may be there before what they lead to.
        if killed and data.startswith(LEADS_NOWHERE):
            continue
        if leftover(name):
            if not killed and not removes:
                problems.append(f"left behind: {re.sub(r'[0-9]+-.*fm-part', 'fm-part', name)}")
        else:
            problems.append(f"half: {name}")
    problems += [f"input lost: {name}" for name, data in before.items()
                 if after.get(name) == data and name not in now and not name.startswith("out/")]
    return problems


# ---- Many of them -------------------------------------------------------------------------------

def limit():
    """Here and in what is started, once: a limit of its own for each process makes starting it slow."""
    for what, most in ((resource.RLIMIT_AS, 8 * GIB), (resource.RLIMIT_CORE, 0)):
        resource.setrlimit(what, (most, most))
    os.environ["FREEMASK_TEST_NO_LIMIT"] = "1"


def start_worker(top):
    global CASE
    CASE = Case(f"{top}/worker{os.getpid()}")
    os.makedirs(CASE.top)


def work(fault):
    try:
        return fault, CASE.try_fault(fault)
    except Exception as trouble:  # noqa: BLE001 - belongs to the report
        return fault, [(f"the walk itself: {trouble!r}", "")]


def sampled(faults, each):
    groups = collections.defaultdict(list)
    for fault in faults:
        groups[fault.name, fault.way, fault.on].append(fault)
    chance = random.Random(4711)
    return [fault for group in groups.values() for fault in chance.sample(group, min(each, len(group)))]


def read_known():
    """Regular expressions over `scenario call way: problem`; what they match is not a failure yet."""
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "known.txt"), encoding="utf-8") as lines:
        return [re.compile(line.strip()) for line in lines if line.strip() and not line.startswith("#")]


class Walk:
    """What has been found until now."""

    def __init__(self):
        self.began = self.told = time.monotonic()
        self.known, self.passed_over, self.total = read_known(), 0, 0

    def say(self, words):
        print(f"# {time.monotonic() - self.began:.0f} s: {words}", flush=True)

    def new_problems(self, fault, problems):
        """Texts of those that are not known; each is printed at once, so that it is there if the walk is cut short."""
        new = []
        for problem, sentence in problems:
            label = f"{fault.scenario} {fault.name} {word(fault)}: {problem}"
            known = any(pattern.search(label) for pattern in self.known)
            text = f"{word(fault)} at {fault.calls} {fault.at} {fault.path}: {problem} [{sentence}]"
            self.say(f"{'known' if known else 'PROBLEM'}: {fault.scenario} {fault.name} {text}")
            self.passed_over += known
            new += [] if known else [text]
        return new

    def through(self, scenario, faults, pool):
        """One check for each kind of call in the scenario."""
        runs, new = collections.Counter(), collections.defaultdict(list)
        for fault, problems in pool.imap_unordered(work, faults, 4):
            runs[fault.name] += 1
            new[fault.name] += self.new_problems(fault, problems)
            if time.monotonic() - self.told > 20:
                self.told = time.monotonic()
                self.say(f"{scenario.name}: {sum(runs.values())} of {len(faults)} faults, {self.total} before")
        self.total += len(faults)
        for name in sorted(runs):
            tap.ok(not new[name], f"{scenario.name}: {name} ({runs[name]} runs)", "\n".join(new[name]))


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--only", default="")
    parser.add_argument("--kind", default="")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    return parser.parse_args()


def shared_memory():
    """Files in memory take no time; the walk does not need a disk."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def main(chosen):
    walk, seen = Walk(), set()
    case = Case(tap.path("counting"))
    os.makedirs(case.top)
    with multiprocessing.Pool(chosen.workers, start_worker, (tap.path(),)) as pool:
        for name, scenario in SCENARIOS.items():
            if not re.search(chosen.only, name):
                continue
            faults = [*calls_of(scenario, case), *allocations_of(scenario, case, seen)]
            faults = [fault for fault in faults if re.search(chosen.kind, fault.name)]
            walk.through(scenario, sampled(faults, chosen.sample) if chosen.sample else faults, pool)
    walk.say(f"{walk.total} faults; {walk.passed_over} problems are known")
    tap.done()


if __name__ == "__main__":
    import tempfile
    tempfile.tempdir = tempfile.tempdir or os.environ.get("TMPDIR") or shared_memory()
    limit()
    WORLDS = tap.path("worlds")
    SCENARIOS = worlds.make_all(WORLDS)
    main(options())
