#!/usr/bin/env python3
# cli/test_agreement.py - whether synthetic images are hard at the places where their real ones are, against NumPy.
# SPDX-License-Identifier: MIT
"""Worlds of loss fields: smooth, by rho like the real image's, in one of them with regions that are wrong. The sums are
golden/score_reference.py's, the correlation is of exact ranks."""
import json
import shutil

from kit import *
from score_reference import Ranks, bins_of

K, SHAPE, GRID, LOW, FAR = 3, (120, 160), 4, .4, .2
MOST_COUNTED = 292  # the rank of nine tenths, in steps of 2^-7
rng = np.random.default_rng(20)
ROOT = tap.path("world")
write(f"{ROOT}/labels.csv", ("label,class,name\n255,ignore,\n" + "".join(f"{k},{k},c{k}\n" for k in range(K))).encode())
WORLDS = {"alike": .85, "wrong": .85, "apart": .45, "unlike": 0}


def field():
    """Standard normal, rough and smooth."""
    total = rng.normal(size=SHAPE)
    for cells in ((30, 40), (12, 16), (6, 8)):
        total += 1.2 * np.kron(rng.normal(size=cells), np.ones((SHAPE[0] // cells[0], SHAPE[1] // cells[1])))
    return (total - total.mean()) / total.std()


REAL, MADE = {}, {name: {} for name in WORLDS}
for i in range(6):
    mask = np.kron(rng.integers(0, K, (3, 4)), np.ones((40, 40), int))
    mask[:6] = 255
    hard = field()
    REAL[f"m{i}"] = mask, np.exp(1.5 * hard - 2 + .5 * (mask % K)).astype(np.float32)
    for seed in (1, 2):
        own = field()
        for world, rho in WORLDS.items():
            loss = 1.2 * np.exp(1.5 * (rho * hard + (1 - rho**2)**.5 * own) - 2 + .5 * (mask % K))
            if world == "wrong":
                for _ in range(4):
                    y, x = rng.integers(SHAPE[0] - 30), rng.integers(SHAPE[1] - 40)
                    loss[y:y + 30, x:x + 40] = rng.uniform(2, 9, (30, 40))
            MADE[world][f"m{i}_seed_{seed}"] = mask, loss.astype(np.float32)
for folder, images in (("real", REAL), *MADE.items()):
    for name, (mask, loss) in images.items():
        write(f"{ROOT}/{folder}/masks/{name}.png", png(mask))
        write(f"{ROOT}/{folder}/losses/{name}.npy", npy(loss))
tool, good, _ = commands(ROOT)
LABELS = ["--labels", "labels.csv"]
good("stats", "stats", *LABELS, "--masks", "real/masks", "--losses", "real/losses", "--policy", "paired", "--references", "codes",
     "-o", "stats.json")


def command(world):
    return ["filter", *LABELS, "--masks", f"{world}/masks", "--losses", f"{world}/losses", "--stats", "stats.json", "--real-masks",
            "real/masks", "--real-losses", "real/losses"]


def sums_of(folder):
    return [numbers_of(c["agreement"]) for c in json.loads(read(f"{ROOT}/{folder}/filter.json"))["classes"]]


def classes_of(mask):
    return np.where(mask < K, mask, K)


RANKS = Ranks([(classes_of(mask), loss, None) for mask, loss in REAL.values()], K)


def wanted(world):
    """The sums, and the correlation within classes of ranks that no bin has rounded."""
    sums, exact = np.zeros((K, 6), int), []
    sorted_real = [np.sort(np.concatenate([loss[mask == k] for mask, loss in REAL.values()])) for k in range(K)]
    pairs = [[] for _ in range(K)]
    for name, (mask, loss) in MADE[world].items():
        mask, loss, real = (each[::GRID, ::GRID] for each in (mask, loss, REAL[name[:2]][1]))
        for k in range(K):
            x, y = (np.maximum(RANKS.own[k][bins_of(each[mask == k])], 0) >> 5 for each in (real, loss))
            x, y = x[y <= MOST_COUNTED], y[y <= MOST_COUNTED]
            sums[k] += [len(x), x.sum(), y.sum(), (x * x).sum(), (y * y).sum(), (x * y).sum()]
            pairs[k].append(np.stack([real[mask == k], loss[mask == k]]))
    spreads = np.zeros(3)
    for k in range(K):
        both = np.concatenate(pairs[k], 1)
        x, y = -np.log(1 - np.searchsorted(sorted_real[k], both) / len(sorted_real[k]) + .002)
        x, y = x[y <= 2.28], y[y <= 2.28]
        exact.append(np.corrcoef(x, y)[0, 1])
        spreads += len(x) * np.array([x.var(), y.var(), np.cov(x, y, bias=True)[0, 1]])
    return sums.tolist(), exact, spreads[2] / np.sqrt(spreads[0] * spreads[1])


# ---- The number, and what is said of it -----------------------------------------------------------------------

said = {}
for world in WORLDS:
    result = good(f"{world}: filter", *command(world), "-o", world + "-out", "-j1", "--json")
    numbers = said[world] = json.loads(result.out)["numbers"]
    sums, exact, of_all = wanted(world)
    tap.equal(sums_of(world + "-out"), sums, f"{world}: sums are NumPy's")
    tap.ok(abs(numbers["agreement"] - of_all) < .02 and
           all(abs(c["agreement"] - e) < .02 for c, e in zip(numbers["classes"], exact)), f"{world}: the correlation of exact ranks",
           (numbers["agreement"], of_all, exact))
    result = good(f"{world}: report", "report", world + "-out", "--json")
    tap.equal(json.loads(result.out)["numbers"], numbers, f"{world}: the report says the same")
    page = read(f"{ROOT}/{world}-out/report.html").decode()
    warned, advised = "not hard where their real ones are" in page, any("--policy strata" in advice for advice in numbers["advice"])
    tap.equal((warned, advised), (of_all < LOW, of_all < LOW), f"{world}: a warning and advice where it is low")
    tap.ok(f"<b>{numbers['agreement']:.2f}</b>" in page and ">Agreement</button>" in page, f"{world}: the number is on the page")
tap.ok(said["alike"]["agreement"] > LOW + .1 and said["wrong"]["agreement"] > LOW, "wrong regions alone raise no warning",
       (said["alike"]["agreement"], said["wrong"]["agreement"]))
tap.ok(said["unlike"]["agreement"] < FAR < said["apart"]["agreement"] < LOW, "both levels are tried",
       (said["unlike"]["agreement"], said["apart"]["agreement"]))
tap.equal([any("compare with --policy strata" in advice for advice in said[world]["advice"]) for world in WORLDS], [False, False, False, True],
          "far apart: strata may be better")
result = good("in words", *command("apart"), "-o", "words")
tap.ok("note: Synthetic images are not hard" in result.out and f"hard where the real images are: {said['apart']['agreement']:.2f}" in
       result.out, "the command says it, too", result)

# ---- Whatever the order -----------------------------------------------------------------------------------------

for world in ("alike", "apart"):
    before = read(f"{ROOT}/{world}-out/filter.json")
    good("four threads", *command(world), "-o", f"{world}-4", "-j4")
    tap.equal(read(f"{ROOT}/{world}-4/filter.json"), before, f"{world}: four threads, the same bytes")
    for i in range(3):
        good(f"shard {i}", *command(world), "-o", f"{world}-part{i}", "--shard", f"{i}/3")
    good("merge", "merge", *(f"{world}-part{i}" for i in (2, 0, 1)), "-o", f"{world}-merged")
    tap.equal(read(f"{ROOT}/{world}-merged/filter.json"), before, f"{world}: shards are merged to the same bytes")
    # as after a kill: the record becomes the journal, and three masks are gone
    os.remove(f"{ROOT}/{world}-4/filter.json")
    for name in list(MADE[world])[2:5]:
        os.remove(f"{ROOT}/{world}-4/masks/{name}.png")
    good("resume", *command(world), "-o", f"{world}-4", "-j2", "--resume")
    tap.equal(read(f"{ROOT}/{world}-4/filter.json"), before, f"{world}: a resumed run has counted all")
    good("resume a finished one", *command(world), "-o", f"{world}-4", "--resume")
    tap.equal(read(f"{ROOT}/{world}-4/filter.json"), before, f"{world}: a finished run keeps them")

# ---- References in a byte; masks without one; other policies ------------------------------------------------------

coded = [*command("apart")[:-4], "--references", "codes"]
result = good("by codes", *coded, "-o", "coded", "--json")
tap.ok(abs(json.loads(result.out)["numbers"]["agreement"] - said["apart"]["agreement"]) < .01, "codes give the same number, nearly")
shutil.copytree(f"{ROOT}/real", f"{ROOT}/fewer")
for i in (1, 4):
    os.remove(f"{ROOT}/fewer/masks/m{i}.png")
    os.remove(f"{ROOT}/fewer/losses/m{i}.npy")
good("some unpaired", *command("apart")[:-4], "--real-masks", "fewer/masks", "--real-losses", "fewer/losses", "--allow-unpaired",
     "-o", "unpaired")
for i in (1, 4):
    for seed in (1, 2):
        del MADE["apart"][f"m{i}_seed_{seed}"]
tap.equal(sums_of("unpaired"), wanted("apart")[0], "those without a reference are not counted")
good("paper: stats", "stats", *LABELS, "--masks", "real/masks", "--losses", "real/losses", "--histogram", "32", "-o", "paper.json")
result = good("paper", "filter", *LABELS, "--masks", "apart/masks", "--losses", "apart/losses", "--stats", "paper.json", "-o", "paper", "--json")
tap.ok(json.loads(result.out)["numbers"]["agreement"] is None and
       all(c["agreement"] is None for c in json.loads(read(f"{ROOT}/paper/filter.json"))["classes"]), "no references, no number")
tap.ok("Agreement" not in read(good("its report", "report", "paper", "-o", "paper.html") and f"{ROOT}/paper.html").decode(), "and no column")

# ---- Files ----------------------------------------------------------------------------------------------------------

for i in range(3):  # what was written before there was the member
    old = json.loads(read(f"{ROOT}/apart-part{i}/filter.json"))
    for row in old["classes"]:
        del row["agreement"]
    write(f"{ROOT}/apart-part{i}/filter.json", json.dumps(old).encode())
    for order in ((0, 1, 2), (2, 1, 0)):
        good("old shards merge", "merge", *(f"apart-part{part}" for part in order), "-o", "old", *(["--overwrite"] if os.path.exists(f"{ROOT}/old") else []))
        result = good("what was merged is reported", "report", "old", "--json")
        tap.ok(json.loads(result.out)["numbers"]["agreement"] is None, f"{i + 1} old ones of three shards, {order}: no number")
whole = json.loads(read(f"{ROOT}/words/filter.json"))
n, x, y, xx, yy, xy = sums_of("words")[0]
for name, damaged in (("six", f"{n} {x} {y} {xx} {yy}"), ("a string", [n, x, y, xx, yy, xy]), ("pixels", f"{10**7} {x} {y} {xx} {yy} {xy}"),
                      ("x", f"{n} {n * 1024} {y} {xx} {yy} {xy}"), ("y", f"{n} {x} {n * 300} {xx} {yy} {xy}"),
                      ("xx", f"{n} {x} {y} {x * 1024} {yy} {xy}"), ("yy", f"{n} {x} {y} {xx} {y * 300} {xy}"),
                      ("xy", f"{n} {x} {y} {xx} {yy} {x * 300}")):
    broken = json.loads(json.dumps(whole))
    broken["classes"][0]["agreement"] = damaged
    write(f"{ROOT}/bad/filter.json", json.dumps(broken).encode())
    result = tool("report", "bad")
    tap.ok(result.code == 3 and '"agreement" of class 0' in result.err, f"broken: {name}", result)
tap.done()
