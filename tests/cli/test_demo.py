#!/usr/bin/env python3
# cli/test_demo.py - the demo's world: its score against the truth, counted once more; no leaks.
# SPDX-License-Identifier: MIT
import csv
import json
import re

from kit import *
from PIL import Image

space = ref.preset("camvid")
FLAGS = ["--scenes", "12", "--per-mask", "4", "--size", "160x120", "--json"]


def demo(name, *flags):
    result = run("demo", tap.path(name), *FLAGS, *flags)
    tap.ok(result.code == 0, f"demo {name} runs", result)
    return json.loads(result.out)


score = demo("one")
results = tap.path("one/results")


def indices(path):
    return Png(read(path)).pixels


# ---- The score, from the masks before and after and the truth -------------------------------------
valid = dropped = wrong = caught = 0
problems = []
names = sorted(os.listdir(tap.path("one/synthetic/masks")))
for name in names:
    before, after = indices(tap.path("one/synthetic/masks", name)), indices(f"{results}/masks/{name}")
    truth = np.asarray(Image.open(tap.path("one/truth", name)))
    known, gone = before != space.written, before != after
    if (after[gone] != space.written).any() or truth.shape != before.shape:
        problems.append(name)
    error = (truth != 0) & known
    valid += int(known.sum())
    dropped += int(gone.sum())
    wrong += int(error.sum())
    caught += int((error & gone).sum())
tap.equal(problems, [], "filtered masks are the masks or the ignore label")
tap.equal(len(names), 48, "four images for each of twelve masks")
tap.equal([score[k] for k in ("valid", "dropped", "wrong", "caught")], [valid, dropped, wrong, caught],
          "the score's counts")
tap.ok(abs(score["precision"] - caught / dropped) < 1e-12, "precision")
tap.ok(abs(score["recall"] - caught / wrong) < 1e-12, "recall")
tap.ok(score["recall"] > 1.5 * dropped / valid, "the filter finds more than chance would",
       f"recall {score['recall']}, drops {dropped / valid}")

# ---- What the world holds ----------------------------------------------------------------------------
seen = set()
for name in os.listdir(tap.path("one/real/masks")):
    seen |= set(np.unique(indices(tap.path("one/real/masks", name))).tolist())
tap.ok(len(seen - {11}) >= 8, "at least eight classes", seen)
rows = list(csv.DictReader(read(f"{results}/plan.csv").decode().splitlines()))
ranks = ref.ranks({r["mask"]: float(r["hardness"]) for r in rows}, max(int(r["count"]) for r in rows))
tap.equal({r["mask"]: (int(r["rank"]), int(r["count"])) for r in rows}, ranks, "the plan's ranks and counts")

# ---- The truth leaks nowhere: without it everything is the same -----------------------------------------
again = demo("two")
tap.equal({k: score[k] for k in ("dropped", "caught")}, {k: again[k] for k in ("dropped", "caught")},
          "the same seed, the same score")
one, two = tree(tap.path("one")), tree(tap.path("two"))
pixels = [name for name in one if name.endswith((".png", ".csv", ".jpg"))]
tap.equal([n for n in pixels if one[n] != two.get(n)], [], "the same seed, the same world")
shutil.rmtree(tap.path("two/truth"))
job = ["filter", "--stats", tap.path("two/results/stats.json"), "--labels", "camvid", "--masks",
       tap.path("two/synthetic/masks"), "--images", tap.path("two/synthetic/images"), "--provider", "baseline",
       "-o", tap.path("blind")]
result = run(*job)
tap.ok(result.code == 0, "filter without the truth", result)
blind = {name[6:]: data for name, data in tree(tap.path("blind")).items() if name.startswith("masks/")}
tap.equal(sorted(n for n in blind if blind[n] != one[f"results/masks/{n}"]), [], "drops the same pixels")
other = demo("three", "--seed", "2")
tap.ok(other["dropped"] != score["dropped"], "another seed, another world")

# ---- More errors, fewer, shared ones, and things that no mask has ------------------------------------------
def truths(name, *flags):
    result = run("demo", tap.path(name), "--scenes", "6", "--per-mask", "3", "--size", "96x72", *flags)
    tap.ok(result.code == 0, f"demo {' '.join(flags)} runs", result)
    return {file: np.asarray(Image.open(tap.path(name, "truth", file))) > 0 for file in os.listdir(tap.path(name, "truth"))}


usual, none = truths("usual"), truths("none", "--errors", "0")
tap.ok(any(t.any() for t in usual.values()) and not any(t.any() for t in none.values()), "--errors 0 plants none")
wrong = {name: sum(int(t.sum()) for t in truths(name, *flags).values())
         for name, flags in {"many": ["--errors", "3"], "surplus": ["--surplus"]}.items()}
tap.ok(wrong["many"] > 1.5 * sum(int(t.sum()) for t in usual.values()), "--errors 3 plants more", wrong)
tap.ok(wrong["surplus"] != sum(int(t.sum()) for t in usual.values()), "--surplus plants others", wrong)
shared = truths("shared", "--shared-errors")
tap.ok(all(np.array_equal(shared[name], shared[re.sub("_4[2-4]", "_42", name)]) for name in shared)
       and not all(np.array_equal(usual[name], usual[re.sub("_4[2-4]", "_42", name)]) for name in usual),
       "--shared-errors: all images of a mask are wrong at the same places")
result = run("demo", tap.path("bad"), "--errors", "-1")
tap.ok(result.code == 2 and "--errors" in result.err, "--errors -1 is refused", result)

# Killed while it removes an earlier demo: the next --overwrite still knows whose the folder is.
if os.environ.get("FREEMASK_SHIM"):
    small = ["demo", "--scenes", "12", "--size", "64x48", tap.path("small")]
    first = run(*small)
    for at in (1, 2, 9):
        shim = dict(os.environ, LD_PRELOAD=os.path.abspath(os.environ["FREEMASK_SHIM"]), FREEMASK_FAULT_CALLS="unlink",
                    FREEMASK_FAULT_AT=str(at), FREEMASK_FAULT_HOW="kill")
        result = run(*small, "--overwrite", env=shim, address_space=8 * GIB)
        tap.ok(result.code == -9, f"a demo is killed when it removes file {at}", result)
    result = run(*small, "--overwrite")
    tap.ok(first.code == 0 == result.code, "the next demo --overwrite goes through", result)
else:
    tap.skip("a demo is killed", "this build has no library to preload", excused=True)

tap.done()
