#!/usr/bin/env python3
# cli/test_owners.py - one process at a time writes into an output folder.
# SPDX-License-Identifier: MIT
"""The first process is stopped (SIGSTOP) while it writes. Every other command that would write into the
folder is refused, names the folder and the process, and changes nothing; the first then goes on as if
nothing had been."""
import json
import re
import signal
import time

from kit import *
from PIL import Image  # noqa: E402 - kit says what is missing

space = ref.preset("ade20k")
rng = np.random.default_rng(31)
MASKS = 60
for i in range(MASKS):
    mask = random_mask(rng, space, (120, 160))
    for kind in ("real", "made"):
        stem = f"{i % 3}/m{i}" + ("_seed_42" if kind == "made" else "")
        write(tap.path(f"{kind}/masks/{stem}.png"), png(mask))
        write(tap.path(f"{kind}/losses/{stem}.npy"), npy(random_loss(rng, space, mask)))
LABELS = ["--labels", space.name]
REAL = [*LABELS, "--masks", "real/masks", "--losses", "real/losses"]
MADE = [*LABELS, "--masks", "made/masks", "--losses", "made/losses"]


def tool(*arguments, **more):
    return run(*arguments, cwd=tap.path(), **more)


for arguments in (["stats", *REAL, "-o", "stats.json"],
                  ["hardness", "--stats", "stats.json", *LABELS, "--masks", "real/masks", "-o", "hardness.csv"],
                  ["plan", "--hardness", "hardness.csv", "--n-max", "5", "-o", "plan.csv"],
                  ["export", "--plan", "plan.csv", "--to", "jsonl", *LABELS, "--real-masks", "real/masks", "-o", "jobs"]):
    result = tool(*arguments)
    tap.ok(result.code == 0, f"{arguments[0]} runs", result)
for line in open(tap.path("jobs/jobs.jsonl"), encoding="utf-8"):
    output = os.path.join(tap.path("jobs"), json.loads(line)["output"])
    os.makedirs(os.path.dirname(output), exist_ok=True)
    Image.fromarray(np.zeros((120, 160, 3), np.uint8)).save(output)

FILTER = ["filter", "--stats", "stats.json", *MADE]
RUN = ["run", *LABELS, "--real-masks", "real/masks", "--real-losses", "real/losses", "--synthetic-masks", "made/masks",
       "--synthetic-losses", "made/losses"]
COLLECT = ["collect", "--jobs", "jobs"]
EXPORT = ["export", "--plan", "plan.csv", "--to", "list"]
CONVERT = [*EXPORT, *LABELS, "--real-masks", "real/masks", "--train-ids", "--allow-missing"]
DEMO = ["demo", "--scenes", "30", "--size", "64x48"]


def folder_of(command, folder):
    return [folder] if command[0] in ("demo", "report") else ["-o", folder]


def count(folder):
    return sum(name.endswith((".png", ".jpg")) for name in everything(tap.path(folder)))


def stopped(command, folder, files, all_files):
    """A process that has written that many images or masks, and not all, and is stopped."""
    overwrites = "--overwrite" in command

    def begin():
        shutil.rmtree(tap.path(folder), ignore_errors=True)
        if overwrites:
            tool(*FILTER, "-o", folder, "--tolerance", "3")
        return start(*command, *folder_of(command, folder), "-j1", cwd=tap.path())

    def done():
        if not overwrites:
            return count(folder)
        # The old masks are there until they are replaced: its journal tells, which goes at the end.
        try:
            return read(tap.path(folder, "filter.journal")).count(b"\n") - 1
        except FileNotFoundError:
            return 0
    return stopped_midway(begin, done, files, all_files)


def contents(folder):
    """Files of two folders are alike but for the folders' names, which pages and fingerprints are made of, too."""
    return {name: re.sub(rb'"fingerprint": "\w+"', b"", data.replace(folder.encode(), b"FOLDER"))
            for name, data in tree(tap.path(folder)).items() if not name.endswith("report.html")}


def same_as(folder, calm):
    mine, other = contents(folder), contents(calm)
    return sorted(name for name in mine.keys() | other.keys() if mine.get(name) != other.get(name)) == []


# Each command that takes long enough to be stopped, and all that would write into its folder.
RIVALS = [FILTER, [*FILTER, "--resume"], [*FILTER, "--overwrite"], RUN, [*RUN, "--resume"], [*RUN, "--overwrite"],
          COLLECT, EXPORT, ["report"], DEMO, [*DEMO, "--overwrite"]]
for command, files in ((FILTER, 5), ([*FILTER, "--overwrite"], 5), (RUN, 5), (COLLECT, 9), (CONVERT, 5), (DEMO, 9)):
    name = " ".join([command[0]] + [word for word in command if word in ("--overwrite",)])
    calm, folder = f"calm {name}", f"shared {name}"
    result = tool(*command, *folder_of(command, calm))
    tap.ok(result.code == 0, f"{name}: undisturbed", result)
    first = stopped(command, folder, files, count(calm))
    tap.ok(first.poll() is None, f"{name}: stopped midway")
    held, names = tree(tap.path(folder)), everything(tap.path(folder))
    tap.ok(held.get(".freemask.lock") == b"%d\n" % first.pid, f"{name}: the lock names its process", held.get(".freemask.lock"))
    for rival in RIVALS:
        second = tool(*rival, *folder_of(rival, folder))
        flags = " ".join(word for word in rival if word in ("--resume", "--overwrite"))
        tap.ok(second.code == 2 and second.err.count("\n") == 1 and folder in second.err and f"process {first.pid}" in second.err,
               f"{name}: {rival[0]} {flags} is refused", second)
        tap.ok(tree(tap.path(folder)) == held and everything(tap.path(folder)) == names, f"{name}: {rival[0]} {flags} touches nothing")
    first.send_signal(signal.SIGCONT)
    result = Result(first)
    tap.ok(result.code == 0 and same_as(folder, calm), f"{name}: the first goes on as if alone", result)
    tap.ok(".freemask.lock" not in tree(tap.path(folder)), f"{name}: no lock is left")

# The demo holds its results, and a run its lists, from the beginning.
demo = stopped(DEMO, "demo", 3, count("calm demo"))
second = tool(*RUN, "-o", "demo/results")
tap.ok(second.code == 2 and f"process {demo.pid}" in second.err, "a demo's results are its own", second)
demo.kill()
Result(demo)
first = stopped(RUN, "lists", 3, count("calm run"))
second = tool(*EXPORT, "-o", "lists/export")
tap.ok(second.code == 2 and f"process {first.pid}" in second.err, "a run's lists are its own", second)

# The lock of a process that died is none, whatever it left.
first.kill()
Result(first)
tap.ok(os.path.exists(tap.path("lists/.freemask.lock")), "a killed run leaves its lock's file")
result = tool(*RUN, "-o", "lists", "--resume")
tap.ok(result.code == 0 and same_as("lists", "calm run"), "which blocks no other process", result)

# Many at once: each is refused or does all of it, and the folder is as if one had come alone.
for round in range(4):
    folder = f"crowd{round}"
    crowd = [start(*FILTER, "-o", folder, *(["--overwrite"], ["--resume"], [])[i % 3], "-j1", cwd=tap.path()) for i in range(6)]
    results = [Result(process) for process in crowd]
    tap.ok({r.code for r in results} <= {0, 2} and 0 in {r.code for r in results},
           f"a crowd: done or refused ({round})", "\n".join(map(str, results)))
    tap.ok(tree(tap.path(folder)) == tree(tap.path("calm filter")), f"a crowd: as if alone ({round})")
# One makes the folder, another one finds it; whoever ends last has to take it away.
codes, left = set(), []
for _ in range(20):
    crowd = [start(*FILTER, "-o", "nowhere", "--stats", "x", cwd=tap.path()) for i in range(5)]
    codes |= {Result(process).code for process in crowd}
    left += [name for name in os.listdir(tap.path()) if name.startswith("nowhere")]
    shutil.rmtree(tap.path("nowhere"), ignore_errors=True)
tap.ok(codes <= {2, 4} and not left, "a crowd that fails leaves nothing, 20 times", (codes, left))

# Only what dead processes left unfinished is swept.
for command in (FILTER, COLLECT, RUN):
    folder, below = f"swept {command[0]}", "images" if command is COLLECT else "masks/0"
    first = stopped(command, folder, 3, count(f"calm {command[0]}"))
    first.kill()
    Result(first)
    parts = {who: f"{folder}/{below}/x.png.{who}-7ffd6df13670-0.fm-part" for who in (dead_process(), os.getpid())}
    for path in parts.values():
        write(tap.path(path), b"half")
    result = tool(*command, "-o", folder, *([] if command is COLLECT else ["--resume"]))
    dead, alive = (os.path.exists(tap.path(path)) for path in parts.values())
    tap.ok(result.code == 0 and not dead, f"{command[0]}: sweeps what a dead process left", result)
    tap.ok(alive, f"{command[0]}: leaves what a living one writes")

# Single files are whole at any moment, whoever writes them.
STATS = ["stats", *REAL, "-o", "same.json", "-j1"]
expected = read(tap.path("stats.json"))
crowd = [start(*STATS, cwd=tap.path()) for i in range(6)]
seen = set()
while any(process.poll() is None for process in crowd):
    if os.path.exists(tap.path("same.json")):
        seen.add(read(tap.path("same.json")))
    time.sleep(0.001)
results = [Result(process) for process in crowd]
tap.ok(all(r.code == 0 for r in results), "statistics to one file: all do", "\n".join(map(str, results)))
tap.ok(seen <= {expected} and read(tap.path("same.json")) == expected, "statistics to one file: whole at any moment")
tap.ok(not [n for n in os.listdir(tap.path()) if n.endswith(".fm-part")], "statistics to one file: nothing is left")

# A lock that is none is not followed, waited for or written into.
victim = tap.path("real/losses/0/m0.npy")
data = read(victim)
for name, plant, code in (("a link", lambda path: os.symlink(victim, path), 4), ("a pipe", os.mkfifo, 4), ("a folder", os.mkdir, 4),
                          ("a second name of an input", lambda path: os.link(victim, path), 0)):
    folder = f"planted {name}"
    os.mkdir(tap.path(folder))
    plant(tap.path(folder, ".freemask.lock"))
    result = tool(*FILTER, "-o", folder)
    tap.ok(result.code == code and (not code or ".freemask.lock" in result.err), f"in the lock's place: {name}", result)
    tap.ok(read(victim) == data, f"in the lock's place: {name}, which stays as it is")

tap.done()
