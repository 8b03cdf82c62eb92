#!/usr/bin/env python3
# cli/test_generate.py - the way from a plan to a synthetic set: jobs, a generator that crashes,
# collecting, and what is not collected.
# SPDX-License-Identifier: MIT
import json
import signal
import subprocess

from export_world import *
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
NAMES = ["plain", "two words", 'quo"te', "apos'trophe", "uml\u00e4ut", "\u65e5\u672c", "sub/deep", "other/deep",
         "sub%2Fdeep", "$HOME`x`", "semi;colon", "-dash", "line\u2028end", "dots.in.name"]


def tool(*arguments, cwd=None):
    return run(*arguments, cwd=cwd or tap.path())


def make_masks(folder, names, suffix, space, shape):
    for name in names:
        write(tap.path(folder, name + suffix), png(random_mask(rng, space, shape, largest=254)))


def jobs_of(folder):
    with open(tap.path(folder, "jobs.jsonl"), encoding="utf-8", newline="\n") as file:
        return [json.loads(line) for line in file]


def wanted(plan):
    return sorted(f"{name}_seed_{seed}" for name, seeds in plan.items() for seed in seeds)


def collect(jobs, output, *more, cwd=None):
    """The result, and its report (with --json)."""
    result = tool("collect", "--jobs", jobs, "-o", output, "--json", *more, cwd=cwd)
    try:
        return result, json.loads(result.out)
    except ValueError:
        return result, {"findings": [], "collected": None, "there": None, "jobs": None}


def kinds(report):
    found = {}
    for finding in report["findings"]:
        found.setdefault(finding["kind"], []).append(finding["mask"])
    return {kind: sorted(masks) for kind, masks in found.items()}


def collected(folder):
    """{name: type} of the images there."""
    top = tap.path(folder, "images")
    return {os.path.splitext(os.path.relpath(os.path.join(base, name), top))[0]: os.path.splitext(name)[1]
            for base, _, files in os.walk(top) for name in files if not name.endswith(".fm-part")}


# ---- FreestyleNet: a round trip with a crash in the middle ------------------------------------------
os.makedirs(tap.path("fsn/scripts"))
shutil.copy(os.path.join(HERE, "stand_in_lis.py"), tap.path("fsn/scripts/LIS.py"))
for config in ("ADE20K", "COCO"):
    write(tap.path(f"fsn/configs/stable-diffusion/v1-finetune_{config}.yaml"), b"")


def generate(jobs, crash=0):
    return subprocess.run(["sh", tap.path(jobs, "generate.sh"), "--ckpt", "a file.ckpt", "--plms"], cwd=tap.path("fsn"),
                          env={**os.environ, "PYTHON": sys.executable, "STAND_IN_CRASH": str(crash)},
                          capture_output=True, text=True)


ade = ref.preset("ade20k")
make_masks("real/masks", NAMES, ".png", ade, (40, 60))
PLAN = {name: [42, 43] if i % 2 else [43] for i, name in enumerate(NAMES)}
write(tap.path("plan.csv"), plan_csv(PLAN))
FSN = ["export", "--plan", "plan.csv", "--to", "freestylenet", "--labels", "ade20k", "--real-masks", "real/masks",
       "--batch-size", "4", "-o", "the jobs"]
result = tool(*FSN, "--json")
tap.ok(result.code == 0 and json.loads(result.out)["jobs"] == len(wanted(PLAN)), "jobs for FreestyleNet", result)
jobs = jobs_of("the jobs")
tap.equal(sorted(job["name"] for job in jobs), wanted(PLAN), "a job for each image of the plan")
tap.equal(len({job["output"] for job in jobs}), len(jobs), "no two have the same output")
for seed in (42, 43):
    with open(tap.path("the jobs", f"seed_{seed}.txt"), encoding="utf-8") as file:
        listed = file.read().splitlines()
    count = sum(seed in seeds for seeds in PLAN.values())
    tap.ok(len(listed) % 4 == 0 and len(set(listed)) == count and len(listed) - count < 4,
           f"seed {seed}: full batches, each mask", listed)

ran = generate("the jobs", crash=3)
tap.ok(ran.returncode != 0, "the generator crashes in the first run", ran)
write(tap.path("the jobs/seed_42/thumbs.db"), b"whatever")
write(tap.path("the jobs/seed_42/unknown.jpg"), b"whatever")
result, report = collect("the jobs", "syn")
first = collected("syn")
tap.equal((result.code, report["collected"], len(first)), (1, 2, 2), "two whole images are collected")
tap.equal({kind: len(names) for kind, names in kinds(report).items()}, {"unreadable": 1, "missing": len(jobs) - 3},
          "half an image is no image, the others are missing")
result = tool(*FSN, "--images", "syn/images", "--json")
tap.equal(json.loads(result.out), {"output": "the jobs", "format": "freestylenet", "real": len(NAMES),
                                   "jobs": len(jobs) - 2, "there": 2}, "the next export asks for the rest")
ran = generate("the jobs")
tap.ok(ran.returncode == 0, "the generator ends well", ran)
result, report = collect("the jobs", "syn")
tap.equal((result.code, report["collected"], report["there"]), (0, len(jobs) - 2, 0), "the rest is collected")
tap.equal(sorted(collected("syn")), wanted(PLAN), "the set is what the plan asks for")
wrong = []
for name, seeds in PLAN.items():
    for seed in seeds:
        real = Image.open(tap.path("real/masks", name + ".png")).resize((512, 512), Image.NEAREST)
        made = Image.open(tap.path("syn/masks", f"{name}_seed_{seed}.png"))
        job = next(job for job in jobs if job["name"] == f"{name}_seed_{seed}")
        if (not np.array_equal(np.array(real), np.array(made))
                or read(tap.path("syn/images", f"{name}_seed_{seed}.jpg")) != read(job["output"])):
            wrong.append((name, seed))
tap.equal(wrong, [], "masks are the real ones as Pillow resizes them, images those of their seed")
result = tool("check", "--labels", "ade20k", "--masks", "syn/masks", "--images", "syn/images")
tap.ok(result.code == 0, "check has nothing to say about the set", result)
before = tree(tap.path("syn"))
result, report = collect("the jobs", "syn")
tap.ok((result.code, report["collected"], report["there"]) == (0, 0, len(jobs) - 2) and tree(tap.path("syn")) == before,
       "collecting again changes nothing", result)
result = tool(*FSN, "--images", "syn/images")
tap.ok(result.code == 0 and not jobs_of("the jobs") and not os.path.exists(tap.path("the jobs/seed_42.txt")),
       "then there is nothing to do", result)
tap.ok(generate("the jobs").returncode == 0, "which generate.sh does well")

more = {name: sorted({*seeds, 44}) for name, seeds in PLAN.items()}
more["plain"] = [44, 45, 46]
write(tap.path("plan.csv"), plan_csv(more))
tool(*FSN, "--images", "syn/images", "--paths", "relative")
tap.equal(sorted(job["name"] for job in jobs_of("the jobs")), sorted(set(wanted(more)) - set(wanted(PLAN))),
          "a larger plan asks for what it adds")
tap.ok(not any(os.path.isabs(job["mask"]) or os.path.isabs(job["output"]) for job in jobs_of("the jobs")), "relative paths")
os.rename(tap.path("the jobs"), tap.path("jobs moved"))
os.makedirs(tap.path("deep/er"))
os.rename(tap.path("jobs moved"), tap.path("the jobs"))
tap.ok(generate("the jobs").returncode == 0, "links by relative paths lead to the masks")
result, report = collect("../../the jobs", "../../syn", cwd=tap.path("deep/er"))
tap.ok(result.code == 0 and sorted(collected("syn")) == sorted({*wanted(PLAN), *wanted(more)}), "collected from elsewhere", result)

coco = ref.preset("cocostuff164k-raw")
make_masks("coco/masks", ["000000000009", "000000000025"], ".png", coco, (20, 30))
write(tap.path("coco/plan.csv"), plan_csv({"000000000009": [42], "000000000025": [42]}))
result = tool("export", "--plan", "coco/plan.csv", "--to", "freestylenet", "--labels", "cocostuff164k-raw",
              "--real-masks", "coco/masks", "-o", "coco/jobs")
ran = generate("coco/jobs")
result, report = collect("coco/jobs", "coco/syn")
tap.ok(ran.returncode == 0 and result.code == 0 and report["collected"] == 2, "COCO-Stuff's layout", f"{ran}\n{result}")
for labels, says in (("cocostuff164k", "cocostuff164k-raw"), ("camvid", "jsonl")):
    result = tool("export", "--plan", "coco/plan.csv", "--to", "freestylenet", "--labels", labels,
                  "--real-masks", "coco/masks", "-o", "coco/jobs2")
    tap.ok(result.code == 2 and says in result.err and not os.path.exists(tap.path("coco/jobs2")),
           f"FreestyleNet does not know {labels}", result)
write(tap.path("coco/plan.csv"), plan_csv({"000000000009": [-1]}))
result = tool("export", "--plan", "coco/plan.csv", "--to", "freestylenet", "--labels", "cocostuff164k-raw",
              "--real-masks", "coco/masks", "-o", "coco/jobs2")
tap.ok(result.code == 3 and "-1" in result.err, "a seed that the script would replace", result)

# ---- Any generator: JSONL ---------------------------------------------------------------------------
train = ref.preset("cocostuff164k")
make_masks("any/masks", NAMES[:5], "_labelTrainIds.png", train, (24, 33))
ANY = {name: [1, 2] for name in NAMES[:5]}
write(tap.path("any/plan.csv"), plan_csv(ANY))


def any_jobs(output, *more):
    return tool("export", "--plan", "any/plan.csv", "--to", "jsonl", "--labels", "cocostuff164k", "--real-masks", "any/masks",
                "-o", output, *more)


def any_generator(folder, kind=".jpg", size=None):
    """Paints what the jobs ask for."""
    for job in jobs_of(folder):
        mask = Image.open(os.path.join(tap.path(folder), job["mask"]))
        path = os.path.splitext(os.path.join(tap.path(folder), job["output"]))[0] + kind
        os.makedirs(os.path.dirname(path), exist_ok=True)
        shape = size or (job.get("width", mask.width), job.get("height", mask.height))
        Image.fromarray(rng.integers(0, 256, (shape[1], shape[0], 3)).astype(np.uint8)).save(path)


result = any_jobs("any/jobs", "--paths", "relative")
tap.ok(result.code == 0 and not any("width" in job for job in jobs_of("any/jobs")), "jobs for any generator", result)
any_generator("any/jobs", ".png")
for way in ("copy", "link", "move"):
    out = f"any/{way}"
    sources = {job["name"]: os.path.splitext(tap.path("any/jobs", job["output"]))[0] + ".png" for job in jobs_of("any/jobs")}
    result, report = collect("any/jobs/jobs.jsonl", out, "--by", way)
    tap.ok(result.code == 0 and report["collected"] == 10 and set(collected(out).values()) == {".png"}, f"collect by {way}", result)
    linked = [os.path.samefile(source, tap.path(out, "images", name + ".png")) for name, source in sources.items()
              if os.path.exists(source)]
    tap.equal(linked, {"copy": [False] * 10, "link": [True] * 10, "move": []}[way], f"that is what {way} means")
    result, report = collect("any/jobs", out, "--by", way)
    tap.ok((result.code, report["there"]) == (0, 10), f"by {way} again: all is there", result)
tap.equal(sorted(tree(tap.path("any/copy/masks"))), sorted(f"{name}_labelTrainIds.png" for name in wanted(ANY)),
          "masks have the data set's suffix")
result = tool("check", "--labels", "cocostuff164k", "--masks", "any/move/masks", "--images", "any/move/images")
tap.ok(result.code == 0, "check pairs them", result)
result, report = collect("any/jobs", "any/link", "--by", "move")
tap.ok(result.code == 0 and len(collected("any/link")) == 10, "a move that was done before", result)

lost = jobs_of("any/jobs")[3]["synthetic_mask"]
os.unlink(tap.path("any/move/masks", lost))
result, report = collect("any/jobs", "any/move")
tap.ok(result.code == 0 and report["there"] == 10 and read(tap.path("any/move/masks", lost)) == read(tap.path("any/copy/masks", lost)),
       "a mask that was lost is made again, without the generator's image", result)

any_jobs("any/own")
any_generator("any/own", size=(40, 32))
result, report = collect("any/own", "any/own-out")
asked = {job["synthetic_mask"]: Image.open(job["mask"]) for job in jobs_of("any/own")}
tap.ok(result.code == 0 and (report["collected"], report["resized"]) == (10, 10) and "10 of 10 images" in result.err
       and "40x32" in result.err and "33x24" in result.err, "images of the generator's own size", result)
tap.ok(all(np.array_equal(np.array(Image.open(tap.path("any/own-out/masks", name))),
                          np.array(mask.resize((40, 32), Image.NEAREST))) for name, mask in asked.items()),
       "get masks of that size, as Pillow's NEAREST makes them")
result, report = collect("any/own", "any/own-out")
tap.ok(result.code == 0 and report["there"] == 10, "and are there the next time", result)
result, report = collect("any/own", "any/own-asked", "--sizes", "asked")
tap.ok(result.code == 1 and len(report["findings"]) == 10, "--sizes asked", result)
any_generator("any/own", size=(24, 33))
result, report = collect("any/own", "any/lying")
tap.ok(result.code == 1 and "lie on its side" in report["findings"][0]["sentence"], "images that lie on their side", result)

any_jobs("any/sized", "--size", "64x48")
any_generator("any/sized")
result, report = collect("any/sized", "any/sized-out")
sizes = {Image.open(tap.path("any/sized-out", kind, name)).size for kind in ("images", "masks")
         for name in tree(tap.path("any/sized-out", kind))}
tap.ok(result.code == 0 and sizes == {(64, 48)}, "a size for all", f"{sizes}\n{result}")

# ---- Killed in the middle -------------------------------------------------------------------------------
MANY = {f"m{i}": list(range(30)) for i in range(5)}
make_masks("many/masks", MANY, ".png", ade, (24, 33))
write(tap.path("many/plan.csv"), plan_csv(MANY))
tool("export", "--plan", "many/plan.csv", "--to", "jsonl", "--labels", "ade20k", "--real-masks", "many/masks", "-o", "many/jobs")
any_generator("many/jobs")
collect("many/jobs", "many/calm")
for name, number in (("SIGKILL", signal.SIGKILL), ("SIGINT", signal.SIGINT)):
    out = f"many/{name}"


    def begin(out=out):
        shutil.rmtree(tap.path(out), ignore_errors=True)
        return start("collect", "--jobs", "many/jobs", "-o", out, "--threads", "1", cwd=tap.path())

    killed = ended_midway(begin, lambda out=out: len(collected(out)), 40, 150, number)
    code = killed.code
    tap.ok(code == -9 or "continues" in killed.err, f"{name}: says how to go on, if it can", killed)
    some = len(collected(out))
    tap.ok(code == {"SIGKILL": -9, "SIGINT": 130}[name] and 40 <= some < 150, f"{name} in the middle", (code, some))
    undisturbed = tree(tap.path("many/calm"))
    tap.ok(all(data == undisturbed[name] for name, data in tree(tap.path(out)).items() if not left_by_a_crash(name)),
           f"{name}: what is there is whole")
    result, report = collect("many/jobs", out)
    tap.ok(result.code == 0 and (report["collected"], report["there"]) == (150 - some, some)
           and tree(tap.path(out)) == undisturbed, f"{name}: the same command goes on", result)

# ---- What is not collected --------------------------------------------------------------------------
any_jobs("bad/jobs")
any_generator("bad/jobs")
rows = jobs_of("bad/jobs")
Image.new("RGB", (33, 25)).save(rows[0]["output"])
write(rows[1]["output"], read(rows[1]["output"])[:-200])
write(rows[2]["output"], b"")
os.unlink(rows[3]["output"])
write(tap.path("bad/out/images", rows[4]["name"] + ".png"), read(tap.path("any/copy/images", rows[4]["name"] + ".png")))
write(tap.path("bad/out/masks", rows[5]["synthetic_mask"]), png(np.zeros((24, 33), int)))
write(tap.path("bad/out/images", rows[6]["name"] + ".jpg"), b"rubbish")
stray = tap.path(f"bad/out/images/x.jpg.{dead_process()}-7ffd6df13670-0.fm-part")
write(stray, b"half")
kept = tree(tap.path("bad/out"))
result, report = collect("bad/jobs", "bad/out", "--sizes", "asked")
expected = {"size": [rows[0]["name"]], "unreadable": sorted(rows[i]["name"] for i in (1, 2)), "missing": [rows[3]["name"]],
            "differs": sorted(rows[i]["name"] for i in (4, 5, 6))}
tap.equal((result.code, kinds(report)), (1, expected), "findings")
tap.equal(report["collected"], 3, "the others are collected")
after = tree(tap.path("bad/out"))
tap.ok(all(after.get(name) == data for name, data in kept.items() if not name.endswith(".fm-part")), "what was there stays")
tap.ok(not os.path.exists(stray), "half files of a killed run are swept")
tap.equal(sorted(set(collected("bad/out")) - {rows[i]["name"] for i in (4, 6)}), sorted(row["name"] for row in rows[7:]),
          "nothing else is placed")
os.rename(rows[6]["output"], tap.path("bad/aside.jpg"))
result, report = collect("bad/jobs", "bad/out", "--sizes", "asked")
tap.ok(rows[6]["name"] in kinds(report)["unreadable"], "rubbish in the place of a missing image", report)
os.rename(tap.path("bad/aside.jpg"), rows[6]["output"])
plain = tool("collect", "--jobs", "bad/jobs", "-o", "bad/out", "--sizes", "asked")
tap.ok(plain.code == 1 and plain.out.count("\n") == 8 and rows[3]["output"] in plain.out, "as text, a line each", plain)
result, report = collect("bad/jobs", "bad/threads", "--threads", "1")
other, same = collect("bad/jobs", "bad/threads4", "--threads", "4")
tap.equal(same["findings"], report["findings"], "findings do not depend on threads")

# ---- Files of jobs that are none ----------------------------------------------------------------------
good_row = dict(rows[7])
for name, change, says in (("a name that leads out", {"name": "../x"}, "below"), ("an absolute name", {"name": "/x"}, "below"),
                           ("a hidden name", {"name": ".x"}, "below"), ("a mask that leads out", {"synthetic_mask": "a/../../x.png"}, "below"),
                           ("a mask of another type", {"synthetic_mask": "x.jpg"}, ".png"), ("a line break", {"name": "a\nb"}, "below"),
                           ("a size of nothing", {"width": 0, "height": 3}, "width"), ("half a size", {"width": 3}, "height"),
                           ("a seed that is none", {"seed": "x"}, "seed"), ("no mask", {"mask": ""}, "empty")):
    write(tap.path("bad/rows.jsonl"), (json.dumps(good_row) + "\n" + json.dumps({**good_row, "name": "n", **change}) + "\n").encode())
    result = tool("collect", "--jobs", "bad/rows.jsonl", "-o", "bad/none")
    tap.ok(result.code == 3 and says in result.err and "line 2" in result.err and not os.path.exists(tap.path("bad/none")),
           f"refused: {name}", result)
for name, data, says in (("twice the same", (json.dumps(good_row) + "\n").encode() * 2, "twice"), ("no JSON", b"{\"mask\": \n", "line 1"),
                         ("no object", b"[]\n", "line 1"), ("a NUL", b"{}\0\n", "NUL")):
    write(tap.path("bad/rows.jsonl"), data)
    result = tool("collect", "--jobs", "bad/rows.jsonl", "-o", "bad/none")
    tap.ok(result.code == 3 and says in result.err, f"refused: {name}", result)
result = tool("collect", "--jobs", "nowhere", "-o", "bad/none")
tap.ok(result.code == 4 and "nowhere" in result.err, "no such file", result)
for flag in (["--synthetic", "any/masks"], ["--train-ids"], ["--allow-missing"]):
    result = any_jobs("bad/never", *flag)
    tap.ok(result.code == 2 and not os.path.exists(tap.path("bad/never")), f"jobs do not take {flag[0]}", result)

tap.done()
