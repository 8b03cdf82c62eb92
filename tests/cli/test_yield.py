#!/usr/bin/env python3
# cli/test_yield.py - hardness --shape and plan --yield on folders, against golden/yield_reference.py.
# SPDX-License-Identifier: MIT
import csv
import io
import json

from kit import *

# kit says where the references lie
# isort: split
import yield_reference as reference

space = ref.preset("camvid")
rng = np.random.default_rng(12)
ROOT, CLASSES = tap.path("world"), space.classes
MASKS = {f"m{i:02}": random_mask(rng, space, (20 + i, 30)) for i in range(12)}
for i, (name, mask) in enumerate(MASKS.items()):
    loss = random_loss(rng, space, mask)
    write(f"{ROOT}/real/masks/{name}.png", png(mask))
    write(f"{ROOT}/real/losses/{name}.npy", npy(loss))
    write(f"{ROOT}/made/masks/{name}_seed_42.png", png(mask))
    write(f"{ROOT}/made/losses/{name}_seed_42.npy", npy(loss * np.float32(1 + i % 3)))

tool, good, refused = commands(ROOT)

def table(path):
    return list(csv.DictReader(io.StringIO(read(f"{ROOT}/{path}").decode())))


LABELS = ["--labels", space.name]
REAL = [*LABELS, "--masks", "real/masks"]
good("stats", "stats", *REAL, "--losses", "real/losses", "-o", "stats.json")
good("filter", "filter", *LABELS, "--masks", "made/masks", "--losses", "made/losses", "--stats", "stats.json", "-o", "batch")

# ---- Shapes ------------------------------------------------------------------------------------------
good("hardness --shape", "hardness", "--shape", *REAL, "-o", "shape.csv")
rows = [reference.complexity(np.where(space.to_classes(mask) < 0, -1, space.to_classes(mask)).astype(np.int64), CLASSES)
        for mask in MASKS.values()]
got = table("shape.csv")
tap.equal([float(row["hardness"]) for row in got], reference.hardness(rows), "hardness by shape is the definition's")
tap.equal([int(row["valid_pixels"]) for row in got], [int((space.to_classes(m) >= 0).sum()) for m in MASKS.values()], "valid pixels")
one = tool("hardness", "--shape", *REAL, "--threads", "1", "-o", "one.csv")
tap.ok(one.code == 0 and read(f"{ROOT}/one.csv") == read(f"{ROOT}/shape.csv"), "one thread, the same bytes", one)
refused("neither statistics nor shapes", 2, ["--stats", "--shape"], "hardness", *REAL, "-o", "no.csv")
refused("both", 2, ["--shape", "--stats"], "hardness", "--shape", "--stats", "stats.json", *REAL, "-o", "no.csv")
refused("a size", 2, ["--resize"], "hardness", "--shape", "--resize", "8x8", *REAL, "-o", "no.csv")

# ---- Yield -------------------------------------------------------------------------------------------
PLAN = ["plan", "--hardness", "shape.csv", *REAL, "--yield", "batch/filter.json"]
classes = json.loads(read(f"{ROOT}/batch/filter.json"))["classes"]
kept = [(row["valid"] - row["dropped"]) / row["valid"] if row["valid"] else 1. for row in classes]
pixels = [[int((space.to_classes(mask) == k).sum()) for k in range(CLASSES)] for mask in MASKS.values()]
good("plan --yield", *PLAN, "--budget", 30, "--n-max", 5, "-o", "first.csv")
first = [int(row["count"]) for row in table("first.csv")]
tap.equal(first, reference.counts(pixels, 30, 5, kept), "counts are the slow search's")
good("plan --yield --grow", *PLAN, "--budget", 45, "--n-max", 5, "--grow", "first.csv", "-o", "second.csv")
good("plan --yield, at once", *PLAN, "--budget", 45, "--n-max", 5, "-o", "whole.csv")
tap.equal(read(f"{ROOT}/second.csv"), read(f"{ROOT}/whole.csv"), "a plan that grows is the one made at once")
refused("no budget", 2, ["--budget"], *PLAN, "-o", "no.csv")
refused("a policy too", 2, ["--policy"], *PLAN, "--budget", 30, "--policy", "uniform", "-o", "no.csv")
refused("no masks", 2, ["--masks"], "plan", "--hardness", "shape.csv", "--yield", "batch/filter.json", "--budget", 30, "-o", "no.csv")
refused("a budget that cannot be met", 2, ["budget is 999"], *PLAN, "--budget", 999, "-o", "no.csv")
refused("another label space", 3, ["label space"], "plan", "--hardness", "shape.csv", "--labels", "cityscapes", "--masks", "real/masks",
        "--yield", "batch/filter.json", "--budget", 30, "-o", "no.csv")
refused("statistics in place of a filter's file", 3, ["freemask-filter"], *PLAN[:-1], "stats.json", "--budget", 30, "-o", "no.csv")
tap.done()
