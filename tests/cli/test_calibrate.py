#!/usr/bin/env python3
# cli/test_calibrate.py - calibrated thresholds from end to end: against NumPy, in shards, in filter and run.
# SPDX-License-Identifier: MIT
"""The truth is golden/calibration_reference.py; scores are those of golden/score_reference.py."""
import json

from kit import *

# kit says where the references lie
# isort: split
import calibration_reference as reference
from score_reference import Ranks, boundary_strata

space = ref.preset("camvid")
rng = np.random.default_rng(5)
ROOT = tap.path("world")
CLASSES, COMMON, SHAPE = space.classes, 4, (16, 24)
IGNORED = space.ignored_labels()[0]
LABEL_OF = [label for k in range(CLASSES) for label in range(256)
            if space.to_classes(np.array([[label]], np.uint8))[0, 0] == k]


def image(classes):
    """Each class has a level of its own in an image; some are in every image."""
    mask = np.array(LABEL_OF, np.uint8)[rng.choice(classes, SHAPE)]
    level = np.exp(rng.normal(0, .8, 256)).astype(np.float32)
    return mask, (rng.gamma(2, .5, SHAPE).astype(np.float32) * level[mask])


REAL = {f"r{i}": image(range(CLASSES)) for i in range(4)}
HELD = {f"h{i}": image(range(COMMON + (i < 6))) for i in range(40)}  # class 4 is in 6 images only
MADE = {f"r{i}_seed_42": (REAL[f"r{i}"][0], REAL[f"r{i}"][1] * np.float32(1.7)) for i in range(4)}
for folder, images in (("real", REAL), ("held", HELD), ("made", MADE)):
    for name, (mask, loss) in images.items():
        write(f"{ROOT}/{folder}/masks/{name}.png", png(mask))
        write(f"{ROOT}/{folder}/losses/{name}.npy", npy(loss))

tool, good, refused = commands(ROOT)

LABELS = ["--labels", space.name]
FILTER = ["filter", *LABELS, "--masks", "made/masks", "--losses", "made/losses"]
PAIRED = ["--real-masks", "real/masks", "--real-losses", "real/losses"]
HELD_OUT = ["calibrate", *LABELS, "--masks", "held/masks", "--losses", "held/losses"]
for policy in ("paper", "strata", "paired"):
    good(f"stats for {policy}", "stats", *LABELS, "--masks", "real/masks", "--losses", "real/losses", "--policy", policy, "-o",
         f"{policy}.json")


def scored(which, policy):
    """(classes, scores) of a set's images, without references."""
    pairs = [(np.where((c := space.to_classes(mask)) < 0, CLASSES, c), mask, loss) for mask, loss in which.values()]
    if policy == "paper":
        return [(classes, loss) for classes, _, loss in pairs]
    strata = 8 if policy == "strata" else 1

    def of(mask):
        return boundary_strata(mask) if strata > 1 else None
    real = [(np.where((c := space.to_classes(m)) < 0, CLASSES, c), lo, of(m)) for m, lo in REAL.values()]
    ranks = Ranks(real, CLASSES, strata)
    return [(classes, ranks.scores(classes, loss, of(mask))) for classes, mask, loss in pairs]


for policy in ("paper", "strata", "paired"):
    result = good(f"{policy}: calibrate", *HELD_OUT, "--stats", f"{policy}.json", "-o", f"c-{policy}.json")
    tap.ok("40 images" in result.out and "too few for --lose 0.05" in result.out, f"{policy}: the summary counts images", result)
    words = reference.words(scored(HELD, policy), CLASSES)
    more = PAIRED if policy == "paired" else []
    for lose, confidence in ((.05, 0), (.2, .6)):
        flags = ["--lose", lose, *(["--confidence", confidence] if confidence else [])]
        name = f"{policy}, {' '.join(map(str, flags))}"
        result = good(f"{name}: filter", *FILTER, *more, "--stats", f"{policy}.json", "--calibration", f"c-{policy}.json", *flags,
                      "-o", f"f-{policy}-{lose}")
        file = json.loads(read(f"{ROOT}/f-{policy}-{lose}/filter.json"))
        got = [np.float32(np.inf if row["threshold"] is None else row["threshold"]) for row in file["classes"]]
        exact = [reference.threshold(row, CLASSES, lose, 1 - confidence if confidence else 0.) for row in words]
        tap.equal(got, exact, f"{name}: thresholds are those of the definition")
        made = file["guarantee"]
        tap.equal((made["lose"], made["confidence"], made["images"]), (lose, confidence or None, 40), f"{name}: filter.json says it")
        few = {item["name"]: item["images"] for item in made["too_few"]}
        short = {row["name"]: word[0] for row, word in zip(file["classes"], words) if word[0] < made["images_needed"]}
        tap.equal(few, short, f"{name}: classes with too few images are named")
        tap.ok(made["sentence"] in result.out and f"{100 * lose:g} %" in made["sentence"] and "held-out" in made["sentence"]
               and all(f"{n} ({few[n]})" in made["sentence"] for n in few), f"{name}: the sentence says what holds", made["sentence"])
        if policy == "paper":
            for stem, (mask, loss) in MADE.items():
                classes = space.to_classes(mask)
                dropped = (classes >= 0) & (loss > np.array([*exact, 0], np.float32)[classes])
                if not np.array_equal(Png(read(f"{ROOT}/f-{policy}-{lose}/masks/{stem}.png")).pixels, np.where(dropped, IGNORED, mask)):
                    tap.ok(False, f"{name}: masks", stem)

# ---- Shards ------------------------------------------------------------------------------------------

for policy in ("paper", "paired"):
    for i in range(3):
        good(f"{policy}: shard {i}", *HELD_OUT, "--stats", f"{policy}.json", "--shard", f"{i}/3", "-o", f"part{i}.json")
    refused(f"{policy}: filter refuses a shard", 3, ["shard 1/3"], *FILTER, *(PAIRED if policy == "paired" else []), "--stats",
            f"{policy}.json", "--calibration", "part1.json", "-o", "no")
    refused(f"{policy}: a shard is missing", 3, ["missing"], "merge", "part0.json", "part2.json", "-o", "no.json")
    good(f"{policy}: merge", "merge", "part2.json", "part0.json", "part1.json", "-o", "whole.json")
    tap.equal(read(f"{ROOT}/whole.json"), read(f"{ROOT}/c-{policy}.json"), f"{policy}: shards are merged to the same bytes")

# ---- Run ----------------------------------------------------------------------------------------------

RUN = ["run", *LABELS, "--real-masks", "real/masks", "--real-losses", "real/losses", "--synthetic-masks", "made/masks",
       "--synthetic-losses", "made/losses"]
for policy in ("paper", "paired"):
    good(f"run --policy {policy}", *RUN, "--policy", policy, "--calibration", f"c-{policy}.json", "--lose", ".05", "-o", f"run-{policy}")
    ours, theirs = (json.loads(read(f"{ROOT}/{where}/filter.json")) for where in (f"run-{policy}", f"f-{policy}-0.05"))
    tap.equal([row["threshold"] for row in ours["classes"]], [row["threshold"] for row in theirs["classes"]],
              f"run --policy {policy}: the same thresholds")
page = read(f"{ROOT}/run-paper/report.html").decode()
tap.ok(ours["guarantee"]["sentence"] in page, "the page says the guarantee")
result = good("run --resume", *RUN, "--policy", "paired", "--calibration", "c-paired.json", "--lose", ".05", "--resume", "-o",
              "run-paired")
refused("--resume with another promise", 2, ["--lose"], *RUN, "--policy", "paired", "--calibration", "c-paired.json", "--lose", ".2",
        "--resume", "-o", "run-paired")

# ---- What does not go together -------------------------------------------------------------------------

STATS = ["--stats", "paper.json"]
refused("another score", 3, ["another score", "freemask calibrate --stats paper.json"], *FILTER, *STATS, "--calibration",
        "c-paired.json", "-o", "no")
refused("statistics in place of a calibration", 3, ["freemask calibrate"], *FILTER, *STATS, "--calibration", "paper.json", "-o", "no")
refused("a calibration in place of statistics", 3, ["freemask stats"], *FILTER, "--stats", "c-paper.json", "-o", "no")
refused("--lose alone", 2, ["--lose", "--calibration"], *FILTER, *STATS, "--lose", ".05", "-o", "no")
refused("--tolerance too", 2, ["--tolerance", "--lose"], *FILTER, *STATS, "--tolerance", "2", "--calibration", "c-paper.json", "-o", "no")
refused("statistics and calibrations are not merged", 3, ["one kind"], "merge", "paper.json", "c-paper.json", "-o", "no.json")
refused("another label space", 3, ["label space"], "filter", "--labels", "cityscapes", *FILTER[3:], *STATS, "--calibration",
        "c-paper.json", "-o", "no")
good("the real set itself", "calibrate", *LABELS, "--masks", "real/masks", "--losses", "real/losses", *STATS, "-o", "same.json")
result = good("is warned of", *FILTER, *STATS, "--calibration", "same.json", "-o", "same")
tap.ok("same names" in result.err and "promises nothing" in result.err, "a calibration with the statistics' images", result)
tap.done()
