#!/usr/bin/env python3
# cli/test_filter_policies.py - quantile, strata and paired from end to end, against NumPy.
# SPDX-License-Identifier: MIT
"""The truth is golden/score_reference.py; thresholds are the real scores' quantiles."""
import json
import shutil

from kit import *
from score_reference import Ranks, boundary_strata

space = ref.preset("camvid")
rng = np.random.default_rng(77)
ROOT = tap.path("world")
SHAPE = (40, 56)
REAL, MADE = {}, {}
for i in range(6):
    mask = random_mask(rng, space, SHAPE)
    REAL[f"{i % 2}/m{i}"] = mask, random_loss(rng, space, mask)
    for seed in (42, 43):
        loss = random_loss(rng, space, mask) * np.float32(1.5)
        loss[:20] = REAL[f"{i % 2}/m{i}"][1][:20]  # as hard as on the real image
        MADE[f"{i % 2}/m{i}_seed_{seed}"] = mask, loss
for folder, images in (("real", REAL), ("made", MADE)):
    for name, (mask, loss) in images.items():
        write(f"{ROOT}/{folder}/masks/{name}.png", png(mask))
        write(f"{ROOT}/{folder}/losses/{name}.npy", npy(loss))


tool, good, _ = commands(ROOT)
LABELS = ["--labels", space.name]
STATS = ["stats", *LABELS, "--masks", "real/masks", "--losses", "real/losses"]
FILTER = ["filter", *LABELS, "--masks", "made/masks", "--losses", "made/losses"]
PAIRED = ["--real-masks", "real/masks", "--real-losses", "real/losses"]


# ---- The truth ------------------------------------------------------------------------------------

CLASSES = space.classes


def classes_of(mask):
    classes = space.to_classes(mask)
    return np.where(classes < 0, CLASSES, classes)


def images(which, strata):
    return [(classes_of(m), lo, boundary_strata(m) if strata else None) for m, lo in which.values()]


def scores_of(policy):
    """Real scores and synthetic ones by name."""
    if policy == "quantile":
        return ([(k, lo) for k, lo, _ in images(REAL, False)],
                {name: lo for name, (_, lo) in MADE.items()})
    strata = policy == "strata"
    real = images(REAL, strata)
    ranks = Ranks(real, CLASSES, 8 if strata else 1)
    made = {}
    for (name, (_, loss)), image in zip(MADE.items(), images(MADE, strata)):
        reference = REAL[name[:-8]][1] if policy == "paired" else None
        made[name] = ranks.scores(image[0], loss, image[2], reference)
    return [(k, ranks.scores(k, lo, s)) for k, lo, s in real], made


def check_masks(folder, policy, share, name):
    """Thresholds within a bin of the quantile, and masks that are dropped above just those."""
    real, made = scores_of(policy)
    manifest = json.loads(read(f"{ROOT}/{folder}/filter.json"))
    tap.equal((manifest["policy"], manifest["real_share"], "tolerance" in manifest), (policy, share, False),
              f"{name}: filter.json says the policy")
    thresholds = np.array([row["threshold"] for row in manifest["classes"]] + [0], np.float32)
    worst = 0
    for k in range(CLASSES):
        values = np.concatenate([scores[classes == k] for classes, scores in real]).astype(np.float64)
        if len(values):
            exact = np.quantile(values, 1 - share)
            worst = max(worst, abs(thresholds[k] - exact) / (exact / 30 + .03))
    tap.ok(worst < 1, f"{name}: thresholds are the real scores' quantiles", worst)
    for stem, (mask, _) in MADE.items():
        classes = classes_of(mask)
        with np.errstate(invalid="ignore"):
            dropped = (classes < CLASSES) & (made[stem] > thresholds[classes])
        got = Png(read(f"{ROOT}/{folder}/masks/{stem}.png")).pixels
        if not np.array_equal(got, np.where(dropped, space.ignored_labels()[0], mask)):
            return tap.ok(False, f"{name}: masks", stem)
    return tap.ok(True, f"{name}: masks are dropped above them, pixel by pixel")


# ---- Each policy ------------------------------------------------------------------------------------

for policy in ("quantile", "strata", "paired"):
    good(f"stats --policy {policy}", *STATS, "--policy", policy, "-o", f"{policy}.json")
    more = PAIRED if policy == "paired" else []
    which = ["--policy", "quantile"] if policy == "quantile" else []
    result = good(f"filter by {policy}", *FILTER, *more, *which, "--stats", f"{policy}.json", "-o", policy)
    tap.ok(policy in result.out and "5 % of real pixels" in result.out, f"{policy}: the summary says it", result)
    check_masks(policy, policy, .05, policy)
    good(f"filter by {policy} to train on", *FILTER, *more, *which, "--stats", f"{policy}.json", "--use", "train",
         "-o", f"{policy}-train")
    check_masks(f"{policy}-train", policy, .3, f"{policy} --use train")
good("filter with a share", *FILTER, *PAIRED, "--stats", "paired.json", "--real-share", ".12", "-o", "share")
check_masks("share", "paired", .12, "--real-share")

# ---- References in a byte a pixel -----------------------------------------------------------------------

good("stats --references", *STATS, "--policy", "paired", "--references", "codes", "-o", "coded.json")
tap.equal(read(f"{ROOT}/coded.json"), read(f"{ROOT}/paired.json"), "the statistics are the same")
truth = Ranks(images(REAL, False), CLASSES)
MOST = int(np.floor(-np.log(.002) * 4096 + .5))
for name, (mask, loss) in REAL.items():
    classes = classes_of(mask)
    steps = np.clip(truth.table(classes, loss, None)[0], 0, MOST)
    codes = np.where(classes < CLASSES, (steps * 255 + MOST // 2) // MOST, 0)
    if not np.array_equal(Png(read(f"{ROOT}/codes/{name}.png")).pixels, codes):
        tap.ok(False, "codes are ranks in 255 parts", name)
        break
else:
    tap.ok(True, "codes are ranks in 255 parts")
good("filter --references", *FILTER, "--references", "codes", "--stats", "paired.json", "-o", "by-codes")
differ, everything = 0, 0
for stem in MADE:
    a, b = (Png(read(f"{ROOT}/{folder}/masks/{stem}.png")).pixels for folder in ("paired", "by-codes"))
    differ, everything = differ + (a != b).sum(), everything + a.size
tap.ok(differ < .01 * everything, "masks are those by loss maps, nearly", (differ, everything))
good("the same again", *FILTER, "--references", "codes", "--stats", "paired.json", "-o", "by-codes", "--resume")
good("references of the same statistics are written again", *STATS, "--policy", "paired", "--references", "codes",
     "-o", "coded.json")
for name, words, *arguments in [
        ("--references goes with paired", "--references goes with --policy paired", *STATS, "--policy", "strata", "--references",
         "other", "-o", "x.json"),
        ("of a shard in the second pass", "with --ranks", *STATS, "--policy", "paired", "--shard", "0/2", "--references", "other",
         "-o", "x.json"),
        ("a folder of something else stays", "something else", *STATS, "--policy", "paired", "--references", "share",
         "-o", "x.json"),
        ("an input folder stays", "separate folder", *STATS, "--policy", "paired", "--references", "real/losses/0",
         "-o", "x.json"),
        ("real masks and references", "both given", *FILTER, *PAIRED, "--references", "codes", "--stats", "paired.json", "-o", "x"),
        ("references of another policy", "--references goes with --policy paired", *FILTER, "--references", "codes", "--stats",
         "strata.json", "-o", "x"),
        ("a folder without references", "references.json", *FILTER, "--references", "made/losses", "--stats", "paired.json",
         "-o", "x")]:
    result = tool(*arguments)
    tap.ok(result.code and words in result.err, name, result)

# What a run that was killed left: the next one goes on, and removes it; a shard only what was its own, since others may be writing.
PART = f".{dead_process()}-7ffd6df13670-0.fm-part"


def killed(folder, begun):
    """A folder of references as it was when references.json was being written, or, later, codes."""
    write(f"{ROOT}/{folder}/references.json{'' if begun else PART}", read(f"{ROOT}/codes/references.json"))
    for name in REAL if begun else ():
        write(f"{ROOT}/{folder}/{name}.png{PART}", b"half")


def left_parts(folder):
    return {name.split(".")[0] for name in tree(f"{ROOT}/{folder}") if name.endswith(".fm-part")}


write(f"{ROOT}/share/masks/x.png{PART}", b"half")
result = tool(*STATS, "--policy", "paired", "--references", "share", "-o", "x.json")
tap.ok(result.code == 2 and os.path.exists(f"{ROOT}/share/masks/x.png{PART}"), "what others left in a folder of theirs stays", result)
for folder, begun in (("killed-early", False), ("killed-late", True)):
    killed(folder, begun)
    good(f"{folder}: references", *STATS, "--policy", "paired", "--references", folder, "-o", "coded.json")
    tap.ok(tree(f"{ROOT}/{folder}") == tree(f"{ROOT}/codes"), f"{folder}: nothing of it is left", list(tree(f"{ROOT}/{folder}")))
for i in range(2):
    good(f"losses of shard {i}", *STATS, "--policy", "paired", "--shard", f"{i}/2", "-o", f"losses{i}.json")
good("of both", "merge", "losses0.json", "losses1.json", "-o", "losses.json")
killed("killed-shards", True)
for i in range(2):
    good(f"references of shard {i}, where both were killed", *STATS, "--policy", "paired", "--shard", f"{i}/2", "--ranks", "losses.json",
         "--references", "killed-shards", "-o", f"scores{i}.json")
    written = {name for name in REAL if os.path.exists(f"{ROOT}/killed-shards/{name}.png")}
    tap.equal(left_parts("killed-shards"), set(REAL) - written, f"shard {i} removes what was its own")
tap.ok(tree(f"{ROOT}/killed-shards") == tree(f"{ROOT}/codes"), "both have written what one run writes", list(tree(f"{ROOT}/killed-shards")))
shutil.copytree(f"{ROOT}/real/masks/0", f"{ROOT}/half/masks/0")
shutil.copytree(f"{ROOT}/real/losses/0", f"{ROOT}/half/losses/0")
good("statistics of half the set", "stats", *LABELS, "--masks", "half/masks", "--losses", "half/losses", "--policy", "paired",
     "--references", "half/codes", "-o", "half.json")
result = tool(*FILTER, "--references", "half/codes", "--stats", "paired.json", "-o", "x")
tap.ok(result.code == 3 and "other statistics than paired.json" in result.err, "references of other statistics are refused", result)
result = tool(*FILTER, "--references", "half/codes", "--stats", "half.json", "-o", "x")
tap.ok(result.code == 3 and "--allow-unpaired" in result.err, "a mask without a reference is named", result)
good("unless it is allowed", *FILTER, "--references", "half/codes", "--stats", "half.json", "--allow-unpaired", "-o", "x")

result = good("paper with a histogram's statistics", *FILTER, "--stats", "quantile.json", "-o", "paper")
tap.equal(json.loads(read(f"{ROOT}/paper/filter.json"))["policy"], "paper", "statistics of losses: the default is the paper's")

# ---- Hardness and page look at losses ------------------------------------------------------------------

good("stats as in the paper", *STATS, "-o", "losses.json")
for name in ("losses", "paired"):
    good(f"hardness by {name}.json", "hardness", *LABELS, "--masks", "real/masks", "--stats", f"{name}.json", "-o",
         f"{name}.csv")
tap.equal(read(f"{ROOT}/paired.csv"), read(f"{ROOT}/losses.csv"), "hardness is of losses, whatever the statistics are for")

# ---- Shards -------------------------------------------------------------------------------------------

for policy in ("paired", "strata"):
    shards = [f"{i}/3" for i in range(3)]
    for i, shard in enumerate(shards):
        result = tool(*STATS, "--policy", policy, "--shard", shard, "-o", f"first{i}.json")
    tap.ok(result.code == 0 and "--ranks" in result.out, f"{policy}: a shard says what comes next", result)
    tool("merge", "first1.json", "first0.json", "first2.json", "-o", "ranks.json")
    for i, shard in enumerate(shards):
        result = tool(*STATS, "--policy", policy, "--shard", shard, "--ranks", "ranks.json", "-o", f"second{i}.json")
        tap.ok(result.code == 0, f"{policy}: shard {shard} of the second pass", result)
    tool("merge", "second2.json", "second0.json", "second1.json", "-o", "merged.json")
    tap.equal(read(f"{ROOT}/merged.json"), read(f"{ROOT}/{policy}.json"), f"{policy}: shards are merged to the same bytes")
result = tool(*FILTER, *PAIRED, "--stats", "ranks.json", "--policy", "paired", "-o", "no")
tap.ok(result.code == 3 and "--policy paired" in result.err, "losses' statistics are refused by paired", result)
result = tool("merge", "second0.json", "first1.json", "second2.json", "-o", "no.json")
tap.ok(result.code == 3, "scores and losses are not merged", result)

# ---- run --------------------------------------------------------------------------------------------

RUN = ["run", *LABELS, "--real-masks", "real/masks", "--real-losses", "real/losses", "--synthetic-masks", "made/masks",
       "--synthetic-losses", "made/losses", "--policy", "paired", "-o", "run"]
good("run --policy paired", *RUN)
for stem in MADE:
    same = read(f"{ROOT}/run/masks/{stem}.png") == read(f"{ROOT}/paired/masks/{stem}.png")
    if not same:
        break
tap.ok(same, "run: the masks are filter's", stem)
page = read(f"{ROOT}/run/report.html").decode()
tap.ok("--policy paired --real-share 0.05" in page and "the real image of the same mask" in page, "run: the page says the policy")
good("run --resume of a finished run", *RUN, "--resume")

CODED = [*RUN[:-1], "coded-run", "--references", "run-codes"]
good("run --references", *CODED)
tap.equal(tree(f"{ROOT}/run-codes"), tree(f"{ROOT}/codes"), "run: references are those of stats")
tap.equal({name: data for name, data in tree(f"{ROOT}/coded-run").items() if name.startswith("masks/")},
          {name: data for name, data in tree(f"{ROOT}/by-codes").items() if name.startswith("masks/")}, "run: the masks are those by references")
tap.ok(b"--references ./run-codes" in read(f"{ROOT}/coded-run/report.html"), "run: the page says the references")
before = tree(f"{ROOT}/coded-run")
good("run --references --resume", *CODED, "--resume")
tap.equal(tree(f"{ROOT}/coded-run"), before, "changes nothing")
good("run --references --overwrite", *CODED, "--overwrite")
tap.equal(tree(f"{ROOT}/coded-run"), before, "the same again")
for name, words, *arguments in [
        ("run: references of another policy", "--references goes with --policy paired", *RUN[:RUN.index("--policy")], "-o", "no-run", "--references", "y"),
        ("run: without the references", "--references", *RUN, "--resume", "--references", "run-codes"),
        ("run: references where masks are written", "of their own", *RUN[:-1], "no-run", "--references", "./no-run/masks/codes"),
        ("run: references where all is written", "of their own", *RUN[:-1], "no-run", "--references", "no-run/")]:
    result = tool(*arguments)
    tap.ok(result.code == 2 and words in result.err and not os.path.exists(f"{ROOT}/no-run"), name, result)

good("hardness by shape", "hardness", *LABELS, "--masks", "real/masks", "--shape", "-o", "shape.csv")
good("run --shape", *RUN[:-1], "shape-run", "--shape")
tap.equal(read(f"{ROOT}/shape-run/hardness.csv"), read(f"{ROOT}/shape.csv"), "run: hardness is that by shape")
page = read(f"{ROOT}/shape-run/report.html")
tap.ok(b" --shape" in page and b"hardness, by shape" in page, "run: and the page says so")
good("run --shape --resume", *RUN[:-1], "shape-run", "--shape", "--resume")
for more in (["--resume"], ["--shape", "--resize", "32x32", "--resume"]):
    result = tool(*RUN[:-1], "shape-run", *more)
    tap.ok(result.code == 2 and "--shape" in result.err, f"run {more}: refused", result)
mask, loss = REAL["0/m0"]
write(f"{ROOT}/real/losses/0/m0.npy", npy(loss * np.float32(1.1)))
result = tool(*FILTER, *PAIRED, "--stats", "paired.json", "--resume", "-o", "paired")
tap.ok(result.code == 2 and "real/losses/0/m0.npy" in result.err, "--resume: another reference is seen", result)
write(f"{ROOT}/real/losses/0/m0.npy", npy(loss))
good("--resume: the same reference again", *FILTER, *PAIRED, "--stats", "paired.json", "--resume", "-o", "paired")
result = tool(*RUN[:RUN.index("--policy")], "-o", "no-run", "--shape", "--shard", "0/2")
tap.ok(result.code == 2 and "--shape and --shard" in result.err, "run: shapes of a shard are refused", result)

# ---- References of other sizes, and none ----------------------------------------------------------------

shutil.copytree(f"{ROOT}/real", f"{ROOT}/large")
for name, (mask, loss) in REAL.items():
    write(f"{ROOT}/large/masks/{name}.png", png(np.kron(mask, np.ones((2, 2), int))))
    write(f"{ROOT}/large/losses/{name}.npy", npy(np.kron(loss, np.ones((2, 2), np.float32))))
good("references of twice the size", *FILTER, "--real-masks", "large/masks", "--real-losses", "large/losses", "--stats",
     "paired.json", "-o", "larger")
check_masks("larger", "paired", .05, "references of twice the size")
write(f"{ROOT}/made/masks/odd.png", png(mask))
write(f"{ROOT}/made/losses/odd.npy", npy(loss))
result = tool(*FILTER, *PAIRED, "--stats", "paired.json", "-o", "no")
tap.ok(result.code == 3 and "odd.png" in result.err and "--allow-unpaired" in result.err, "a mask without a real one is named", result)
result = good("--allow-unpaired", *FILTER, *PAIRED, "--stats", "paired.json", "--allow-unpaired", "-o", "unpaired")
tap.ok("1 masks have no real one" in result.out, "--allow-unpaired: the summary counts them", result)
tap.equal(json.loads(read(f"{ROOT}/unpaired/filter.json"))["unpaired"], 1, "--allow-unpaired: filter.json counts them")
tap.equal(read(f"{ROOT}/unpaired/masks/0/m0_seed_42.png"), read(f"{ROOT}/paired/masks/0/m0_seed_42.png"),
          "--allow-unpaired: pairs are judged as ever")
good("report on it", "report", "unpaired", "-q")
page = read(f"{ROOT}/unpaired/report.html").decode()
tap.ok("1 of 13 masks have no real image" in page and "1 of 13 masks</dd>" in page, "the page says that a mask has no real one")
tap.ok("<dd>real/masks</dd>" in page and "<dd>made/masks</dd>" in page and "../" not in page.partition("How it was made")[2],
       "the page's paths do not go down and up again")
os.makedirs(f"{ROOT}/far/away")
shutil.copytree(f"{ROOT}/unpaired", f"{ROOT}/far/away/copy")
os.symlink("far/away/copy", f"{ROOT}/link")
good("report by way of a link", "report", "link", "-q")
page = read(f"{ROOT}/far/away/copy/report.html").decode()
tap.ok("<dd>link/../real/masks</dd>" in page, "behind a link they stay, since what is above it is elsewhere")

# ---- What does not go together ---------------------------------------------------------------------------

for words, code, text in [
        ("--stats paired.json", 2, "--real-masks"), ("--stats losses.json --policy quantile", 3, "--policy quantile"),
        ("--stats paired.json --policy paper", 3, "--policy paper"),
        ("--stats losses.json --real-share .1", 2, "--real-share"), ("--stats losses.json --use train", 2, "--use"),
        ("--stats strata.json --tolerance 2", 2, "--tolerance"),
        ("--stats strata.json --real-masks real/masks --real-losses real/losses", 2, "--real-masks"),
        ("--stats losses.json --real-losses real/losses", 2, "--real-masks"),
        ("--stats strata.json --strata made/masks", 2, "--strata"),
        ("--stats quantile.json --policy quantile --unseen global-mean", 2, "--unseen"),
        ("--stats quantile.json --policy best", 2, "expected one of paper, quantile, strata, paired")]:
    result = tool(*FILTER, *words.split(), "-o", "no")
    tap.ok(result.code == code and text in result.err, f"refused: {words}", result)
for words, text in [("--policy paper --ranks losses.json", "--ranks"), ("--policy paired --ranks paired.json", "of a score"),
                    ("--policy paired --ranks losses.json", "was not made for"),
                    ("--policy strata --ranks quantile.json", "was not made for"),
                    ("--policy strata --strata real/masks --strata-count 2", "--strata")]:
    result = tool(*STATS, *words.split(), "-o", "no.json")
    tap.ok(result.code in (2, 3) and text in result.err, f"refused: stats {words}", result)
text = json.loads(read(f"{ROOT}/paired.json"))
for name, change in [("no ranks", lambda s: s.pop("ranks")), ("another score", lambda s: s.update(score="odds")),
                     ("ranks of a score", lambda s: s["ranks"].update(score="rank")),
                     ("a changed rank", lambda s: s["ranks"]["classes"][0].update(words="+500 9 +537"))]:
    broken = json.loads(json.dumps(text))
    change(broken)
    write(f"{ROOT}/broken.json", json.dumps(broken).encode())
    result = tool(*FILTER, *PAIRED, "--stats", "broken.json", "-o", "no")
    tap.ok(result.code == 3 and "broken.json" in result.err, f"statistics with {name} are refused", result)
tap.done()
