#!/usr/bin/env python3
# faults/kill_rounds.py - `filter` and `run` are killed at random moments, and resumed, again and again.
# SPDX-License-Identifier: MIT
"""usage: kill_rounds.py [ROUNDS [SEED]]

Each round begins a command, kills it after a random time, and so on with --resume until it has been left
alone once, or --overwrite puts another job in its place. Meanwhile the data may be copied again, to the same
place or to another one. At the end the results are byte for byte those of a run that nobody disturbed."""
import os
import random
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cli"))
from kit import *  # noqa: E402

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 20
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else 1
MASKS = 30
space = ref.preset("ade20k")
dice = random.Random(SEED)
PLACES = ("data", "node/1", "node/2")


def make_world(place):
    rng = np.random.default_rng(7)
    for i in range(MASKS):
        mask = random_mask(rng, space, (60, 80))
        for kind in ("real", "made"):
            stem = f"{i % 3}/m{i}" + ("_seed_42" if kind == "made" else "")
            write(tap.path(f"{place}/{kind}/masks/{stem}.png"), png(mask))
            write(tap.path(f"{place}/{kind}/losses/{stem}.npy"), npy(random_loss(rng, space, mask)))


def command(kind, place, tolerance):
    words = ["--labels", space.name, "--tolerance", str(tolerance), "-q", "-j2", "-o", "out"]
    if kind == "filter":
        return ["filter", "--stats", "stats.json", "--masks", f"{place}/made/masks", "--losses", f"{place}/made/losses", *words]
    return ["run", "--real-masks", f"{place}/real/masks", "--real-losses", f"{place}/real/losses", "--synthetic-masks",
            f"{place}/made/masks", "--synthetic-losses", f"{place}/made/losses", *words]


def results():
    """All but files that name the place of the data."""
    return {name: data for name, data in tree(tap.path("out")).items()
            if not name.endswith(("filter.json", "run.json", "report.html", "train.csv", "mmseg.py"))}


def clear():
    shutil.rmtree(tap.path("out"), ignore_errors=True)


def move(place):
    """What a batch system does between two attempts."""
    if dice.random() < 0.7:
        return place
    there = dice.choice(PLACES)
    shutil.rmtree(tap.path(place))
    make_world(there)
    return there


def attempt(arguments, seconds):
    """Killed after so many seconds, or left alone (None)."""
    process = start(*arguments, cwd=tap.path())
    if seconds is not None:
        deadline = time.monotonic() + seconds
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.0005)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
    return Result(process)


place = "data"
make_world(place)
made = run("stats", "--labels", space.name, "--masks", "data/real/masks", "--losses", "data/real/losses", "-o", "stats.json", cwd=tap.path())
tap.ok(made.code == 0, "stats", made)
calm, lasts = {}, {}
for kind in ("filter", "run"):
    for tolerance in (1.25, 1.05):
        clear()
        began = time.monotonic()
        made = attempt(command(kind, place, tolerance), None)
        lasts[kind] = min(lasts.get(kind, float("inf")), time.monotonic() - began)
        calm[kind, tolerance] = results()
        tap.ok(made.code == 0, f"{kind} --tolerance {tolerance}, undisturbed", made)

kills = number = 0
while number < ROUNDS or kills < ROUNDS // 4:  # more where the commands have become faster than they were
    number += 1
    kind, tolerance = dice.choice(("filter", "run")), 1.25
    clear()
    flags, story = [], []
    for _ in range(dice.randint(1, 6)):
        result = attempt(command(kind, place, tolerance) + flags, dice.uniform(0, 1.1 * lasts[kind]))
        kills += result.code == -9
        story.append(f"{flags} {result.code}")
        if result.code not in (0, -9):
            break
        place = move(place)
        flags = ["--resume"]
        if dice.random() < 0.25:
            tolerance, flags = (1.05 if tolerance == 1.25 else 1.25), ["--overwrite"]
    # An --overwrite that was killed before it changed anything is asked for once more.
    result = attempt(command(kind, place, tolerance) + (flags or ["--resume"]), None)
    if result.code == 2 and "--overwrite" in result.err and "--tolerance" in result.err:
        result = attempt(command(kind, place, tolerance) + ["--overwrite"], None)
    now, expected = results(), calm[kind, tolerance]
    differs = sorted(name for name in {**now, **expected} if now.get(name) != expected.get(name))
    tap.ok(result.code == 0 and not differs, f"round {number} of seed {SEED}: {kind}, {len(story)} attempts", f"{story}\n{differs[:8]}\n{result}")
print(f"# killed {kills} times in {number} rounds")
tap.done()
