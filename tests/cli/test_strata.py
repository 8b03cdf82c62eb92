#!/usr/bin/env python3
# cli/test_strata.py - strata from end to end: statistics, thresholds, filtered masks, files and page.
# SPDX-License-Identifier: MIT
"""Expected values are NumPy's, class by class and stratum by stratum."""
import json
import math

from kit import *

STRATA = 3
space = ref.preset("camvid")
rng = np.random.default_rng(51)
ROOT = tap.path("world")
WORLD = {}
for kind, count in (("real", 7), ("made", 5)):
    for i in range(count):
        mask = random_mask(rng, space, (40, 56))
        strata = rng.integers(0, STRATA, mask.shape)
        if i % 2:  # beside the border of the image one stratum, elsewhere others
            strata[:, :8] = 2
        loss = random_loss(rng, space, mask) * (1 + strata).astype(np.float32)
        name = f"{i % 2}/m{i}"
        WORLD[kind, name] = mask, loss, strata
        write(f"{ROOT}/{kind}/masks/{name}.png", png(mask))
        write(f"{ROOT}/{kind}/losses/{name}.npy", npy(loss))
        write(f"{ROOT}/{kind}/strata/{name}.png" if i % 3 else f"{ROOT}/{kind}/strata/{name}.npy",
              png(strata) if i % 3 else npy(strata.astype(np.uint8)))
unseen = space.to_classes(WORLD["made", "0/m0"][0]).max()


def tool(*arguments, **more):
    return run(*arguments, cwd=ROOT, **more)


LABELS = ["--labels", space.name]
STATS = ["stats", *LABELS, "--masks", "real/masks", "--losses", "real/losses", "--strata", "real/strata", "--strata-count", STRATA]
FILTER = ["filter", *LABELS, "--masks", "made/masks", "--losses", "made/losses"]
WITH = ["--strata", "made/strata"]

# ---- Statistics -----------------------------------------------------------------------------------------
sums = [[[] for _ in range(STRATA)] for _ in range(space.classes)]
for (kind, _), (mask, loss, strata) in WORLD.items():
    if kind == "real":
        classes = space.to_classes(mask)
        for k in range(space.classes):
            for s in range(STRATA):
                sums[k][s] += ref.as_float32(loss)[(classes == k) & (strata == s)].astype(np.float64).tolist()


def mean(values):
    return math.fsum(values) / (len(values) + ref.EPSILON)


result = tool(*STATS, "-o", "stats.json")
tap.ok(result.code == 0, "stats with strata", result)
stats = json.loads(read(f"{ROOT}/stats.json"))
tap.equal(stats["strata"], STRATA, "stats.json: their number")
for k, row in enumerate(stats["classes"]):
    words = numbers_of(row["words"])
    each = len(words) // STRATA
    tap.equal([words[s * each] for s in range(STRATA)], [len(values) for values in sums[k]], f"class {k}: pixels by stratum")
    exact = [sum(words[s * each + 1 + i] << 32 * i for i in range(11)) for s in range(STRATA)]
    tap.equal(exact, [sum(round(math.ldexp(v, 149)) for v in values) for values in sums[k]], f"class {k}: sums by stratum")
    tap.ok(same_bits(row["mean_loss"], mean(sum(sums[k], []))), f"class {k}: the mean is that of all strata", row["mean_loss"])

# Shards make the same bytes; with a histogram, too.
for i in range(3):
    tool(*STATS, "--shard", f"{i}/3", "-o", f"s{i}.json")
result = tool("merge", "s2.json", "s0.json", "s1.json", "-o", "merged.json")
tap.ok(result.code == 0 and read(f"{ROOT}/merged.json") == read(f"{ROOT}/stats.json"), "shards are merged to the same bytes", result)
result = tool(*STATS, "--histogram", "8", "-o", "histogram.json")
tap.ok(result.code == 0 and json.loads(read(f"{ROOT}/histogram.json"))["histogram"] == 8, "strata with a histogram", result)

# ---- The filter -----------------------------------------------------------------------------------------
limits = np.array([[np.float32(np.float64(1.25) * (mean(sums[k][s]) if sums[k][s] else mean(sum(sums[k], []))))
                    for s in range(STRATA)] for k in range(space.classes)])
result = tool(*FILTER, *WITH, "--stats", "stats.json", "-o", "out")
tap.ok(result.code == 0, "filter with strata", result)
table = json.loads(read(f"{ROOT}/out/filter.json"))
tap.equal((table["strata_count"], table["strata"]), (STRATA, "../made/strata"), "filter.json: strata")
for k, row in enumerate(table["classes"]):
    tap.ok([np.float32(t) for t in row["threshold"]] == limits[k].tolist(), f"class {k}: thresholds by stratum", row["threshold"])
changed = 0
for (kind, name), (mask, loss, strata) in WORLD.items():
    if kind != "made":
        continue
    classes = space.to_classes(mask)
    with np.errstate(invalid="ignore"):
        dropped = (classes >= 0) & (ref.as_float32(loss) > limits[np.maximum(classes, 0), strata])
        plain = (classes >= 0) & (ref.as_float32(loss) > limits.mean(axis=1)[np.maximum(classes, 0)])
    changed += (dropped != plain).sum()
    expected = np.where(dropped, space.written, mask)
    tap.ok((Png(read(f"{ROOT}/out/masks/{name}.png")).pixels == expected).all(), f"{name}: filtered as NumPy does")
tap.ok(changed > 100, "strata make a difference here", changed)
result = tool(*FILTER, *WITH, "--stats", "stats.json", "-o", "out", "--resume")
tap.ok(result.code == 0 and "finished" in result.out, "a finished run with strata is finished", result)
os.utime(f"{ROOT}/made/strata/1/m1.png")
result = tool(*FILTER, *WITH, "--stats", "stats.json", "-o", "out", "--resume")
tap.ok(result.code == 0 and "finished" in result.out, "nor does it matter when the strata were written", result)
strata = read(f"{ROOT}/made/strata/1/m1.png")
write(f"{ROOT}/made/strata/1/m1.png", png((Png(strata).pixels + 1) % STRATA))
result = tool(*FILTER, *WITH, "--stats", "stats.json", "-o", "out", "--resume")
write(f"{ROOT}/made/strata/1/m1.png", strata)
tap.ok(result.code == 2 and "changed" in result.err and "made/strata/1/m1.png" in result.err, "one whose strata have changed is not", result)
result = tool("report", "out")
page = read(f"{ROOT}/out/report.html").decode()
low, high = f"{limits[0].min():.4f}", f"{limits[0].max():.4f}"
tap.ok(result.code == 0 and f"{low} to {high}" in page and "made/strata" in page, "the page has the range of thresholds", result)
result = tool("report", "out", "-o", "made/strata/page.png")
tap.ok(result.code == 2 and "made/strata" in result.err, "a page does not join the strata", result)

# ---- All in one go --------------------------------------------------------------------------------------
RUN = ["run", *LABELS, "--real-masks", "real/masks", "--real-losses", "real/losses", "--synthetic-masks", "made/masks",
       "--synthetic-losses", "made/losses", "--n-max", "1", "-o", "all"]
BOTH = ["--real-strata", "real/strata", "--synthetic-strata", "made/strata", "--strata-count", STRATA]
result = tool(*RUN, *BOTH)
tap.ok(result.code == 0, "run with strata", result)
result = tool(*STATS, "--histogram", "32", "-o", "bins.json")
tap.equal(read(f"{ROOT}/all/stats.json"), read(f"{ROOT}/bins.json"), "run: the same statistics, with a histogram")
tap.equal(tree(f"{ROOT}/all/masks"), tree(f"{ROOT}/out/masks"), "run: the same masks")
page = read(f"{ROOT}/all/report.html").decode()
tap.ok("--real-strata" in page and f"--strata-count {STRATA}" in page, "run: the page has the flags")
result = tool("hardness", "--stats", "stats.json", *LABELS, "--masks", "real/masks", "-o", "h.csv")
tap.ok(result.code == 0 and read(f"{ROOT}/h.csv") == read(f"{ROOT}/all/hardness.csv"), "hardness takes the means of all strata", result)

# ---- What is wrong --------------------------------------------------------------------------------------
result = tool("stats", *LABELS, "--masks", "real/masks", "--losses", "real/losses", "-o", "plain.json")
tap.ok(result.code == 0, "statistics without strata", result)
shutil.rmtree(f"{ROOT}/all")
shutil.rmtree(f"{ROOT}/out")
case = Breaker(ROOT).case
case("--strata alone", STATS[:-2] + ["-o", "new.json"], 2, "--strata-count")
case("--strata-count alone", STATS[:-4] + STATS[-2:] + ["-o", "new.json"], 2, "--strata")
case("--strata-count 1", STATS[:-1] + ["1", "-o", "new.json"], 2, "from 2 to 255")
case("one set's strata", RUN + BOTH[:2] + BOTH[-2:], 2, "--synthetic-strata")
case("run without their number", RUN + BOTH[:4], 2, "--strata-count")
case("statistics with strata, masks without", FILTER + ["--stats", "stats.json", "-o", "new"], 2, ["stats.json", "3 strata", "--strata"])
case("masks with strata, statistics without", FILTER + WITH + ["--stats", "plain.json", "-o", "new"], 2, ["plain.json", "--strata"])
case("a sum of both", ["merge", "stats.json", "plain.json", "--distinct", "-o", "new.json"], 3, "strata")
for says, name, break_it in (
        ("m1.png", "missing", remove("real/strata/1/m1.png")),
        ("m1.png", "of another size", put("real/strata/1/m1.png", png(np.zeros((40, 55), int)))),
        ("m1.png", "of 16 bits", put("real/strata/1/m1.png", png(np.zeros((40, 56), int), 16))),
        ("m1.png", "broken", put("real/strata/1/m1.png", b"rubbish"))):
    case(f"strata {name}", STATS + ["-o", "new.json"], 3, says, break_it)
    case(f"strata {name}", RUN + BOTH, 3, says, break_it)
    result = None
beyond = np.where(space.to_classes(WORLD["real", "1/m1"][0]) >= 0, STRATA, 0)
case("a stratum beyond their number", STATS + ["-o", "new.json"], 3, ["real/strata/1/m1.png", "3 at pixel"], put("real/strata/1/m1.png", png(beyond)))
case("-o is a plane of strata", STATS + ["-o", "real/strata/1/m1.png"], 2, "m1.png")
case("-o lies in the strata", FILTER + WITH + ["--stats", "stats.json", "-o", "made/strata/out"], 2, "made/strata")
result = tool("check", *LABELS, "--masks", "real/masks", "--strata", "real/strata")
tap.ok(result.code == 0, "check with strata", result)
os.unlink(f"{ROOT}/real/strata/1/m1.png")
write(f"{ROOT}/real/strata/1/m5.png", png(np.zeros((3, 3), int)))
result = tool("check", *LABELS, "--masks", "real/masks", "--strata", "real/strata", "--json")
kinds = sorted((item["kind"], item["mask"]) for item in json.loads(result.out)["findings"])
tap.ok(result.code == 1 and ("missing", "1/m1") in kinds and [kind for kind in kinds if kind[1] == "1/m5"], "check finds what is wrong with strata", result)

tap.done()
