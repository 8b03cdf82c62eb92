#!/usr/bin/env python3
# cli/test_plans.py - plan's policies, budgets and growing, and hardness's measures, as the tool does them.
# SPDX-License-Identifier: MIT
import csv
import json
import resource
import time

from kit import *

# isort: split
import plan_reference as plans  # noqa: E402 - kit says where

space = ref.preset("camvid")
rng = np.random.default_rng(29)
K = space.classes
tool, good, _ = commands(tap.path())
L = ["--labels", "camvid"]
masks, losses = {}, {}
for i in range(40):
    present = {int(k) for k in rng.choice(K, rng.integers(1, K + 1), replace=False)} - ({3} if i % 9 else set())
    stem = ["m {}", "b/m{}", "z{}"][i % 3].format(i)
    masks[stem] = random_mask(rng, space, (24, 31), present or {0})
    losses[stem] = random_loss(rng, space, masks[stem])
    write(tap.path(f"masks/{stem}.png"), png(masks[stem]))
    write(tap.path(f"losses/{stem}.npy"), npy(losses[stem]))


def rows_of(path):
    return list(csv.DictReader(read(tap.path(path)).decode().splitlines()))


def table_of(path):
    """What a policy looks at, in the order of the plan; pixels by NumPy."""
    rows = rows_of(path)
    stems = [row["mask"] for row in rows]
    counts = [np.bincount(c[c >= 0].ravel(), minlength=K) for c in (space.to_classes(masks[s]) for s in stems)]
    return stems, {"hardness": [float(row["hardness"]) for row in rows],
                   "classes": [set(np.flatnonzero(c).tolist()) for c in counts],
                   "class_pixels": sum(counts).tolist(), "pixels": counts}


good("stats", "stats", *L, "--masks", "masks", "--losses", "losses", "-o", "s.json")
HARDNESS = ["hardness", "--stats", "s.json", *L, "--masks", "masks"]
good("hardness", *HARDNESS, "-o", "h.csv")
STEMS, TABLE = table_of("h.csv")
MASKS = [*L, "--masks", "masks"]


def draw(seed):
    return lambda i: ref.Generator(~seed, STEMS[i]).next()


# ---- Every policy -------------------------------------------------------------------------------
cases = [
    ("uniform", plans.UNIFORM, {"n_max": 20}, []),
    ("uniform, budget", plans.UNIFORM, {"n_max": 20, "budget": 333}, ["--budget", "333"]),
    ("rank, budget", plans.RANK, {"n_max": 20, "budget": 100, "n_min": 1}, ["--budget", "100", "--n-min", "1"]),
    ("proportional", plans.PROPORTIONAL, {"n_max": 20}, []),
    ("proportional, gamma", plans.PROPORTIONAL, {"n_max": 9, "n_min": 2, "gamma": 3.3, "budget": 200},
     ["--gamma", "3.3", "--n-min", "2", "--n-max", "9", "--budget", "200"]),
    ("repeat-factor", plans.REPEAT_FACTOR, {"n_max": 20, "threshold": 0.9, "plan_seed": 7},
     ["--threshold", "0.9", "--seed", "7", *MASKS]),
    ("repeat-factor, budget", plans.REPEAT_FACTOR, {"n_max": 20, "threshold": 1, "budget": 150},
     ["--threshold", "1", "--budget", "150", *MASKS]),
    ("rare-class", plans.RARE_CLASS, {"n_max": 20}, MASKS),
    ("rare-class, temperature", plans.RARE_CLASS, {"n_max": 20, "temperature": 0.5, "n_min": 1},
     ["--temperature", "0.5", "--n-min", "1", *MASKS]),
    ("blend:rank=1,rare-class=0.5", plans.BLEND, {"n_max": 20, "blend": [1, 0, 0, 0, 0.5], "budget": 401},
     ["--budget", "401", *MASKS]),
    ("blend:uniform=2,proportional=1", plans.BLEND, {"n_max": 20, "blend": [0, 2, 1]}, [])]
for name, policy, options, flags in cases:
    result = good(f"plan: {name}", "plan", "--hardness", "h.csv", "--policy", name.split(", ")[0],
                  *flags, "--json", "-o", "p.csv")
    rows = rows_of("p.csv")
    expected = plans.counts(policy, TABLE, options, draw(options.get("plan_seed", 0)))
    tap.equal([int(row["count"]) for row in rows], expected, f"{name}: counts")
    tap.equal([row["seeds"] for row in rows],
              [" ".join(map(str, ref.chosen_seeds(options.get("plan_seed", 0), s, list(range(42, 62)), c)))
               for s, c in zip(STEMS, expected)], f"{name}: seeds")
    tap.equal(json.loads(result.out)["images"], sum(expected), f"{name}: images in the summary")

# A rare class counts from a number of pixels on; its pixels stay.
large = dict(TABLE, classes=[set(np.flatnonzero(c >= 60).tolist()) for c in TABLE["pixels"]])
good("plan: --min-pixels", "plan", "--hardness", "h.csv", "--policy", "rare-class", "--temperature", "0.2",
     "--min-pixels", "60", *MASKS, "-o", "p.csv")
tap.equal([int(row["count"]) for row in rows_of("p.csv")],
          plans.counts(plans.RARE_CLASS, large, {"n_max": 20, "temperature": 0.2}), "--min-pixels: counts")

# ---- A plan that asks for nothing of some masks can be read again ---------------------------------
good("plan: some masks get none", "plan", "--hardness", "h.csv", "--policy", "uniform", "--budget", "7", "-o",
     "few.csv")
tap.equal(sorted(int(row["count"]) for row in rows_of("few.csv")), [0] * 33 + [1] * 7, "seven of forty get one")
good("export of such a plan", "export", "--plan", "few.csv", "--to", "list", "-o", "few")
tap.equal(len(read(tap.path("few/synthetic.txt")).splitlines()), 7, "seven stems are exported")

# ---- Growing --------------------------------------------------------------------------------------
lines = read(tap.path("h.csv")).decode().splitlines()
write(tap.path("half.csv"), ("\n".join(lines[:1] + lines[1::2]) + "\n").encode())
good("plan of half of the masks", "plan", "--hardness", "half.csv", "--seed", "1", "--n-max", "12", "-o", "old.csv")
good("plan --grow", "plan", "--hardness", "h.csv", "--grow", "old.csv", "--n-max", "6", "--seed", "2", "--seeds",
     "50:70", "-o", "new.csv")
old = {row["mask"]: row["seeds"].split() for row in rows_of("old.csv")}
new = {row["mask"]: row["seeds"].split() for row in rows_of("new.csv")}
tap.equal([m for m in old if not set(old[m]) <= set(new[m])], [], "no seed is withdrawn")
ranks = ref.ranks(dict(zip(STEMS, TABLE["hardness"])), 6)
tap.equal({m: len(s) for m, s in new.items()}, {m: max(ranks[m][1], len(old.get(m, []))) for m in ranks},
          "each mask has the larger of both counts")
good("grown with nothing new", "plan", "--hardness", "half.csv", "--grow", "old.csv", "--seed", "1", "--n-max", "12",
     "-o", "same.csv")
tap.equal(read(tap.path("same.csv")), read(tap.path("old.csv")), "a plan grown by nothing is the plan")
result = tool("plan", "--hardness", "half.csv", "--grow", "new.csv", "-o", "no.csv")
tap.ok(result.code == 3 and "was not added" in result.err and not os.path.exists(tap.path("no.csv")),
       "a mask of the earlier plan that is gone is an error", result)

# ---- Flags that make no sense -----------------------------------------------------------------------
for arguments, says in [
        ("--policy best", "'best', expected rank"), ("--policy blend", "expected"), ("--policy blend:", "expected"),
        ("--policy blend:rank", "expected"), ("--policy blend:rank=", "expected"),
        ("--policy blend:rank=0", "expected"), ("--policy blend:rank=1,rank=1", "expected"),
        ("--policy blend:rank=1,", "expected"), ("--policy blend:best=1", "expected"),
        ("--policy blend:rank=-1", "expected"), ("--policy blend:rank=nan", "expected"),
        ("--gamma 2", "--gamma is for the plan's policy proportional"), ("--threshold 0.1 --policy uniform", "--threshold"),
        ("--temperature 1", "--temperature"), ("--masks masks", "--masks"), ("--min-pixels 3", "--min-pixels"),
        ("--policy rare-class", "give --masks"), ("--policy rare-class --masks masks", "--labels"),
        ("--policy blend:rank=1,repeat-factor=1 --labels camvid", "give --masks"),
        ("--n-min 21", "n_min is 21"), ("--budget 801", "budget of 801"), ("--gamma 0", "--gamma"),
        ("--policy proportional --gamma 65", "--gamma")]:
    result = tool("plan", "--hardness", "h.csv", *arguments.split(), "-o", "no.csv")
    tap.ok(result.code == 2 and says in result.err and result.err.count("\n") == 1
           and not os.path.exists(tap.path("no.csv")), f"refused: {arguments}", result)
write(tap.path("other.csv"), b"mask,hardness,valid_pixels\nnowhere,1,1\n")
result = tool("plan", "--hardness", "other.csv", "--policy", "rare-class", *MASKS, "-o", "no.csv")
tap.ok(result.code == 3 and "nowhere" in result.err, "a mask that is not there is named", result)

# ---- Measures of hardness ---------------------------------------------------------------------------
means, _ = ref.class_means(space, [(masks[s], losses[s]) for s in masks])


def by_class(stem):
    return space.to_classes(masks[stem]), losses[stem].astype(np.float64)


def top(values, share):
    values = np.sort(values)[::-1]
    wanted = share * len(values)
    whole = int(wanted)
    return (values[:whole].sum() + (wanted - whole) * (values[whole] if whole < len(values) else 0)) / wanted


def expected_measure(stem, measure, share, own):
    k, loss = by_class(stem)
    k, loss = k[k >= 0], loss[k >= 0]
    if measure == "top-share":
        return top(loss if own else means[k], share or 0.1)
    if measure == "mean":
        return loss.sum() / (len(loss) + 1e-5)
    found = {c: (loss[k == c].sum() / ((k == c).sum() + 1e-5) if own else means[c]) for c in np.unique(k)}
    large = [c for c in found if (k == c).sum() >= share * len(k)]
    return max(found[c] for c in (large or found))


for measure, share, own in [("mean", 0, True), ("worst-class", 0, False), ("worst-class", 0.1, False),
                            ("worst-class", 0.1, True), ("top-share", 0, False), ("top-share", 0.3, True)]:
    flags = ["--measure", measure] + (["--share", str(share)] if share else [])
    flags += ["--losses", "losses"] if own else ["--resize", "none"]
    good(f"hardness {' '.join(flags)}", *HARDNESS, *flags, "-o", "h2.csv")
    wrong = [(r["mask"], r["hardness"], expected_measure(r["mask"], measure, share, own)) for r in rows_of("h2.csv")]
    wrong = [row for row in wrong if abs(float(row[1]) - row[2]) > 1e-9 * row[2]]
    tap.equal(wrong[:1], [], f"hardness {' '.join(flags)}: as NumPy has it")
for arguments, code, says in [("--share 0.5", 2, "--share is for"), ("--measure best", 2, "--measure"),
                              ("--losses losses --resize 3x3", 2, "exclude"), ("--losses masks", 3, ""),
                              ("--measure top-share --share 0", 2, "--share")]:
    result = tool(*HARDNESS, *arguments.split(), "-o", "no.csv")
    tap.ok(result.code == code and says in result.err and not os.path.exists(tap.path("no.csv")),
           f"refused: hardness {arguments}", result)

# ---- A million masks ----------------------------------------------------------------------------------
hardness = np.random.default_rng(3).gamma(2, 0.3, 1_000_000)
write(tap.path("million.csv"), ("mask,hardness,valid_pixels\n" + "".join(
    f"train/{i:08d},{h:.17g},262144\n" for i, h in enumerate(hardness.tolist()))).encode())
start = time.monotonic()
result = good("plan of 10^6 masks", "plan", "--hardness", "million.csv", "--policy", "proportional", "--budget",
              "12345678", "-o", "million-plan.csv", "--json")
took = time.monotonic() - start
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
print(f"# 10^6 masks by the tool: {took:.2f} s, {peak:.0f} MiB")
tap.equal(json.loads(result.out)["images"], 12345678, "10^6 masks share the budget exactly")
counts = np.array([int(line.split(b",")[3]) for line in read(tap.path("million-plan.csv")).splitlines()[1:]])
order = np.argsort(hardness, kind="stable")
tap.ok(len(counts) == 1_000_000 and (np.diff(counts[order]) >= 0).all() and counts.max() == 20,
       "10^6 masks: the harder never gets less")
share = np.minimum(hardness * (12345678 / hardness.sum()), 20)
for _ in range(60):  # the one lambda, by plain fixed-point steps
    free = share < 20
    share = np.where(free, hardness * ((12345678 - 20 * (~free).sum()) / hardness[free].sum()), 20)
    share = np.minimum(share, 20)
tap.ok(np.abs(counts - share).max() < 1.001, "10^6 masks: each count is its share, rounded", np.abs(counts - share).max())
tap.ok(peak < 800, "10^6 masks take less than 800 MiB", peak)
tap.done()
