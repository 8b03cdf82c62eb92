#!/usr/bin/env python3
# cli/test_inputs.py - no output of any command may replace one of its inputs, or join them.
# SPDX-License-Identifier: MIT
"""A good folder is copied, a command is told to write where one of its inputs is, by its name or another:
exit code 2, one line that names it, and every file as it was. Each command has run well before."""
from kit import *
from PIL import Image  # noqa: E402 - kit says what is missing

GOOD = tap.path("good")
space = ref.preset("camvid")
rng = np.random.default_rng(32)
CLASSES = 11
for i in range(3):
    mask = random_mask(rng, space, (24, 30))
    for kind, stem in (("real", f"m{i}"), ("made", f"m{i}_seed_42")):
        write(f"{GOOD}/{kind}/masks/{stem}.png", png(mask))
        write(f"{GOOD}/{kind}/losses/{stem}.npy", npy(random_loss(rng, space, mask)))
        write(f"{GOOD}/{kind}/logits/{stem}.npy", npy(rng.normal(0, 2, (CLASSES, 6, 8)).astype(np.float32)))
        for half, shape in (("class", (5, CLASSES + 1)), ("mask", (5, 6, 8))):
            write(f"{GOOD}/{kind}/queries/{stem}.{half}.npy", npy(rng.normal(0, 2, shape).astype(np.float32)))
        os.makedirs(f"{GOOD}/{kind}/images", exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (24, 30, 3), np.uint8)).save(f"{GOOD}/{kind}/images/{stem}.png")
write(f"{GOOD}/labels.csv", labels_csv(space))
os.makedirs(f"{GOOD}/plug-in")
write(f"{GOOD}/plug-in/model.bin", b"weights")
SOURCES = {"losses": [], "logits": [], "queries": [], "images": ["--provider", "baseline"]}


def source(which, kind, prefix=""):
    return [f"--{prefix}{which}", f"{kind}/{which}", *SOURCES[which]]


LABELS = ["--labels", "labels.csv"]


def stats(which="losses"):
    return ["stats", *LABELS, "--masks", "real/masks", *source(which, "real")]


def filters(which="losses"):
    return ["filter", "--stats", f"{which}.json", *LABELS, "--masks", "made/masks", *source(which, "made")]


def whole_run(which="losses"):
    provider = SOURCES[which]
    return ["run", *LABELS, "--real-masks", "real/masks", f"--real-{which}", f"real/{which}", "--synthetic-masks",
            "made/masks", f"--synthetic-{which}", f"made/{which}", "--n-max", "1", *provider]


HARDNESS = ["hardness", "--stats", "losses.json", *LABELS, "--masks", "real/masks"]
PLAN = ["plan", "--hardness", "hardness.csv", "--n-max", "1", "--seeds", "42", "--policy", "rare-class", "--masks", "real/masks", *LABELS]
EXPORT = ["export", "--plan", "plan.csv", *LABELS, "--real-masks", "real/masks", "--real-images", "real/images",
          "--synthetic", "out/masks", "--images", "made/images", "--to"]
ASK = ["export", "--plan", "plan.csv", *LABELS, "--real-masks", "real/masks", "--to", "jsonl"]

for arguments in (*(stats(which) + ["-o", f"{which}.json"] for which in SOURCES), HARDNESS + ["-o", "hardness.csv"],
                  PLAN + ["-o", "plan.csv"], PLAN + ["--grow", "plan.csv", "-o", "grown.csv"], filters() + ["-o", "out"],
                  ["merge", "losses.json", "-o", "sum.json"], whole_run() + ["-o", "all"], EXPORT + ["list", "-o", "lists"],
                  ASK + ["-o", "jobs"]):
    result = run(*arguments, cwd=GOOD)
    tap.ok(result.code == 0, f"works: {arguments[0]} {arguments[-1]}", result)
case = Breaker(GOOD).case


def refused(name, arguments, says, prepare=None):
    case(name, arguments, 2, says, prepare)


# ---- Single files ---------------------------------------------------------------------------------------
FIRST = {"losses": "m0.npy", "logits": "m0.npy", "queries": "m0.class.npy", "images": "m0.png"}
for which, name in FIRST.items():
    path = f"real/{which}/{name}"
    refused(f"-o {path}", stats(which) + ["-o", path], [path, "input"])
    refused(f"-o is another way to {path}", stats(which) + ["-o", f"./made/../{path}"], ["input"])
    refused(f"-o is a link to {path}", stats(which) + ["-o", "link"], ["link", "input"],
            lambda folder, path=path: os.symlink(path, f"{folder}/link"))
    refused(f"-o is a second name of {path}", stats(which) + ["-o", "link"], ["link", "input"],
            lambda folder, path=path: os.link(f"{folder}/{path}", f"{folder}/link"))
    refused(f"-o would be one more beside {path}", stats(which) + ["-o", f"real/{which}/new{os.path.splitext(name)[1]}"], "input")
    refused("-o is in a folder that a link of the input leads to", stats(which) + ["-o", f"elsewhere/{name}"], "input",
            lambda folder, which=which: (os.rename(f"{folder}/real/{which}", f"{folder}/elsewhere"), os.mkdir(f"{folder}/real/{which}"),
                                         os.symlink("../../elsewhere", f"{folder}/real/{which}/below")))
for path in ("labels.csv", "real/masks/m0.png", "losses.json"):
    for command, inputs in ((stats(), ("labels.csv", "real/masks/m0.png")), (HARDNESS, ("labels.csv", "real/masks/m0.png", "losses.json")),
                            (HARDNESS + source("losses", "real"), ("real/masks/m0.png",)), (PLAN, ("labels.csv", "real/masks/m0.png"))):
        if path in inputs:
            refused(f"-o {path}", command + ["-o", path], [path, "input"])
refused("-o a loss map", HARDNESS + source("losses", "real") + ["-o", "real/losses/m1.npy"], ["m1.npy", "input"])
refused("-o the table of hardness", PLAN + ["-o", "hardness.csv"], "hardness.csv")
refused("-o the plan that grows", PLAN + ["--grow", "plan.csv", "-o", "plan.csv"], "plan.csv")
refused("-o an input", ["merge", "losses.json", "logits.json", "-o", "logits.json"], "logits.json")
PLUGIN = ["--images", "real/images", "--provider", "plugin:plug-in/none.so,model=plug-in/model.bin"]
refused("-o a plug-in's model", ["stats", *LABELS, "--masks", "real/masks", *PLUGIN, "-o", "plug-in/model.bin"], "model.bin")
refused("-o a plug-in", ["stats", *LABELS, "--masks", "real/masks", *PLUGIN, "-o", "plug-in/none.so"], "none.so",
        put("plug-in/none.so", b"rubbish"))
for path in ("out/filter.json", "out/filter.csv", "losses.json", "labels.csv", "made/masks/m0_seed_42.png", "made/losses/m0_seed_42.npy"):
    refused(f"-o {path}", ["report", "out", "-o", path], [path, "input"])

# ---- Folders --------------------------------------------------------------------------------------------
for which in SOURCES:
    for kind, command in (("made", filters(which)), ("made", whole_run(which)), ("real", whole_run(which))):
        folder = f"{kind}/{which}"
        refused(f"-o in {folder}", command + ["-o", f"{folder}/out"], [folder, "input"])
        refused(f"-o {folder}", command + ["-o", folder, "--overwrite"], [folder, "input"])


def masks_from(command, kind, folder):
    """The command with another folder of masks or images."""
    return [folder if word == kind else word for word in command]


# What --overwrite clears may be an input by now.
for kind in ("made/masks", "made/images"):
    for command in (filters("images"), whole_run("images")):
        output = "out" if command[0] == "filter" else "all"
        refused(f"{kind} are the masks that --overwrite clears", masks_from(command, kind, f"{output}/masks") + ["-o", output, "--overwrite"],
                "input")
for name in ("filter.csv", "filter.json"):
    refused(f"--labels are {name}", masks_from(filters(), "labels.csv", f"out/{name}") + ["-o", "out", "--overwrite"], [name, "input"])
    refused(f"--stats are {name}", masks_from(filters(), "losses.json", f"out/{name}") + ["-o", "out", "--overwrite"], [name, "input"])
for name in ("plan.csv", "stats.json", "run.json", "report.html"):
    refused(f"--labels are {name}", masks_from(whole_run(), "labels.csv", f"all/{name}") + ["-o", "all", "--overwrite"], [name, "input"])
for to, name in (("list", "train.csv"), ("list", "joint.txt"), ("hf", "real.jsonl"), ("detectron2", "detectron2.json")):
    def moved(folder, name=name):
        shutil.move(f"{folder}/plan.csv", f"{folder}/lists/{name}")
    refused(f"--to {to}: --plan is {name}", masks_from(EXPORT, "plan.csv", f"lists/{name}") + [to, "--train-ids", "-o", "lists"], [name, "input"],
            moved)
refused("--plan is a list of seeds", ["export", "--plan", "lists/seed_42.txt", "--labels", "ade20k", "--real-masks", "real/masks", "--to",
                                      "freestylenet", "-o", "lists"], "seed_42.txt",
        lambda folder: shutil.move(f"{folder}/plan.csv", f"{folder}/lists/seed_42.txt"))
refused("--jobs is in the place of a lock", ["collect", "--jobs", "out/.freemask.lock", "-o", "out"], "input",
        lambda folder: shutil.move(f"{folder}/jobs/jobs.jsonl", f"{folder}/out/.freemask.lock"))
for folder in ("real/masks", "real/images", "made/images", "out/masks"):
    refused(f"-o {folder}", EXPORT + ["list", "-o", folder], folder)

tap.done()
