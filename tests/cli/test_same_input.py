#!/usr/bin/env python3
# cli/test_same_input.py - what --resume takes for the same input, and for finished.
# SPDX-License-Identifier: MIT
"""Inputs are compared by what they hold. Where they lie, when they were written and what the clock says
makes no difference; other content is found whatever the times say. What is finished is believed only if
all that it stands for is there."""
import json

from kit import *

space = ref.preset("ade20k")
rng = np.random.default_rng(77)
MASKS = 12


def make_world(root, seed=1):
    """Real and synthetic masks with their losses and strata below `root`."""
    world = np.random.default_rng(seed)
    for i in range(MASKS):
        for kind in ("real", "made"):
            mask = random_mask(world, space, (40, 56))
            stem = f"{i % 2}/m{i}" + ("_seed_42" if kind == "made" else "")
            write(f"{root}/{kind}/masks/{stem}.png", png(mask))
            write(f"{root}/{kind}/losses/{stem}.npy", npy(random_loss(world, space, mask)))


make_world(tap.path("job1"))
LABELS = ["--labels", space.name]


def tool(*arguments, **more):
    return run(*arguments, cwd=tap.path(), **more)


def filter_of(job, out, *more):
    return tool("filter", "--stats", "stats.json", *LABELS, "--masks", f"{job}/made/masks", "--losses", f"{job}/made/losses",
                "-o", out, *more)


def run_of(job, out, *more):
    return tool("run", *LABELS, "--real-masks", f"{job}/real/masks", "--real-losses", f"{job}/real/losses",
                "--synthetic-masks", f"{job}/made/masks", "--synthetic-losses", f"{job}/made/losses", "-o", out, *more)


def results(out):
    """All but what names the places of inputs."""
    return {name: data for name, data in tree(tap.path(out)).items()
            if name not in ("filter.json", "run.json", "report.html", "export/plan.json") and not name.endswith(("train.csv", "mmseg.py", ".fm-part"))}


def stamps(out):
    return {name: os.stat(tap.path(out, name)).st_mtime_ns for name in tree(tap.path(out)) if name.endswith((".png", "stats.json"))}


result = tool("stats", *LABELS, "--masks", "job1/real/masks", "--losses", "job1/real/losses", "-o", "stats.json")
tap.ok(result.code == 0, "stats", result)
result = filter_of("job1", "calm")
tap.ok(result.code == 0, "filter", result)
calm = results("calm")

# ---- A batch system brings the data again -------------------------------------------------------

shutil.rmtree(tap.path("job1"))
make_world(tap.path("job1"))
before = stamps("calm")
result = filter_of("job1", "calm", "--resume")
tap.ok(result.code == 0 and "finished" in result.out, "finished, and the data was copied again to the same place", result)
make_world(tap.path("job2"))
shutil.rmtree(tap.path("job1"))
result = filter_of("job2", "calm", "--resume")
tap.ok(result.code == 0 and "finished" in result.out, "... and to another place", result)
tap.ok(stamps("calm") == before and results("calm") == calm, "no mask is made again")
named = json.loads(read(tap.path("calm/filter.json")))
tap.equal((named["masks"], named["losses"]), ("../job2/made/masks", "../job2/made/losses"), "the manifest names the new place")
make_world(tap.path("job1"))

# An unfinished run: as a kill between two masks leaves it.
folder = tap.path("cut")


def begin():
    shutil.rmtree(folder, ignore_errors=True)
    return start("filter", "--stats", "stats.json", *LABELS, "--masks", "job1/made/masks", "--losses", "job1/made/losses", "-o", "cut",
                 "-j1", cwd=tap.path())


def count():
    return sum(name.endswith(".png") for name in everything(folder))


MADE = sum(name.endswith(".png") for name in calm)
result = ended_midway(begin, count, 3, MADE)
done = stamps("cut")
tap.ok(result.code == -9 and 3 <= count() < MADE, "a run is killed in the middle", result)
shutil.rmtree(tap.path("job1"))
result = filter_of("job2", "cut", "--resume")
kept = sum(stamps("cut")[name] == when for name, when in done.items())
tap.ok(result.code == 0 and results("cut") == calm, "an unfinished run goes on where the data is now", result)
tap.ok(kept >= len(done) - 2, "and does not make again what is made", f"{kept} of {len(done)}")
make_world(tap.path("job1"))

# ---- Other content, whatever the times say ------------------------------------------------------

VICTIM = "0/m4_seed_42"


def other_loss():
    return npy(np.full((40, 56), 9, np.float32))


def in_place(path, data):
    """The same size, the same times: only the time of the change tells."""
    times = os.stat(path)
    with open(path, "r+b") as file:
        file.write(data)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def older_link(path, data):
    """A link to a file that is older than everything."""
    write(path + ".old", data)
    os.utime(path + ".old", (1, 1))
    os.unlink(path)
    os.symlink(os.path.basename(path) + ".old", path)


def moved_there(path, data):
    write(path + ".new", data)
    os.utime(path + ".new", ns=(os.stat(path).st_atime_ns, os.stat(path).st_mtime_ns))
    os.replace(path + ".new", path)


def from_the_future(path, data):
    write(path, data)
    os.utime(path, (4e9, 4e9))


for change in (in_place, older_link, moved_there, from_the_future):
    for kind, data in (("losses", other_loss()), ("masks", None)):
        ending = "npy" if kind == "losses" else "png"
        path = tap.path(f"job1/made/{kind}/{VICTIM}.{ending}")
        original = read(path)
        if data is None:
            pixels = Png(original).pixels
            data = png(np.where((pixels > 0) & (pixels < 255), pixels % 150 + 1, pixels))
            data += bytes(max(0, len(original) - len(data)))
        name = f"{change.__name__.replace('_', ' ')}, {kind}"
        shutil.copytree(tap.path("calm"), tap.path("finished"))
        change(path, data)
        result = filter_of("job1", "finished", "--resume")
        tap.ok(result.code == 2 and f"job1/made/{kind}/{VICTIM}.{ending}" in result.err and "--overwrite" in result.err,
               f"{name}: a finished run names it", result)
        result = filter_of("job1", "finished", "--overwrite")
        fresh = filter_of("job1", "fresh")
        tap.ok(result.code == 0 == fresh.code and results("finished") == results("fresh") != calm, f"{name}: made again", result)
        os.unlink(path)
        write(path, original)
        shutil.rmtree(tap.path("finished"))
        shutil.rmtree(tap.path("fresh"))

result = filter_of("job1", "calm", "--resume")
tap.ok(result.code == 0 and results("calm") == calm, "and with the originals it is finished as before", result)

# ---- Flags ----------------------------------------------------------------------------------------

for flags, words in ((["--tolerance", "2"], "--tolerance (1.25, now 2)"), (["--unseen", "keep"], "--unseen"), (["--shard", "0/2"], "--shard")):
    result = filter_of("job1", "calm", "--resume", *flags)
    tap.ok(result.code == 2 and words in result.err, f"{flags[0]} is named", result)
shutil.copytree(tap.path("job1"), tap.path("fewer"))
os.unlink(tap.path(f"fewer/made/masks/{VICTIM}.png"))
result = filter_of("fewer", "calm", "--resume")
tap.ok(result.code == 2 and f"masks ({MASKS} of them, now {MASKS - 1})" in result.err, "a mask less is named", result)

# ---- Finished only if all is there ----------------------------------------------------------------


def cut(path):
    write(path, read(path)[:-7])


for name, damage in (("a mask is gone", os.unlink), ("a mask is cut", cut)):
    path = tap.path(f"calm/masks/{VICTIM}.png")
    others = {n: t for n, t in stamps("calm").items() if VICTIM not in n}
    damage(path)
    result = filter_of("job1", "calm", "--resume")
    tap.ok(result.code == 0 and "finished already" not in result.out and results("calm") == calm, f"{name}: it is made again", result)
    tap.ok({n: t for n, t in stamps("calm").items() if VICTIM not in n} == others, f"{name}: and no other one")
for name in ("filter.csv", "filter.record"):
    os.unlink(tap.path("calm", name))
    result = filter_of("job1", "calm", "--resume")
    if name == "filter.record":
        tap.ok(result.code == 3 and name in result.err and "--overwrite" in result.err, f"{name} is gone: a way forward", result)
        result = filter_of("job1", "calm", "--overwrite")
    tap.ok(result.code == 0 and results("calm") == calm, f"{name} is gone: it is written again", result)
result = filter_of("job1", "calm", "--resume")
tap.ok(result.code == 0 and "finished already" in result.out, "then it is finished", result)

# ---- Marks go first: killed while clearing ----------------------------------------------------------

SHIM = os.environ.get("FREEMASK_SHIM")
OTHER = filter_of("job1", "other", "--tolerance", "1.05")
other = results("other")
RUN = run_of("job1", "whole", "--tolerance", "1.05")
whole = results("whole")
tap.ok(RUN.code == 0 == OTHER.code and whole, "what they come to undisturbed", RUN)


def killed(at, *command):
    """The n-th file that goes or gets its name is the last."""
    return run(*command, cwd=tap.path(), env=dict(os.environ, LD_PRELOAD=os.path.abspath(SHIM), FREEMASK_FAULT_CALLS="unlink,rename,rmdir",
                                                   FREEMASK_FAULT_AT=str(at), FREEMASK_FAULT_HOW="kill"), address_space=8 * GIB)


def walk(name, first, command, expected, steps):
    for at in steps:
        shutil.rmtree(tap.path("cleared"), ignore_errors=True)
        first("cleared")
        result = killed(at, *command, "-o", "cleared", "--overwrite", "-j1")
        if result.code != -9:
            tap.ok(at > 5, f"{name}: killed at last at step {at}", result)
            return
        result = tool(*command, "-o", "cleared", "--resume")
        if result.code == 2: # nothing was cleared yet: the earlier run is whole
            shutil.rmtree(tap.path("untouched"), ignore_errors=True)
            first("untouched")
            tap.ok(at <= 2 and "--tolerance (1.25, now 1.05)" in result.err and results("cleared") == results("untouched"),
                   f"{name}: step {at} clears nothing", result)
            continue
        names = sorted(n for n in {**expected, **results("cleared")} if expected.get(n) != results("cleared").get(n))
        tap.ok(result.code == 0 and not names, f"{name}: cleared up to step {at}, then --resume", f"{names}\n{result}")


if SHIM:
    walk("filter", lambda out: filter_of("job1", out), ["filter", "--stats", "stats.json", *LABELS, "--masks", "job1/made/masks",
         "--losses", "job1/made/losses", "--tolerance", "1.05"], other, [*range(1, 16), 20, 26, 27, 28, 29, 30, 99])
    walk("run", lambda out: run_of("job1", out), ["run", *LABELS, "--real-masks", "job1/real/masks", "--real-losses", "job1/real/losses",
         "--synthetic-masks", "job1/made/masks", "--synthetic-losses", "job1/made/losses", "--tolerance", "1.05"], whole,
         [*range(1, 12), 24, 25, 38, 39, 40, 41, 42, 43, 44, 45, 46, 999])
else:
    tap.skip("marks go first", "this build has no library to preload", excused=True)

# ---- run: the real set ------------------------------------------------------------------------------

result = run_of("job1", "runs")
tap.ok(result.code == 0, "run", result)
ran, before = results("runs"), stamps("runs")
shutil.rmtree(tap.path("job2"))
make_world(tap.path("job2"))
result = run_of("job2", "runs", "--resume")
tap.ok(result.code == 0 and results("runs") == ran and stamps("runs") == before, "run: data elsewhere, nothing is made again", result)
path = tap.path("job2/real/losses/0/m4.npy")
original = read(path)
in_place(path, other_loss())
result = run_of("job2", "runs", "--resume")
tap.ok(result.code == 2 and "job2/real/losses/0/m4.npy has changed" in result.err and "statistics" in result.err,
       "run: a real loss has changed: it is named, and so are the statistics", result)
tap.ok(not os.path.exists(tap.path("runs/plan.csv")) and not os.path.exists(tap.path("runs/hardness.csv")), "run: nothing of the old statistics is left")
in_place(path, original)
result = run_of("job2", "runs", "--resume")
tap.ok(result.code == 0 and results("runs") == ran, "run: with the original it goes on", result)
in_place(path, other_loss())
result = run_of("job2", "runs", "--overwrite")
fresh = run_of("job2", "fresh")
tap.ok(result.code == 0 == fresh.code and results("runs") == results("fresh") != ran, "run: --overwrite takes the new one", result)

# ---- Links below the output folder are not followed ---------------------------------------------------

for name, plant in (("masks", lambda out: os.symlink(tap.path("job2/made/masks"), f"{out}/masks")),
                    ("masks/0", lambda out: (os.mkdir(f"{out}/masks"), os.symlink(tap.path("job2/made/masks/0"), f"{out}/masks/0"))),
                    ("masks/0 to a folder of somebody else", lambda out: (os.mkdir(f"{out}/masks"), os.symlink(tap.path("job1/made"), f"{out}/masks/0")))):
    for flag in ("--overwrite", "--resume"):
        shutil.rmtree(tap.path("linked"), ignore_errors=True)
        shutil.copytree(tap.path("calm"), tap.path("linked"))
        shutil.rmtree(tap.path("linked/masks"))
        plant(tap.path("linked"))
        inputs = tree(tap.path("job1")), tree(tap.path("job2"))
        result = filter_of("job2", "linked", flag)
        tap.ok(result.code == 2 and "linked/masks" in result.err, f"{name} is a link, {flag}: refused", result)
        tap.ok((tree(tap.path("job1")), tree(tap.path("job2"))) == inputs, f"{name} is a link, {flag}: nothing behind it changes")

tap.done()
