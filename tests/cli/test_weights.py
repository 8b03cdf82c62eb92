#!/usr/bin/env python3
# cli/test_weights.py - weights as files: ramp, power and step against NumPy, interrupted, finished and replaced.
# SPDX-License-Identifier: MIT
"""Powers are whole here, so that NumPy's are exact enough for 255 steps."""
import json

from kit import *

space = ref.preset("camvid")
rng = np.random.default_rng(8)
ROOT = tap.path("world")
REAL, MADE = {}, {}
for i in range(3):
    mask = random_mask(rng, space, (30, 44))
    REAL[f"m{i}"] = mask, random_loss(rng, space, mask)
    for seed in (42, 43):
        MADE[f"m{i}_seed_{seed}"] = mask, random_loss(rng, space, mask) * np.float32(1.5)
for folder, images in (("real", REAL), ("made", MADE)):
    for name, (mask, loss) in images.items():
        write(f"{ROOT}/{folder}/masks/{name}.png", png(mask))
        write(f"{ROOT}/{folder}/losses/{name}.npy", npy(loss))
LABELS = ["--labels", space.name]
FILTER = ["filter", *LABELS, "--masks", "made/masks", "--losses", "made/losses", "--stats", "stats.json"]

tool, good, refused = commands(ROOT)

good("stats", "stats", *LABELS, "--masks", "real/masks", "--losses", "real/losses", "-o", "stats.json")


def check(folder, name, part):
    """Gray values are the parts in 255ths, to one step where NumPy rounds otherwise; ignored pixels are 0."""
    file = json.loads(read(f"{ROOT}/{folder}/filter.json"))
    bars = np.array([row["threshold"] for row in file["classes"]] + [1], np.float64)
    for stem, (mask, loss) in MADE.items():
        classes = space.to_classes(mask)
        with np.errstate(all="ignore"):
            exact = np.where(classes < 0, 0, 255 * part(np.nan_to_num(loss).astype(np.float64), bars[classes]))
        got = Png(read(f"{ROOT}/{folder}/weights/{stem}.png")).pixels.astype(float)
        if abs(got - exact).max() > .5001:
            return tap.ok(False, f"{name}: weights", (stem, abs(got - exact).max()))
    return tap.ok(True, f"{name}: weights are the formula's, pixel by pixel")


good("filter without weights", *FILTER, "-o", "plain")
CASES = {"step": ([], lambda s, t: (s <= t) * 1.),
         "ramp": ([], lambda s, t: np.clip((1.5 * t - s) / t, 0, 1)),
         "ramp 0.2": (["--weight-width", ".2"], lambda s, t: np.clip((1.2 * t - s) / (.4 * t), 0, 1)),
         "power": ([], lambda s, t: np.minimum(1, t / np.maximum(s, 1e-30))),
         "power 2": (["--weight-gamma", "2"], lambda s, t: np.minimum(1, t / np.maximum(s, 1e-30)) ** 2)}
for name, (flags, part) in CASES.items():
    folder = name.replace(" ", "-")
    good(f"--weights {name}", *FILTER, "--weights", name.split()[0], *flags, "-o", folder)
    check(folder, name, part)
    tap.equal(tree(f"{ROOT}/{folder}/masks"), tree(f"{ROOT}/plain/masks"), f"{name}: the masks are those without weights")
tap.equal(json.loads(read(f"{ROOT}/power-2/filter.json"))["weights"], {"kind": "power", "type": "u8", "gamma": 2.0}, "filter.json says the weights")
tap.equal(json.loads(read(f"{ROOT}/plain/filter.json"))["weights"], None, "or that there are none")

# ---- As floats, of any score --------------------------------------------------------------------------
STATS = ["stats", *LABELS, "--masks", "real/masks", "--losses", "real/losses"]
PAIRED = ["--stats", "paired.json", "--real-masks", "real/masks", "--real-losses", "real/losses"]


def arrays(folder):
    return {stem: np.load(f"{ROOT}/{folder}/weights/{stem}.npy") for stem in MADE}


good("--weight-type f32", *FILTER, "--weights", "ramp", "--weight-type", "f32", "-o", "f32")
good("--weight-type f16", *FILTER, "--weights", "ramp", "--weight-type", "f16", "-o", "f16")
file = json.loads(read(f"{ROOT}/f32/filter.json"))
tap.equal(file["weights"], {"kind": "ramp", "type": "f32", "width": 0.5}, "filter.json says the type")
bars = np.array([row["threshold"] for row in file["classes"]] + [1], np.float64)
floats, halves = arrays("f32"), arrays("f16")
for stem, (mask, loss) in MADE.items():
    classes = space.to_classes(mask)
    t = bars[classes]
    exact = np.where(classes < 0, 0, np.clip((1.5 * t - np.nan_to_num(loss).astype(np.float64)) / t, 0, 1))
    tap.ok(floats[stem].dtype == np.float32 and floats[stem].shape == mask.shape and abs(floats[stem] - exact).max() < 1e-6,
           f"{stem}: f32 is the formula's", abs(floats[stem] - exact).max())
    tap.ok(halves[stem].dtype == np.float16 and abs(halves[stem] - exact).max() < 2 ** -11, f"{stem}: f16, too")
good("stats for paired", *STATS, "--policy", "paired", "-o", "paired.json")
for policy, flags in (("paired", PAIRED), ("strata", ["--stats", "strata.json"])):
    if policy == "strata":
        good("stats for strata", *STATS, "--policy", "strata", "-o", "strata.json")
    filtered = [*[word for word in FILTER if word not in ("--stats", "stats.json")], *flags]
    good(f"weights of the score of {policy}", *filtered, "--weights", "ramp", "--weight-type", "f32", "-o", f"of-{policy}")
    for stem, part in arrays(f"of-{policy}").items():
        classes = space.to_classes(MADE[stem][0])
        kept = space.to_classes(Png(read(f"{ROOT}/of-{policy}/masks/{stem}.png")).pixels) >= 0
        tap.ok((part[classes < 0] == 0).all() and (part[kept] >= .5).all() and (part[(classes >= 0) & ~kept] < .5).all() and
               len(np.unique(part)) > 20, f"{policy}, {stem}: half at the threshold, and soft around it")

# ---- Again ---------------------------------------------------------------------------------------------
before = tree(f"{ROOT}/ramp")
good("--resume of a finished run", *FILTER, "--weights", "ramp", "--resume", "-o", "ramp")
tap.equal(tree(f"{ROOT}/ramp"), before, "changes nothing")
os.remove(f"{ROOT}/ramp/weights/m0_seed_42.png")
good("--resume where weights are missing", *FILTER, "--weights", "ramp", "--resume", "-o", "ramp")
tap.equal(tree(f"{ROOT}/ramp/weights"), {k[8:]: v for k, v in before.items() if k.startswith("weights/")}, "makes them again")
for name, kind, end, harm in (("a shorter file", "u8", "png", lambda data: data[:-1]), ("a shorter array", "f32", "npy", lambda data: data[:-4])):
    folder = "ramp" if kind == "u8" else "f32"
    command = [*FILTER, "--weights", "ramp", "--weight-type", kind, "--resume", "-o", folder]
    whole = tree(f"{ROOT}/{folder}")
    path = f"{ROOT}/{folder}/weights/m1_seed_43.{end}"
    write(path, harm(read(path)))
    good(f"--resume over {name}", *command)
    tap.equal(tree(f"{ROOT}/{folder}"), whole, "makes it again")
# Unfinished: what may have been on its way to the disk is looked into.
for kind, end in (("u8", "png"), ("f16", "npy")):
    folder = "ramp" if kind == "u8" else "f16"
    whole = tree(f"{ROOT}/{folder}")
    os.rename(f"{ROOT}/{folder}/filter.record", f"{ROOT}/{folder}/filter.journal")
    os.remove(f"{ROOT}/{folder}/filter.json")
    path = f"{ROOT}/{folder}/weights/m2_seed_42.{end}"
    write(path, flip(-30)(read(path)))
    good(f"--resume of an unfinished run, {kind}", *FILTER, "--weights", "ramp", "--weight-type", kind, "--resume", "-o", folder)
    tap.equal(tree(f"{ROOT}/{folder}"), whole, "finds weights that hold something else")
refused("--resume with another type", 2, ["--weight-type"], *FILTER, "--weights", "ramp", "--weight-type", "f16", "--resume", "-o", "f32")
refused("a type without weights", 2, ["--weight-type", "--weights"], *FILTER, "--weight-type", "f16", "-o", "no")
good("--overwrite of arrays", *FILTER, "--weights", "ramp", "--overwrite", "-o", "f32")
tap.equal(tree(f"{ROOT}/f32/weights"), tree(f"{ROOT}/ramp/weights"), "removes them")
refused("--resume with other weights", 2, ["--weights"], *FILTER, "--weights", "power", "--resume", "-o", "ramp")
good("--overwrite without weights", *FILTER, "--overwrite", "-o", "ramp")
tap.equal(tree(f"{ROOT}/ramp/weights") if os.path.isdir(f"{ROOT}/ramp/weights") else {}, {}, "removes those of the earlier run")
refused("a width without a ramp", 2, ["--weight-width", "ramp"], *FILTER, "--weights", "power", "--weight-width", ".2", "-o", "no")
refused("a gamma without weights", 2, ["--weight-gamma", "power"], *FILTER, "--weight-gamma", "2", "-o", "no")
write(f"{ROOT}/other/weights/mine.png", b"mine")
refused("weights of somebody else", 2, ["did not write"], *FILTER, "--weights", "step", "-o", "other")
good("run --weights", "run", *LABELS, "--real-masks", "real/masks", "--real-losses", "real/losses", "--synthetic-masks", "made/masks",
     "--synthetic-losses", "made/losses", "--weights", "power", "--weight-gamma", "2", "-o", "run")
tap.equal(tree(f"{ROOT}/run/weights"), tree(f"{ROOT}/power-2/weights"), "run: the same weights")
tap.ok(b"--weights power --weight-type u8 --weight-gamma 2" in read(f"{ROOT}/run/report.html"), "and the report has the flags")
before = tree(f"{ROOT}/run")
write(f"{ROOT}/run/weights/m0_seed_43.png", before["weights/m0_seed_43.png"][:50])
good("run --resume over a short file of weights", "run", *LABELS, "--real-masks", "real/masks", "--real-losses", "real/losses", "--synthetic-masks",
     "made/masks", "--synthetic-losses", "made/losses", "--weights", "power", "--weight-gamma", "2", "--resume", "-o", "run")
tap.equal(tree(f"{ROOT}/run"), before, "makes it again")
tap.done()
