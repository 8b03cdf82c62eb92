#!/usr/bin/env python3
# cli/test_siblings.py - --policy paired --siblings from end to end, against NumPy.
# SPDX-License-Identifier: MIT
"""The truth is golden/score_reference.py. A mask's result depends on its siblings' losses, too: --resume has to know."""
import json
import re
import shutil
import time

from kit import *
from PIL import Image  # noqa: E402 - kit says what is missing
from score_reference import Ranks

space = ref.preset("camvid")
rng = np.random.default_rng(78)
ROOT = tap.path("world")
SHAPE = (40, 56)
SEEDS = {"0/a": (42, 43, 7), "0/b": (42, 43), "1/c": (42,), "z/last": (1, 42)}  # c has no sibling
REAL, MADE = {}, {}
for name, seeds in SEEDS.items():
    mask = random_mask(rng, space, SHAPE)
    REAL[name] = mask, random_loss(rng, space, mask)
    hard = random_loss(rng, space, mask)
    for seed in seeds:
        loss = random_loss(rng, space, mask) * np.float32(1.5)
        loss[:20] = np.where(rng.random((20, 56)) < .8, hard[:20], loss[:20])  # hard for the generator, not on the real image
        MADE[name, seed] = mask, loss


def stem_of(name, seed):
    return f"{name}_seed_{seed}"


def write_loss(name, seed, loss):
    write(f"{ROOT}/made/losses/{stem_of(name, seed)}.npy", npy(loss))


for name, (mask, loss) in REAL.items():
    write(f"{ROOT}/real/masks/{name}.png", png(mask))
    write(f"{ROOT}/real/losses/{name}.npy", npy(loss))
for (name, seed), (mask, loss) in MADE.items():
    write(f"{ROOT}/made/masks/{stem_of(name, seed)}.png", png(mask))
    write_loss(name, seed, loss)

tool, good, _ = commands(ROOT)
LABELS = ["--labels", space.name]
FILTER = ["filter", *LABELS, "--masks", "made/masks", "--losses", "made/losses", "--stats", "paired.json"]
PAIRED = ["--real-masks", "real/masks", "--real-losses", "real/losses"]
good("stats", "stats", *LABELS, "--masks", "real/masks", "--losses", "real/losses", "--policy", "paired", "--references", "codes",
     "-o", "paired.json")

# ---- The truth --------------------------------------------------------------------------------------


def classes_of(mask):
    classes = space.to_classes(mask)
    return np.where(classes < 0, space.classes, classes)


RANKS = Ranks([(classes_of(mask), loss, None) for mask, loss in REAL.values()], space.classes)


def expected(folder, siblings):
    """The masks by the thresholds in filter.json."""
    manifest = json.loads(read(f"{ROOT}/{folder}/filter.json"))
    thresholds = np.array([row["threshold"] for row in manifest["classes"]] + [0], np.float32)
    out = {}
    for (name, seed), (mask, loss) in MADE.items():
        classes = classes_of(mask)
        others = [MADE[name, other][1] for other in sorted(SEEDS[name]) if other != seed] if siblings else []
        scores = RANKS.scores(classes, loss, None, REAL[name][1], others)
        out[name, seed] = np.where((classes < space.classes) & (scores > thresholds[classes]), space.ignored_labels()[0], mask)
    return out


def masks_in(folder):
    return {key: Png(read(f"{ROOT}/{folder}/masks/{stem_of(*key)}.png")).pixels for key in MADE}


def same(a, b):
    return all(np.array_equal(a[key], b[key]) for key in MADE)


result = good("filter --siblings", *FILTER, *PAIRED, "--siblings", "-o", "with")
tap.ok(same(masks_in("with"), expected("with", True)), "masks are dropped where NumPy does it, with the mean of the siblings")
tap.ok(not same(expected("with", True), expected("with", False)), "which is not what it does without")
tap.ok("7 masks have siblings" in result.out, "the summary counts masks with siblings", result)
tap.equal(json.loads(read(f"{ROOT}/with/filter.json"))["siblings"], 7, "filter.json counts them")
good("filter without", *FILTER, *PAIRED, "-o", "without")
tap.ok(same(masks_in("without"), expected("without", False)), "without the flag they are not looked at")
tap.equal(json.loads(read(f"{ROOT}/without/filter.json"))["siblings"], None, "filter.json: null without the flag")
tap.equal(read(f"{ROOT}/with/masks/1/c_seed_42.png"), read(f"{ROOT}/without/masks/1/c_seed_42.png"), "a mask without siblings is judged as ever")
for threads in ("1", "3"):
    good(f"by {threads} threads", *FILTER, *PAIRED, "--siblings", "-o", "threads", "--overwrite", "-j", threads)
    tap.equal(tree(f"{ROOT}/threads"), tree(f"{ROOT}/with"), f"by {threads} threads: the same bytes")
good("with codes", *FILTER, "--references", "codes", "--siblings", "-o", "codes-with")
differ = np.mean([np.mean(a != b) for a, b in zip(masks_in("codes-with").values(), masks_in("with").values())])
tap.ok(differ < .01, "with codes: nearly the same", differ)
good("with weights", *FILTER, *PAIRED, "--siblings", "--weights", "step", "-o", "weights")
weights = Png(read(f"{ROOT}/weights/weights/0/a_seed_42.png")).pixels
mask = MADE["0/a", 42][0]
kept = (masks_in("with")["0/a", 42] == mask) & (classes_of(mask) < space.classes)
tap.ok(np.array_equal(weights > 0, kept), "weights are of the same score")

# ---- Shards: a sibling may be in another -------------------------------------------------------------------

for i in range(3):
    good(f"shard {i}", *FILTER, *PAIRED, "--siblings", "--shard", f"{i}/3", "-o", f"shard{i}")
good("merge", "merge", "shard2", "shard0", "shard1", "-o", "merged")
tap.equal(tree(f"{ROOT}/merged"), tree(f"{ROOT}/with"), "shards are merged to the same bytes")
good("a shard without", *FILTER, *PAIRED, "--shard", "1/3", "-o", "shard-without")
result = tool("merge", "shard0", "shard-without", "shard2", "-o", "no")
tap.ok(result.code == 3 and "--siblings" in result.err, "shards with and without are not merged", result)

# ---- --resume: what siblings lose is part of a mask's inputs ---------------------------------------------------

MORE = [*FILTER, *PAIRED, "--siblings", "-j1", "-o"]


def begin(folder):
    """A run that stops at its last mask, whose loss is none. What it did stays."""
    write_loss("z/last", 42, np.full(SHAPE, np.nan, np.float32))
    result = tool(*MORE, folder, "--resume")
    tap.ok(result.code == 3 and "z/last_seed_42.npy" in result.err, f"{folder}: a run that stops", result)
    write_loss("z/last", 42, MADE["z/last", 42][1])
    return made(folder)


def made(folder):
    """Which file each mask is; one that is written again is another."""
    return {name: os.stat(f"{ROOT}/{folder}/masks/{name}").st_ino for name in tree(f"{ROOT}/{folder}/masks")}


def anew(before, folder):
    after = made(folder)
    return sorted(name[:-4] for name in before if after[name] != before[name])


A, B = ([stem_of(name, seed) for seed in sorted(SEEDS[name], key=str)] for name in ("0/a", "0/b"))
before = begin("begun")
tap.equal(sorted(before), sorted(f"{stem_of(*key)}.png" for key in MADE if key[0] != "z/last"), "what it did is there")
good("it goes on", *MORE, "begun", "--resume")
tap.equal(anew(before, "begun"), [], "nothing is made again")
tap.equal(tree(f"{ROOT}/begun"), tree(f"{ROOT}/with"), "to the same bytes as at once")

before = begin("sibling")
mask, loss = MADE["0/a", 7]
MADE["0/a", 7] = mask, random_loss(rng, space, mask)
write_loss("0/a", 7, MADE["0/a", 7][1])
good("a sibling's loss has changed", *MORE, "sibling", "--resume")
tap.equal(anew(before, "sibling"), sorted(A), "the masks of all its siblings are made anew, and no other")
tap.ok(same(masks_in("sibling"), expected("sibling", True)), "as NumPy makes them")
result = tool(*MORE, "with", "--resume")
tap.ok(result.code == 2 and "made/losses/0/a_seed_7.npy" in result.err and "--overwrite" in result.err,
       "a finished run: the file that has changed is named", result)
for i in range(3):
    result = tool(*MORE, f"shard{i}", "--shard", f"{i}/3", "--resume")
    own = "0/a_seed_7" in read(f"{ROOT}/shard{i}/filter.csv").decode()
    has = "0/a_seed" in read(f"{ROOT}/shard{i}/filter.csv").decode()
    words = "0/a_seed_7.npy" if own else "sibling of '0/a_seed"
    tap.ok((result.code == 2 and words in result.err) if has else result.code == 0, f"shard {i} of a finished run knows", result)
MADE["0/a", 7] = mask, loss
write_loss("0/a", 7, loss)
good("a finished run with what it was made of", *MORE, "with", "--resume")

before = begin("mask")
again = png(MADE["0/b", 43][0], interlaced=True)
write(f"{ROOT}/made/masks/0/b_seed_43.png", again)
good("a sibling's mask is another file", *MORE, "mask", "--resume")
tap.equal(anew(before, "mask"), sorted(B), "the masks of its family are made anew")
write(f"{ROOT}/made/masks/0/b_seed_43.png", png(MADE["0/b", 43][0]))

before = begin("touched")
for stem in A:
    path = f"{ROOT}/made/losses/{stem}.npy"
    os.utime(path, (1, 1) if stem == A[0] else (time.time() + 1e5,) * 2)  # clocks that go wrong
    write(f"{path}.new", read(path))
    os.replace(f"{path}.new", path)
good("the same bytes in other files, of other times", *MORE, "touched", "--resume")
tap.equal(anew(before, "touched"), [], "nothing is made anew")
tap.equal(tree(f"{ROOT}/touched"), tree(f"{ROOT}/with"), "the same bytes as at once")
good("a finished run with touched siblings", *MORE, "with", "--resume")

before = begin("added")
for below, ending in (("masks", "png"), ("losses", "npy")):
    shutil.copy(f"{ROOT}/made/{below}/0/b_seed_43.{ending}", f"{ROOT}/made/{below}/0/b_seed_44.{ending}")
for folder in ("added", "with"):
    result = tool(*MORE, folder, "--resume")
    tap.ok(result.code == 2 and "masks (8 of them, now 9)" in result.err, f"a sibling more: --resume of {folder} is refused", result)
good("another run with it", *MORE, "more", "--resume")
for below, ending in (("masks", "png"), ("losses", "npy")):
    os.remove(f"{ROOT}/made/{below}/0/b_seed_44.{ending}")
result = tool(*MORE, "more", "--resume")
tap.ok(result.code == 2 and "masks (9 of them, now 8)" in result.err, "a sibling less: refused", result)
good("without it again", *MORE, "added", "--resume")
tap.equal(anew(before, "added"), [], "nothing is made anew")
result = tool(*MORE[:-2], "-o", "with", "--resume")
tap.ok(result.code == 0, "other threads", result)
result = tool(*FILTER, *PAIRED, "-o", "with", "--resume")
tap.ok(result.code == 2 and "--siblings" in result.err, "--resume without the flag is refused", result)
result = tool(*MORE, "without", "--resume")
tap.ok(result.code == 2 and "--siblings" in result.err, "--resume with it as well", result)

# ---- What is wrong with a sibling ------------------------------------------------------------------------

for kind, data, words in [("no loss", npy(np.full(SHAPE, -1, np.float32)), "a_seed_42.npy"), ("damaged", b"no array", "a_seed_42.npy"),
                          ("another size", npy(np.zeros((3, 4), np.float32)), "a_seed_42.npy")]:
    write(f"{ROOT}/made/losses/0/a_seed_42.npy", data)
    with_family = [i for i in range(3) if "0/a_seed" in read(f"{ROOT}/shard{i}/filter.csv").decode()]
    tap.ok(len(with_family) > 1, "a family in several shards", with_family)
    for i in with_family:
        result = tool(*FILTER, *PAIRED, "--siblings", "--shard", f"{i}/3", "-o", "no")
        tap.ok(result.code == 3 and words in result.err, f"{kind}: shard {i} names the sibling's file", result)
write_loss("0/a", 42, MADE["0/a", 42][1])
write(f"{ROOT}/made/masks/0/b_seed_43.png", png(np.zeros((3, 4), np.uint8)))
result = tool(*FILTER, *PAIRED, "--siblings", "-o", "no")
tap.ok(result.code == 3 and "b_seed_43.npy" in result.err and "its mask 4x3, expected equal sizes" in result.err, "a mask of another size than its losses", result)
write_loss("0/b", 43, np.zeros((3, 4), np.float32))
for more in ([], *(["--shard", f"{i}/3"] for i in range(3) if "0/b_seed" in read(f"{ROOT}/shard{i}/filter.csv").decode())):
    result = tool(*FILTER, *PAIRED, "--siblings", *more, "-o", "no")
    tap.ok(result.code == 3 and re.search("b_seed_4..png", result.err) and "equal sizes" in result.err,
           f"a mask of another size than its sibling's {more}", result)
write(f"{ROOT}/made/masks/0/b_seed_43.png", png(MADE["0/b", 43][0]))
write_loss("0/b", 43, MADE["0/b", 43][1])
real = read(f"{ROOT}/real/losses/0/b.npy")
write(f"{ROOT}/real/losses/0/b.npy", npy(np.full(SHAPE, -1, np.float32)))
result = tool(*FILTER, *PAIRED, "-o", "no")
tap.ok(result.code == 3 and "real/losses/0/b.npy" in result.err, "what is no loss of the real image: its file is named", result)
write(f"{ROOT}/real/losses/0/b.npy", real)

# ---- Each loss is made once -------------------------------------------------------------------------------


def with_plugin(plugin):
    """A plug-in that counts what it is asked for; its losses are a quarter of the class and the red value."""
    shutil.copy(plugin, f"{ROOT}/count.so")
    for folder, stems in (("real", [(name, mask) for name, (mask, _) in REAL.items()]),
                          ("made", [(stem_of(*key), mask) for key, (mask, _) in MADE.items()])):
        for stem, mask in stems:
            image = np.random.default_rng(list(stem.encode())).integers(0, 256, (*SHAPE, 3)).astype(np.uint8)
            os.makedirs(os.path.dirname(f"{ROOT}/{folder}/images/{stem}.png"), exist_ok=True)
            Image.fromarray(image).save(f"{ROOT}/{folder}/images/{stem}.png")
            classes = space.to_classes(mask)
            write(f"{ROOT}/{folder}/same/{stem}.npy", npy(np.where(classes >= 0, .25 * classes + image[..., 0] / 256, 0).astype(np.float32)))
    provider = ["--provider", "plugin:count.so,do=count"]
    made = ["filter", *LABELS, "--masks", "made/masks", "--siblings", "--stats", "counted.json", "--real-masks", "real/masks"]
    asked = [*made, "--images", "made/images", "--real-images", "real/images", *provider]
    good("stats by the plug-in", "stats", *LABELS, "--masks", "real/masks", "--images", "real/images", *provider, "--policy", "paired", "-o", "counted.json")
    good("stats of its losses", "stats", *LABELS, "--masks", "real/masks", "--losses", "real/same", "--policy", "paired", "-o", "same.json")
    good("its losses in files", *[word.replace("counted.json", "same.json") for word in made], "--losses", "made/same", "--real-losses", "real/same", "-o", "same")

    def counted(says, *more):
        """How many losses a run asked its plug-in for."""
        result = good(says, *asked, *more)
        found = re.findall(r"calls \d+ samples (\d+)", result.err)
        tap.equal(len(found), 1, f"{says}: one plug-in serves all")
        return int(found[0])

    for threads in ("1", "3"):
        tap.equal(counted(f"by {threads} threads", "-j", threads, "-o", f"counted{threads}"), len(MADE) + len(REAL), f"by {threads} threads: each loss is made once")
        tap.equal(tree(f"{ROOT}/counted{threads}/masks"), tree(f"{ROOT}/same/masks"), "to the bytes of files of the same losses")
    for i in range(3):
        own = [key for key in MADE if stem_of(*key) + "," in read(f"{ROOT}/shard{i}/filter.csv").decode()]
        families = {name for name, _ in own}
        tap.equal(counted(f"shard {i}", "--shard", f"{i}/3", "-o", f"counted-shard{i}"),
                  sum(len(SEEDS[name]) for name in families) + len(families), f"shard {i}: and what siblings in other shards lose")
    os.remove(f"{ROOT}/counted1/masks/{stem_of('0/a', 7)}.png")
    tap.equal(counted("a mask again", "-j1", "-o", "counted1", "--resume"), len(SEEDS["0/a"]) + 1, "--resume of one mask: its family's")
    tap.equal(tree(f"{ROOT}/counted1/masks"), tree(f"{ROOT}/same/masks"), "to the same bytes")


if os.environ.get("FREEMASK_FAULTY_PLUGIN"):
    with_plugin(os.environ["FREEMASK_FAULTY_PLUGIN"])
else:
    tap.skip("each loss is made once", "built without examples, so there is no plug-in that counts")

# ---- Names ------------------------------------------------------------------------------------------------

for (name, seed), (mask, loss) in MADE.items():
    write(f"{ROOT}/dashed/masks/{name}-{seed}.png", png(mask))
    write(f"{ROOT}/dashed/losses/{name}-{seed}.npy", npy(loss))
    if seed == 42:
        write(f"{ROOT}/single/masks/{name}.png", png(mask))
        write(f"{ROOT}/single/losses/{name}.npy", npy(loss))
        write(f"{ROOT}/one/masks/{name}_seed_1.png", png(mask))
        write(f"{ROOT}/one/losses/{name}_seed_1.npy", npy(loss))


def in_folder(folder, *more):
    return ["filter", *LABELS, "--masks", f"{folder}/masks", "--losses", f"{folder}/losses", "--stats", "paired.json", *PAIRED, *more]


result = good("other names", *in_folder("dashed", "--siblings"), "-o", "guessed")
tap.ok("'{stem}-{seed}'" in result.err and "--synthetic-name" in result.err, "what is guessed is said", result)
tap.ok(all(np.array_equal(Png(read(f"{ROOT}/guessed/masks/{name}-{seed}.png")).pixels, pixels)
           for (name, seed), pixels in masks_in("with").items()), "the masks are the same")
result = good("other names, told", *in_folder("dashed", "--siblings", "--synthetic-name", "{stem}-{seed}"), "-o", "told")
tap.ok("note" not in result.err, "what is told is not guessed", result)
result = tool(*in_folder("dashed", "--siblings", "--synthetic-name", "{stem}_{seed}"), "-o", "no")
tap.ok(result.code == 3 and "{stem}_{seed}" in result.err, "names that are none: said, with the pattern", result)
result = tool(*in_folder("one", "--siblings"), "-o", "no")
tap.ok(result.code == 3 and "a_seed_43" in result.err and "--synthetic-name" in result.err, "no mask with two images", result)
result = tool(*in_folder("single", "--siblings"), "-o", "no")
tap.ok(result.code == 3 and "one of each real mask" in result.err and "--synthetic-name" in result.err, "names without seeds", result)
good("which are paired all the same", *in_folder("single"), "-o", "single-out")
result = tool(*in_folder("single", "--synthetic-name", "x{seed}"), "-o", "no")
tap.ok(result.code == 2 and "--synthetic-name" in result.err, "no pattern", result)

# ---- Other policies, and run -----------------------------------------------------------------------------

good("stats for strata", "stats", *LABELS, "--masks", "real/masks", "--losses", "real/losses", "--policy", "strata", "-o", "strata.json")
good("stats of losses", "stats", *LABELS, "--masks", "real/masks", "--losses", "real/losses", "-o", "losses.json")
for name in ("strata", "losses"):
    result = tool(*FILTER[:-1], f"{name}.json", "--siblings", "-o", "no")
    tap.ok(result.code == 2 and "--siblings goes with --policy paired" in result.err, f"statistics of {name} have no siblings", result)
RUN = ["run", *LABELS, "--real-masks", "real/masks", "--real-losses", "real/losses", "--synthetic-masks", "made/masks",
       "--synthetic-losses", "made/losses", "--siblings"]
result = tool(*RUN, "-o", "no")
tap.ok(result.code == 2 and "--siblings goes with --policy paired" in result.err, "run: nor the paper's policy", result)
result = tool(*["one/masks" if word == "made/masks" else "one/losses" if word == "made/losses" else word for word in RUN],
              "--policy", "paired", "-o", "no")
tap.ok(result.code == 3 and "--siblings: no mask" in result.err and not os.path.exists(f"{ROOT}/no/stats.json"),
       "run: without siblings it does not begin", result)
good("run", *RUN, "--policy", "paired", "-o", "run")
tap.ok(same(masks_in("run"), masks_in("with")), "run: the masks are filter's")
page = read(f"{ROOT}/run/report.html").decode()
tap.ok("--policy paired --real-share 0.05 --siblings" in page and "of 7 of 8 masks" in page, "run: the page says it")
good("run --resume", *RUN, "--policy", "paired", "-o", "run", "--resume")
result = tool(*[word for word in RUN if word != "--siblings"], "--policy", "paired", "-o", "run", "--resume")
tap.ok(result.code == 2 and "--siblings" in result.err, "run --resume without the flag is refused", result)
tap.done()
