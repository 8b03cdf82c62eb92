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
tap.equal(json.loads(read(f"{ROOT}/power-2/filter.json"))["weights"], {"kind": "power", "gamma": 2.0}, "filter.json says the weights")
tap.equal(json.loads(read(f"{ROOT}/plain/filter.json"))["weights"], None, "or that there are none")

# ---- Again ---------------------------------------------------------------------------------------------
before = tree(f"{ROOT}/ramp")
good("--resume of a finished run", *FILTER, "--weights", "ramp", "--resume", "-o", "ramp")
tap.equal(tree(f"{ROOT}/ramp"), before, "changes nothing")
os.remove(f"{ROOT}/ramp/weights/m0_seed_42.png")
good("--resume where weights are missing", *FILTER, "--weights", "ramp", "--resume", "-o", "ramp")
tap.equal(tree(f"{ROOT}/ramp/weights"), {k[8:]: v for k, v in before.items() if k.startswith("weights/")}, "makes them again")
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
tap.done()
