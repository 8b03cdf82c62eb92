#!/usr/bin/env python3
# cli/test_options.py - flags that few use, against NumPy: --unseen, --min-kept, masks as NPY,
# --distinct; and what a run remembers of its flags and inputs.
# SPDX-License-Identifier: MIT
import json
import math

from kit import *

space = ref.preset("voc2012")
rng = np.random.default_rng(8)
SEEN = set(range(0, 15))  # six classes never occur in the real set
tool, good, _ = commands(tap.path())
L = ["--labels", "voc2012"]


def make(folder, count, present, shape=(31, 45)):
    """{stem: (mask, loss)}; masks as PNG, and as NPY of many types in another folder."""
    found = {}
    for i in range(count):
        mask = random_mask(rng, space, shape, present)
        loss = random_loss(rng, space, mask)
        found[f"m{i}"] = (mask, loss)
        dtype = (np.uint8, np.uint16, np.int16, np.int32, np.int64, ">i4")[i % 6]
        write(tap.path(folder, "png", f"m{i}.png"), png(mask))
        write(tap.path(folder, "npy", f"m{i}.npy"), npy(mask.astype(dtype)))
        write(tap.path(folder, "losses", f"m{i}.npy"), npy(loss))
    return found


real, synthetic = make("real", 6, SEEN), make("syn", 7, None)
means, pixels = ref.class_means(space, list(real.values()))
good("stats", "stats", *L, "--masks", "real/png", "--losses", "real/losses", "-o", "s.json")
FILTER = ["filter", "--stats", "s.json", *L, "--losses", "syn/losses"]


def masks_are(folder, expected, name):
    found = {stem: Png(read(tap.path(folder, "masks", stem + ".png"))).pixels for stem in expected}
    bad = [stem for stem, mask in expected.items() if not np.array_equal(found[stem], mask)]
    tap.equal(bad, [], name)


# ---- --unseen ---------------------------------------------------------------------------------------
paper = ref.thresholds(means)
total = math.fsum(float(x) for mask, loss in real.values() for x in loss[space.to_classes(mask) >= 0])
overall = np.float32(1.25 * (total / int(pixels.sum())))
unseen = pixels == 0
tap.ok(6 <= unseen.sum() < space.classes, "the real set lacks classes", pixels)
limits = {"drop": paper, "keep": np.where(unseen, np.float32(np.inf), paper), "global-mean": np.where(unseen, overall, paper)}
results = {}
for way, limit in limits.items():
    good(f"filter --unseen {way}", *FILTER, "--masks", "syn/png", "--unseen", way, "-o", f"out-{way}")
    results[way] = {stem: ref.filter_mask(space, mask, loss, limit)[0] for stem, (mask, loss) in synthetic.items()}
    masks_are(f"out-{way}", results[way], f"--unseen {way}: the masks")
    tap.equal(json.loads(read(tap.path(f"out-{way}", "filter.json")))["unseen"], way, f"--unseen {way} is remembered")
tap.ok(all(any(not np.array_equal(results[a][stem], results[b][stem]) for stem in synthetic)
           for a, b in (("drop", "keep"), ("drop", "global-mean"), ("keep", "global-mean"))), "the three differ")
result = tool(*FILTER, "--masks", "syn/png", "--unseen", "other", "-o", "out-none")
tap.ok(result.code == 2 and "global-mean" in result.err, "no such way", result)

# ---- --min-kept -----------------------------------------------------------------------------------------


def with_floor(mask, loss, share):
    """Per class: the threshold rises to the smallest loss that keeps enough of its pixels."""
    classes = space.to_classes(mask)
    out = mask.copy()
    for k in np.unique(classes[classes >= 0]):
        mine = classes == k
        sorted_losses = np.sort(ref.as_float32(loss)[mine])
        need = math.ceil(share * len(sorted_losses))
        limit = max(paper[k], sorted_losses[need - 1]) if need else paper[k]
        out[mine & (ref.as_float32(loss) > limit)] = space.written
    return out


for share in (0.5, 0.9, 1.0):
    good(f"filter --min-kept {share}", *FILTER, "--masks", "syn/png", "--min-kept", share, "-o", f"floor-{share}")
    expected = {stem: with_floor(mask, loss, share) for stem, (mask, loss) in synthetic.items()}
    masks_are(f"floor-{share}", expected, f"--min-kept {share}: the masks")
    tap.ok(share == 1.0 or any(not np.array_equal(expected[stem], results["drop"][stem]) for stem in synthetic),
           f"--min-kept {share} matters")
masks_are("floor-1.0", {stem: mask for stem, (mask, _) in synthetic.items()}, "--min-kept 1 keeps all")

# ---- Masks as NPY -----------------------------------------------------------------------------------------
good("stats of NPY masks", "stats", *L, "--masks", "real/npy", "--losses", "real/losses", "-o", "n.json")
tap.equal(read(tap.path("n.json")), read(tap.path("s.json")), "NPY masks: the same statistics")
good("filter of NPY masks", *FILTER, "--masks", "syn/npy", "-o", "out-npy")
masks_are("out-npy", results["drop"], "NPY masks: the same masks, as PNG")
tap.equal(read(tap.path("out-npy/filter.csv")), read(tap.path("out-drop/filter.csv")), "NPY masks: the same counts")
good("hardness", "hardness", "--stats", "s.json", *L, "--masks", "real/png", "-o", "h.csv")
good("hardness of NPY masks", "hardness", "--stats", "s.json", *L, "--masks", "real/npy", "-o", "hn.csv")
tap.equal(read(tap.path("hn.csv")), read(tap.path("h.csv")), "NPY masks: the same hardness")
good("check of NPY masks", "check", *L, "--masks", "real/npy", "--losses", "real/losses")
both = tap.path("both")
shutil.copytree(tap.path("real/png"), both)
shutil.copy(tap.path("real/npy/m0.npy"), both)
result = tool("check", *L, "--masks", "both")
tap.ok(result.code == 3 and "m0.npy" in result.err and "m0.png" in result.err, "a mask as PNG and as NPY", result)

# ---- merge --distinct -----------------------------------------------------------------------------------
second = make("second", 6, SEEN)  # other masks of the same names
good("stats of a second set", "stats", *L, "--masks", "second/png", "--losses", "second/losses", "-o", "t.json")
result = tool("merge", "-o", "sum.json", "s.json", "t.json")
tap.ok(result.code == 3 and "--distinct" in result.err and not os.path.exists(tap.path("sum.json")),
       "sets of the same names are taken for one", result)
good("merge --distinct", "merge", "--distinct", "-o", "sum.json", "s.json", "t.json")
merged = json.loads(read(tap.path("sum.json")))
joint, counts = ref.class_means(space, [*real.values(), *second.values()])
tap.ok(all(same_bits(c["mean_loss"], joint[c["index"]]) and c["pixels"] == counts[c["index"]] for c in merged["classes"])
       and merged["images"] == 12 and len(merged["sets"]) == 2, "the sum is that of both")
good("merge --distinct, other order", "merge", "--distinct", "-o", "sum2.json", "t.json", "s.json")
tap.equal(read(tap.path("sum2.json")), read(tap.path("sum.json")), "whatever the order")
third = make("third", 6, SEEN)
good("stats of a third set", "stats", *L, "--masks", "third/png", "--losses", "third/losses", "-o", "u.json")
good("merge --distinct of a sum", "merge", "--distinct", "-o", "sum4.json", "sum.json", "u.json")
good("all at once", "merge", "--distinct", "-o", "sum5.json", "u.json", "s.json", "t.json")
tap.equal(read(tap.path("sum5.json")), read(tap.path("sum4.json")), "is the same as one by one")
tap.equal(len({item["identity"] for item in json.loads(read(tap.path("sum5.json")))["sets"]}), 3, "three sets")
shutil.copy(tap.path("s.json"), tap.path("copy.json"))
result = tool("merge", "--distinct", "-o", "none.json", "s.json", "copy.json")
tap.ok(result.code == 3 and "same numbers" in result.err, "a copy is not distinct", result)
for i in range(2):
    for name, folder in (("s", "real"), ("t", "second")):
        good(f"shard {i} of {folder}", "stats", *L, "--masks", f"{folder}/png", "--losses", f"{folder}/losses",
             "--shard", f"{i}/2", "-o", f"{name}{i}.json")
result = tool("merge", "--distinct", "-o", "none.json", "s0.json", "s1.json", "t0.json", "t1.json")
tap.ok(result.code == 3 and "same shard" in result.err, "shards of two such sets are merged apart", result)
good("merge of shards", "merge", "-o", "whole.json", "s0.json", "s1.json")
good("then of the whole", "merge", "--distinct", "-o", "sum3.json", "whole.json", "t.json")
tap.equal(read(tap.path("sum3.json")), read(tap.path("sum.json")), "is the same")

# ---- What a run remembers ---------------------------------------------------------------------------------
write(tap.path("own.csv"), labels_csv(space))
for labels in ("voc2012", "own.csv"):
    for flags, resize in (([], "512x512"), (["--resize", "64x32"], "64x32"), (["--resize", "none"], "none")):
        out = f"run-{labels}-{resize}"
        good(f"run {labels} {' '.join(flags)}", "run", "--labels", labels, "--real-masks", "real/png", "--real-losses", "real/losses",
             "--synthetic-masks", "syn/png", "--synthetic-losses", "syn/losses", "--n-max", "3", *flags, "-o", out)
        tap.equal(json.loads(read(tap.path(out, "run.json")))["resize"], resize, f"{out}: run.json has --resize")
        page = read(tap.path(out, "report.html")).decode()
        tap.equal(f"--resize {resize}" in page, resize != "512x512", f"{out}: the page's command has it where it matters")

os.makedirs(tap.path("elsewhere/deep"))
for labels in ("voc2012", "own.csv"):
    out = f"run-{labels}-none"
    before = read(tap.path(out, "report.html")).decode()
    good(f"report of {out} from elsewhere", "report", f"../../{out}", cwd=tap.path("elsewhere/deep"))
    again = read(tap.path(out, "report.html")).decode()
    pictures = before.count("<img ")
    tap.ok(pictures > 0 and again.count("<img ") == pictures, f"{out}: the page has its {pictures} pictures from any folder",
           again.count("<img "))
os.makedirs(tap.path("moved"))
for name in ("real", "syn", "own.csv", "run-own.csv-none"):
    shutil.move(tap.path(name), tap.path("moved"))
good("report of a folder that moved with its inputs", "report", "moved/run-own.csv-none")
tap.ok(read(tap.path("moved/run-own.csv-none/report.html")).decode().count("<img ") == pictures, "has them still")
paths = json.loads(read(tap.path("moved/run-own.csv-none/filter.json")))
tap.equal([paths[key] for key in ("masks", "losses", "labels_source", "stats", "images")],
          ["../syn/png", "../syn/losses", "../own.csv", "./stats.json", None], "paths begin at the folder of their file")

tap.done()
