#!/usr/bin/env python3
# python/test_ablation.py - examples/python/ablation: it runs, and every row was trained on what its title says.
# SPDX-License-Identifier: MIT
import csv
import json
import os
import sys

import kit  # noqa: F401 - finds the package
import tap

tap.need("numpy", "PIL", "torch")
EXAMPLE = os.path.join(tap.SOURCE, "examples", "python", "ablation")
sys.path.insert(0, EXAMPLE)
import freemask  # noqa: E402
import measure  # noqa: E402
import numpy as np  # noqa: E402
import supply  # noqa: E402
import targets  # noqa: E402
from PIL import Image  # noqa: E402
from settings import SETTINGS  # noqa: E402
from teacher import Judged, half_of  # noqa: E402
from worlds import World  # noqa: E402

rng = np.random.default_rng(3)
IGNORED, K, SHAPE, MASKS, SEEDS = 255, 4, (24, 32), 5, [42, 43, 44]

# ---- A world whose images say what they are ------------------------------------------------------------------
# Real image i is all i; synthetic image i all 100 + i. Labels are tens, 7 is ignored.
made = [(mask, seed) for mask in range(MASKS) for seed in SEEDS]
labels_csv = tap.path("labels.csv")
with open(labels_csv, "w", encoding="utf-8") as table:
    table.write("label,class,name\n" + "".join(f"{10 * k},{k},c{k}\n" for k in range(K)) + "7,ignore,\n")
LABELS = freemask.Labels.from_csv(labels_csv)
classes = rng.integers(0, K, (MASKS, *SHAPE))
classes[rng.random(classes.shape) < 0.1] = IGNORED
made_classes = classes[[mask for mask, _ in made]]


def constant(values):
    return np.broadcast_to(np.array(values, np.uint8)[:, None, None, None], (len(values), *SHAPE, 3)).copy()


def stored(array):
    return np.where(array == IGNORED, 7, 10 * array).astype(np.uint8)


world = World(LABELS, [f"m{i}" for i in range(MASKS)], constant(range(MASKS)), stored(classes), made,
              constant(range(100, 100 + len(made))), stored(made_classes), rng.random(made_classes.shape) < 0.2,
              constant([0]), stored(classes[:1]))
judged = Judged(rng.gamma(1.5, 0.5, classes.shape).astype(np.float32), rng.gamma(1.5, 0.7, made_classes.shape).astype(np.float32),
                rng.integers(0, K, made_classes.shape).astype(np.uint8), rng.random(made_classes.shape).astype(np.float16))

# ---- Targets -------------------------------------------------------------------------------------------------
means = np.array([judged.real[classes == k].astype(np.float64).sum() / ((classes == k).sum() + 1e-5) for k in range(K)])
bars = (1.25 * means).astype(np.float32)
valid = made_classes != IGNORED
over = valid & (judged.made > bars[np.where(valid, made_classes, 0)])
expected = {"raw": made_classes, "paper": np.where(over, IGNORED, made_classes),
            "oracle": np.where(world.wrong, IGNORED, made_classes), "weights": made_classes,
            "relabel": np.where(over, np.where(judged.confidence >= 0.8, judged.opinion, IGNORED), made_classes)}
for name, want in expected.items():
    tap.ok(np.array_equal(targets.MADE[name](world, judged).classes, want), f"{name}: the targets are NumPy's")
weights = targets.weights(world, judged).weights
tap.ok(np.allclose(weights, np.where(valid, np.minimum(1, bars[np.where(valid, made_classes, 0)] / judged.made)**2, 0), rtol=1e-6),
       "weights: (threshold / loss) squared, at most 1")
tap.ok((weights[over] < 1).all() and (weights[valid & ~over] == 1).all(), "weights: below 1 just where the paper drops")
shares = {name: (targets.MADE[name](world, judged).classes[valid] == IGNORED).mean()
          for name in ("raw", "quantile", "paired-detect", "paired-train")}
tap.ok(shares["raw"] == 0 < shares["paired-detect"] < shares["paired-train"] < 1, "paired drops more to train than to detect", shares)
bars_5 = np.array([np.quantile(judged.real[classes == k], 0.95) for k in range(K)])
over_5 = (judged.made > bars_5[np.where(valid, made_classes, 0)])[valid].mean()
tap.ok(abs(shares["quantile"] - over_5) < 0.01, "quantile drops what 5 % of the real pixels exceed", (shares, over_5))

# ---- Supplies ------------------------------------------------------------------------------------------------
plans = supply.plans(world, judged, 3, 0)
scores = freemask.Hardness(targets.loss_stats(world, judged)).score(world.masks)
ranks = sorted(range(MASKS), key=lambda i: scores[i])
wanted = {f"m{mask}": min(1 + round((rank + 1) / MASKS * 3), 3) for rank, mask in enumerate(ranks)}
tap.equal({row.mask: row.count for row in plans["rank"]}, wanted, "the paper's plan")
tap.equal(plans["uniform"].images, plans["rank"].images, "the plan without favorites has as many images")
for setting in SETTINGS:
    goal, plan = targets.MADE[setting.made](world, judged), plans[setting.plan]
    source = supply.Supply(setting, world, plan, goal, 20, 6, 1)
    right, kinds, drawn = True, [], set()
    for step in range(20):
        kinds.append([])
        for image, target, weight in zip(*source.draw(step)):
            which = int(image[0, 0, 0])
            kinds[-1].append(which >= 100)
            if which < 100:  # a real image has its own mask, whole
                right &= np.array_equal(target, classes[which]) and (weight == 1).all()
            else:
                drawn.add(which - 100)
                right &= np.array_equal(target, goal.classes[which - 100])
                right &= np.array_equal(weight, 1 if goal.weights is None else goal.weights[which - 100]) or (weight == 1).all()
    tap.ok(right, f"{setting.name}: every image comes with its own target")
    planned = {i for i, (mask, seed) in enumerate(made) if seed in plan[f"m{mask}"].seeds}
    share = np.mean(kinds)
    if setting.mix == "real":
        tap.ok(share == 0, "real: nothing synthetic")
    elif setting.mix == "synthetic":
        tap.ok(share == 1 and drawn == planned, f"{setting.name}: all images of the plan, nothing else", (share, drawn, planned))
    elif setting.mix == "pretrain":
        tap.ok(np.mean(kinds[:10]) == 1 and np.mean(kinds[10:]) == 0, "pretrain: synthetic in the first half, real in the second")
    else:
        tap.ok(0.35 < share < 0.65 and drawn == planned, f"{setting.name}: half and half, all images of the plan", (share, drawn, planned))
halves = half_of(7)
tap.equal(halves.tolist(), [0, 0, 0, 1, 1, 1, 1], "teachers have one half each")

# ---- The whole of it -----------------------------------------------------------------------------------------
tool = os.environ.get("FREEMASK_TOOL", os.path.join(tap.BUILD, "tool", "freemask"))
out = tap.path("out")
command = [sys.executable, EXAMPLE, "--quick", "--settings", "all", "--out", out, "--tool", tool]
ran = tap.run(command)
tap.equal(ran.returncode, 0, "--quick runs" if ran.returncode == 0 else f"--quick runs: {ran.stdout[-1500:]}")


def independent_miou(truth, seen):
    values = []
    for k in range(11):
        here, there = truth == k, (seen == k) & (truth != 11)
        if here.any():
            values.append((here & there).sum() / (here | there).sum())
    return float(np.mean(values))


folder = os.path.join(out, "seed-1")
masks = os.path.join(folder, "demo", "real", "masks")
names = sorted(os.listdir(masks))
test = np.stack([np.asarray(Image.open(os.path.join(masks, name))) for name in names[-3:]])
with open(os.path.join(out, "table.csv"), encoding="utf-8") as file:
    rows = {row["setting"]: row for row in csv.DictReader(file)}
tap.equal(list(rows), [s.name for s in SETTINGS], "a row for each setting")
scores, times = {}, {}
for setting in SETTINGS:
    kept = os.path.join(folder, setting.name)
    with np.load(kept + ".npz") as predictions:
        scores[setting.name] = independent_miou(test, predictions["predictions"])
    with open(kept + ".json", encoding="utf-8") as file:
        result = json.load(file)
    times[setting.name] = os.stat(kept + ".json").st_mtime_ns
    tap.ok(abs(result["miou"] - scores[setting.name]) < 1e-12 and abs(float(rows[setting.name]["miou"]) - 100 * result["miou"]) < 1e-9,
           f"{setting.name}: the table's mIoU is NumPy's of the kept predictions", (result["miou"], scores[setting.name], rows[setting.name]))
tap.ok(max(scores.values()) > 0.02, "a network learned something", scores)
tap.ok(len({round(score, 9) for score in scores.values()}) > 3, "settings differ", scores)
with open(os.path.join(folder, "joint-paper.json"), encoding="utf-8") as file:
    paper = json.load(file)
with np.load(os.path.join(folder, "losses.npz")) as losses:
    real = freemask.ClassStats("camvid")
    for name, loss in zip(names[:4], losses["real"]):
        real.add(np.asarray(Image.open(os.path.join(masks, name))), loss)
    noise = freemask.NoiseFilter(real)
    made_names = sorted(name for name in os.listdir(os.path.join(folder, "demo", "synthetic", "masks"))
                        if name.partition("_seed_")[0] + ".png" in names[:4])
    counts = np.zeros(2, np.int64)
    for name, loss in zip(made_names, losses["made"]):
        noise.apply(np.asarray(Image.open(os.path.join(folder, "demo", "synthetic", "masks", name))), loss)
        counts += noise.report.dropped, noise.report.valid
tap.ok(abs(paper["dropped_share"] - counts[0] / counts[1]) < 1e-12, "joint-paper's share of dropped pixels is the filter's",
       (paper["dropped_share"], counts))
with open(os.path.join(out, "chart.svg"), encoding="utf-8") as file:
    chart = file.read()
tap.ok(chart.count("<circle") == len(SETTINGS) and "joint, oracle" in chart, "the chart has a dot for each run")
matrix = measure.confusion(np.array([0, 0, 1, IGNORED]), np.array([0, 1, 1, 0]), 3)
tap.equal(round(measure.mean_iou(matrix), 9), 0.5, "classes without a pixel in the test set do not count")

os.remove(os.path.join(folder, "joint-raw.json"))
ran = tap.run(command)
again = {s.name: os.stat(os.path.join(folder, s.name + ".json")).st_mtime_ns for s in SETTINGS}
tap.equal([name for name in again if again[name] != times[name]], ["joint-raw"], "a second run makes what is missing alone")
with open(os.path.join(folder, "joint-raw.json"), encoding="utf-8") as file:
    tap.equal(json.load(file)["miou"], scores["joint-raw"], "and finds the same")
ran = tap.run([*command, "--style", "0"])
tap.ok(ran.returncode != 0 and "--style 0.65" in ran.stdout and "--out" in ran.stdout, "other options: refused, named", ran.stdout)

# ---- A world of one's own ------------------------------------------------------------------------------------
own = ["--labels", "camvid"]
for name, below in (("real", "real"), ("synthetic", "synthetic")):
    for kind in ("images", "masks"):
        own += [f"--{name}-{kind}", os.path.join(out, "seed-{seed}", "demo", below, kind)]
ran = tap.run([sys.executable, EXAMPLE, "--quick", "--settings", "real,joint-paper,joint-oracle", "--test-count", "3", "--out", tap.path("own"), *own])
tap.ok(ran.returncode == 0 and "real only" in ran.stdout and "oracle" not in ran.stdout,
       "folders of one's own; without --truth there is no oracle", ran.stdout)
with open(os.path.join(tap.path("own"), "seed-1", "real.json"), encoding="utf-8") as file:
    tap.ok(json.load(file)["real_drawn"] > 0, "and trains on them")
tap.done()
