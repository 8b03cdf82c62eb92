#!/usr/bin/env python3
# cli/test_export_whole.py - an export is there as a whole or not at all, and replaces nothing but exports.
# SPDX-License-Identifier: MIT
"""A second export fails or is killed at each step that changes a name: the first one is whole, or the second
one is, at once or when the next export comes. Files of a person are named, and stay. Also: what `run` exports,
links in the way of relative paths, and jobs that want one mask."""
import json

from export_world import *

space = ref.preset("ade20k")
make_world(tap, "w", ".png", space)
SHIM = os.environ.get("FREEMASK_SHIM")
SMALL = dict(list(PLAN.items())[:5])
write(tap.path("w/small.csv"), plan_csv(SMALL))


def tool(*arguments, **more):
    return run(*arguments, cwd=tap.path(), **more)


def export(kind, output, plan="plan", *more, **settings):
    folders = ["--real-masks", "w/real/masks"]
    if kind not in ("freestylenet", "jsonl"):
        folders += ["--real-images", "w/real/images", "--synthetic", "w/syn/masks", "--images", "w/syn/images"]
    return tool("export", "--plan", f"w/{plan}.csv", "--to", kind, "--labels", space.name, *folders, "-o", output, *more, **settings)


def visible(folder):
    """Files and links but the notes of the tool."""
    found = {}
    for base, folders, files in os.walk(tap.path(folder)):
        for name in files + folders:
            path = os.path.join(base, name)
            relative = os.path.relpath(path, tap.path(folder))
            if ".freemask." in relative:
                continue
            if os.path.islink(path):
                found[relative] = os.readlink(path)
            elif os.path.isfile(path):
                found[relative] = read(path)
    return {name: data.replace(b"again", b"FOLDER") if isinstance(data, bytes) else data for name, data in found.items()}


# ---- A person's files -------------------------------------------------------------------------------

for kind, names in (("list", ["train.csv", "joint.txt", "plan.json", "real.txt", "synthetic.txt"]), ("mmseg", ["freemask_mmseg.py", "real.txt"]),
                    ("freestylenet", ["seed_42.txt", "generate.sh", "jobs.jsonl", "data/annotations/validation/plain.png"]),
                    ("hf", ["classes.json"]), ("webdataset", ["shards.jsonl"])):
    for name in names:
        folder = f"own {kind} {name.replace('/', '-')}"
        write(tap.path(folder, name), b"years of work")
        before = visible(folder)
        result = export(kind, folder)
        tap.ok(result.code == 2 and name in result.err and "did not write it" in result.err, f"--to {kind}: {name} is somebody's", result)
        tap.ok(visible(folder) == before and not [n for n in everything(tap.path(folder)) if ".freemask." in n],
               f"--to {kind}: {name} stays, and nothing is written")
write(tap.path("lists/seed_9.txt"), b"a person's")
write(tap.path("lists/notes/seed_42.txt"), b"a person's")
result = export("freestylenet", "lists")
tap.ok(result.code == 0 and os.path.exists(tap.path("lists/seed_43.txt")), "lists of seeds beside others", result)
result = export("freestylenet", "lists", "small")
tap.ok(result.code == 0 and read(tap.path("lists/seed_9.txt")) == b"a person's", "another export leaves a list that is not its own", result)
wanted = {f"seed_{seed}.txt" for seeds in SMALL.values() for seed in seeds}
tap.equal({name for name in os.listdir(tap.path("lists")) if name.startswith("seed_")} - {"seed_9.txt"}, wanted,
          "lists of the earlier export that nothing asks for are gone")
links = os.listdir(tap.path("lists/data/annotations/validation"))
tap.equal(len(links), len(SMALL), "and so are its links")

# An edited file that an export wrote is its to replace; two formats share a folder as long as their images are the same.
write(tap.path("edited/.keep"), b"")
export("mmseg", "edited")
write(tap.path("edited/freemask_mmseg.py"), read(tap.path("edited/freemask_mmseg.py")) + b"# mine\n")
result = export("mmseg", "edited")
tap.ok(result.code == 0 and b"# mine" not in read(tap.path("edited/freemask_mmseg.py")), "an earlier export is replaced", result)
result = export("list", "edited")
tap.ok(result.code == 0 and not result.err, "another format of the same images", result)
before = visible("edited")
result = export("list", "edited", "small")
tap.ok(result.code == 2 and "--to mmseg" in result.err and ".txt" in result.err, "a format whose lists would be others is named", result)
tap.ok(visible("edited") == before, "and nothing changes")

# What the tool notes in a folder is not trusted: names stay below it.
for note, content in ((".freemask.exports", {"format": "freemask-exports", "version": 1, "exports": {"list": ["../kept.txt"]}}),
                      (".freemask.commit", {"format": "freemask-commit", "version": 1, "place": [], "remove": ["../kept.txt"], "exports": {}}),
                      (".freemask.commit", {"format": "freemask-commit", "version": 1, "place": ["sub/../../kept.txt"], "remove": [], "exports": {}}),
                      (".freemask.commit", {"format": "freemask-commit", "version": 1, "place": "all", "remove": [], "exports": {}})):
    shutil.rmtree(tap.path("lying"), ignore_errors=True)
    write(tap.path("kept.txt"), b"a person's")
    write(tap.path("lying", note), json.dumps(content).encode())
    result = export("list", "lying")
    tap.ok(result.code == 3 and note in result.err and read(tap.path("kept.txt")) == b"a person's", f"{note} that lies is refused", result)

# ---- Failing and killed in the middle ------------------------------------------------------------------

if SHIM:
    STEPS = "rename,symlink,unlink,mkdir,rmdir"

    def disturbed(how, calls, at, kind, **more):
        settings = dict(os.environ, LD_PRELOAD=os.path.abspath(SHIM), FREEMASK_FAULT_CALLS=calls, FREEMASK_FAULT_AT=str(at), FREEMASK_FAULT_HOW=how)
        return export(kind, "again", "small", *(["--train-ids"] if kind == "hf" else []), env=settings, address_space=8 * GIB, **more)

    for kind in ("list", "freestylenet", "hf"):
        flags = ["--train-ids"] if kind == "hf" else []
        first_result = export(kind, "again", "plan", *flags)
        first = visible("again")
        shutil.copytree(tap.path("again"), tap.path("kept"), symlinks=True)
        export(kind, "again", "small", *flags)
        second = visible("again")
        tap.ok(first_result.code == 0 and first != second, f"{kind}: two exports that differ", first_result)
        rng_steps = np.random.default_rng(5)
        log = tap.path("log")
        shutil.rmtree(tap.path("again"))
        shutil.copytree(tap.path("kept"), tap.path("again"), symlinks=True)
        os.environ["FREEMASK_FAULT_LOG"] = log
        disturbed("5", STEPS, 0, kind)
        del os.environ["FREEMASK_FAULT_LOG"]
        with open(log, encoding="utf-8", errors="surrogateescape") as made:
            total = sum(1 for _ in made)
        os.unlink(log)
        steps = sorted(set(rng_steps.integers(1, total + 1, 5).tolist() + list(range(total - 8, total + 1))))
        failed = killed = bad = 0
        why = ""
        for at in steps:
            for how in ("28", "kill"):
                shutil.rmtree(tap.path("again"))
                shutil.copytree(tap.path("kept"), tap.path("again"), symlinks=True)
                result = disturbed(how, STEPS, at, kind)
                now = visible("again")
                failed += result.code == 4
                killed += result.code == -9
                good = result.code in (0, 4, -9)
                if how != "kill": # a failure is an end: one of the two is whole
                    good = good and (now == second if result.code == 0 else now in (first, second))
                    good = good and not [n for n in everything(tap.path("again")) if n.endswith(".staged") and result.code == 0]
                else: # a kill may need the next export
                    whole = now in (first, second)
                    cut_off = os.path.exists(tap.path("again/.freemask.commit"))
                    good = good and (whole or cut_off)
                    if cut_off and kind == "freestylenet":
                        told = tool("collect", "--jobs", "again", "-o", "collected")
                        good = good and told.code == 2 and "cut off" in told.err
                if good:
                    again = export(kind, "again", "small", *flags)
                    good = again.code == 0 and visible("again") == second
                    good = good and not [n for n in everything(tap.path("again")) if ".freemask." in n and not n.endswith(".exports")]
                bad += not good
                if not good and not why:
                    why = f"step {at} of {total}, {how}: {result}\n{sorted(set(now) ^ set(second))[:6]}"
        tap.ok(not bad, f"{kind}: {len(steps)} steps of {total}, failing and killed: whole, and the next export is right", f"{bad} wrong; {why}")
        tap.ok(failed >= len(steps) // 2 and killed >= len(steps) // 2, f"{kind}: they did fail", f"{failed} failed, {killed} killed")
        shutil.rmtree(tap.path("kept"))
        shutil.rmtree(tap.path("again"))
else:
    tap.skip("failing in the middle", "this build has no library to preload", excused=True)

# ---- run ---------------------------------------------------------------------------------------------------

for i in range(6):
    mask = random_mask(rng, space, (30, 40))
    for kind in ("real", "made"):
        stem = f"m{i}" + ("_seed_42" if kind == "made" else "")
        write(tap.path(f"r/{kind}/masks/{stem}.png"), png(mask))
        write(tap.path(f"r/{kind}/losses/{stem}.npy"), npy(random_loss(rng, space, mask)))


def run_of(world, out, *more, labels=space.name, **settings):
    return tool("run", "--labels", labels, "--real-masks", f"{world}/real/masks", "--real-losses", f"{world}/real/losses",
                "--synthetic-masks", f"{world}/made/masks", "--synthetic-losses", f"{world}/made/losses", "-o", out, *more, **settings)


result = run_of("r", "ran")
tap.ok(result.code == 0, "run", result)
ran = visible("ran")
write(tap.path("taken/export/train.csv"), b"years of work")
result = run_of("r", "taken")
tap.ok(result.code == 2 and "export/train.csv" in result.err and sorted(everything(tap.path("taken"))) == ["export", "export/train.csv"],
       "run: a person's list is found before the work", result)
shutil.copytree(tap.path("r"), tap.path("blank"))
for folder, ending in (("masks", "png"), ("losses", "npy")):
    os.rename(tap.path(f"blank/real/{folder}/m3.{ending}"), tap.path(f"blank/real/{folder}/m3 .{ending}"))
result = run_of("blank", "blanks")
tap.ok(result.code == 3 and "'m3 '" in result.err and not os.path.exists(tap.path("blanks")), "run: a name that no list can hold is found before the work", result)

if SHIM:
    def run_disturbed(calls, at, how, *more):
        settings = dict(os.environ, LD_PRELOAD=os.path.abspath(SHIM), FREEMASK_FAULT_CALLS=calls, FREEMASK_FAULT_AT=str(at), FREEMASK_FAULT_HOW=how)
        return run_of("r", "zzlate", *more, env=settings, address_space=8 * GIB)

    # Every file gets its name by a rename: fail at each second of them. Folders do, too, where that can be done.
    os.environ["FREEMASK_FAULT_LOG"] = tap.path("log")
    run_disturbed("rename", 0, "28")
    del os.environ["FREEMASK_FAULT_LOG"]
    with open(tap.path("log"), encoding="utf-8", errors="surrogateescape") as made:
        renamed = [os.path.join(tap.path(), line.rstrip("\n").split("\t")[2]) for line in made]
    folders = [i for i, path in enumerate(renamed, 1) if os.path.isdir(path)]
    files = [i for i in range(1, len(renamed) + 1) if i not in folders]
    total = len(files)
    shutil.rmtree(tap.path("zzlate"))
    for at in folders:
        result = run_disturbed("rename", at, "28")
        tap.ok(result.code == 0 and set(visible("zzlate")) == set(ran), f"run: {os.path.basename(renamed[at - 1])} is made without a rename", result)
        shutil.rmtree(tap.path("zzlate"))
    tap.ok(folders, "run: folders are renamed", renamed)
    bad, why, kept = 0, "", 0
    for at in files[1::2]:
        result = run_disturbed("rename", at, "28")
        goes_on = os.path.exists(tap.path("zzlate/run.json"))
        kept += goes_on
        good = result.code == 4 and result.err.count("\n") == 1 and ("--resume goes on" in result.err) == goes_on
        result = run_of("r", "zzlate", *(["--resume"] if goes_on else []))
        now = {name: data.replace(b"zzlate", b"ran") if isinstance(data, bytes) else data for name, data in visible("zzlate").items()}
        good = good and result.code == 0 and {n for n in now if now[n] != ran.get(n)} <= {"report.html", "export/freemask_mmseg.py"} and set(now) == set(ran)
        bad += not good
        if not good and not why:
            why = f"rename of {renamed[at - 1]}: {result}\n{sorted(n for n in {**now, **ran} if now.get(n) != ran.get(n))}"
        shutil.rmtree(tap.path("zzlate"))
    tap.ok(not bad, f"run: no space at each second of {total} files: resumable, or nothing is left", f"{bad} wrong; {why}")
    tap.ok(kept >= 4, "run: what is finished is not thrown away", kept)

# ---- Relative paths keep links --------------------------------------------------------------------------------

os.makedirs(tap.path("project"))
os.symlink("../w", tap.path("project/data"))
os.symlink("real", tap.path("w/alias"))


def rows(folder):
    table = csv.DictReader(io.StringIO(read(tap.path(folder, "train.csv")).decode()))
    return [row["image"] for row in table if row["set"] == "real"]


def list_from(masks, images, output, *more, cwd="project"):
    return run("export", "--plan", "data/plan.csv", "--to", "list", "--real-masks", masks, "--real-images", images, "-o", output, *more,
               cwd=tap.path(cwd))


for masks, images, output, expected in (
        ("data/real/masks", "data/real/images", "lists", "../data/real/images/"),
        ("./data/../w/alias/masks", "data/alias/images", "lists", "../data/alias/images/"),
        ("data/real/masks", "data/real/images", "data/inside", "../real/images/"),
        (tap.path("project/data/real/masks"), tap.path("project/data/real/images"), "lists", "../data/real/images/")):
    shutil.rmtree(tap.path("project", output), ignore_errors=True)
    result = list_from(masks, images, output, "--paths", "relative")
    found = rows(f"project/{output}") if result.code == 0 else []
    tap.ok(found and all(path.startswith(expected) and os.path.exists(tap.path("project", output, path)) for path in found),
           f"{images} as {output} names it: {expected}", f"{found[:1]} {result}")
result = list_from("data/real/masks", "data/real/images", "lists")
tap.ok(all(path.startswith(tap.path("project/data/real/images/")) for path in rows("project/lists")), "absolute paths keep links, too", rows("project/lists")[:1])
result = list_from("data/real/masks/../../real/masks", "data/alias/../syn/../real/images", "lists", "--paths", "relative")
found = rows("project/lists") if result.code == 0 else []
tap.ok(found and all(os.path.exists(tap.path("project/lists", path)) for path in found), "'..' behind a link goes up from where the link leads", f"{found[:1]} {result}")
os.rename(tap.path("project"), tap.path("moved"))
shutil.rmtree(tap.path("moved/lists"))
list_from("data/real/masks", "data/real/images", "lists", "--paths", "relative", cwd="moved")
os.makedirs(tap.path("deep"))
os.rename(tap.path("moved"), tap.path("deep/project"))
os.unlink(tap.path("deep/project/data"))
os.symlink(tap.path("w"), tap.path("deep/project/data"))
tap.ok(all(os.path.exists(tap.path("deep/project/lists", path)) for path in rows("deep/project/lists")), "a project moves, its link to the data leads elsewhere: the lists hold")

# ---- One mask for each job ---------------------------------------------------------------------------------------

job = {"mask": "../w/real/masks/plain.png", "seed": 1, "output": "a.jpg", "name": "a", "synthetic_mask": "same.png"}
write(tap.path("jobs/jobs.jsonl"), (json.dumps(job) + "\n" + json.dumps(dict(job, name="b", output="b.jpg")) + "\n").encode())
result = tool("collect", "--jobs", "jobs", "-o", "collected")
tap.ok(result.code == 3 and "'a' and 'b'" in result.err and "same.png" in result.err and not os.path.exists(tap.path("collected")),
       "two jobs with one mask are refused before any work", result)

tap.done()
