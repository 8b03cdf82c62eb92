#!/usr/bin/env python3
# cli/test_run_shards.py - run in shards: merged and finished, they are the folder of one run, byte for byte.
# SPDX-License-Identifier: MIT
import fcntl
import json
import re
import shutil
import subprocess
import time

from kit import *

ROOT = tap.path("w")
tool, good, refused = commands(ROOT)
space = ref.preset("camvid")
rng = np.random.default_rng(41)
REAL = [f"{'ab'[i % 2]}/scene_{i}" for i in range(13)]
MADE = [f"{stem}_seed_{seed}" for stem in REAL for seed in (42, 43)]
MASKS = {stem: random_mask(rng, space, tuple(rng.integers(12, 40, 2))) for stem in REAL}
for set_, stems in (("real", REAL), ("synthetic", MADE)):
    for stem in stems:
        mask = MASKS[stem.partition("_seed_")[0]]
        write(f"{ROOT}/{set_}/masks/{stem}.png", png(mask))
        write(f"{ROOT}/{set_}/losses/{stem}.npy", npy(random_loss(rng, space, mask)))
        write(f"{ROOT}/{set_}/images/{stem}.png", png(rng.integers(0, 256, mask.shape).astype(np.uint8)))
        write(f"{ROOT}/{set_}/strata/{stem}.png", png(rng.integers(0, 3, mask.shape).astype(np.uint8)))
SETS = ["--labels", "camvid", "--real-masks", "real/masks", "--synthetic-masks", "synthetic/masks"]
LOSSES = ["--real-losses", "real/losses", "--synthetic-losses", "synthetic/losses"]
IMAGES = ["--real-images", "real/images", "--synthetic-images", "synthetic/images"]
PARTS = 3


def shards(name, flags, count=PARTS, passes=2):
    """All folders of the shards, finished: as doc/engines.md says, whatever the policy."""
    out = [f"{name}-{i}" for i in range(count)]
    for i in range(count):
        good(f"{name}: statistics of {i}/{count}", "run", *flags, "--shard", f"{i}/{count}", "-o", out[i])
    for p in range(1, passes + 1):
        good(f"{name}: merged statistics, pass {p}", "merge", *(f"{folder}/stats.json" for folder in out), "-o", f"{name}.json")
        for i in range(count):
            good(f"{name}: pass {p} of {i}/{count}", "run", *flags, "--shard", f"{i}/{count}", "--stats", f"{name}.json", "--resume", "-o", out[i])
    return out


def files(folder):
    return {name: data for name, data in tree(f"{ROOT}/{folder}").items() if not left_by_a_crash(name)}


def compare(name, got, expected):
    one, two = files(got), files(expected)
    differ = sorted(path for path in one.keys() | two.keys() if one.get(path) != two.get(path))
    tap.ok(one and not differ, name, differ)


CASES = (("paper", [*SETS, *LOSSES, *IMAGES]), ("quantile", [*SETS, *LOSSES, "--policy", "quantile", "--weights", "ramp", "--n-max", "3"]),
         ("baseline", [*SETS, *IMAGES, "--provider", "baseline"]),
         ("strata", [*SETS, *LOSSES, "--policy", "strata"]), ("paired", [*SETS, *LOSSES, "--policy", "paired", "--use", "train"]),
         ("siblings", [*SETS, *LOSSES, "--policy", "paired", "--siblings"]),
         ("codes", [*SETS, *LOSSES, "--policy", "paired", "--references", "codes-all-references"]),
         ("own-strata", [*SETS, *LOSSES, "--policy", "paired", "--strata-count", "3", "--real-strata", "real/strata",
                         "--synthetic-strata", "synthetic/strata"]),
         ("paired-baseline", [*SETS, *IMAGES, "--provider", "baseline", "--policy", "paired"]))
for name, flags in CASES:
    good(f"{name}: one run", "run", *flags, "-o", f"{name}-all")
    os.rename(f"{ROOT}/{name}-all", f"{ROOT}/{name}-kept")  # report and mmseg configuration name their folder
    if "--references" in flags:  # the shards make them again
        shutil.move(f"{ROOT}/{name}-all-references", f"{ROOT}/{name}-kept-references")
    parts = shards(name, flags)
    good(f"{name}: merge", "merge", *parts[::-1], "-o", f"{name}-all", *(["--link"] if name == "quantile" else []))
    tap.ok(not os.path.exists(f"{ROOT}/{name}-all/plan.csv"), f"{name}: the plan is to be made")
    good(f"{name}: the rest", "run", *flags, "--resume", "-o", f"{name}-all")
    compare(f"{name}: {PARTS} shards make the folder of one run", f"{name}-all", f"{name}-kept")
compare("codes: the shards' references are those of one run", "codes-all-references", "codes-kept-references")

# ---- What a shard says and holds ------------------------------------------------------------------------
FLAGS, parts = CASES[0][1], [f"paper-{i}" for i in range(PARTS)]
run_json = json.loads(read(f"{ROOT}/paper-1/run.json"))
tap.equal((run_json["shard"], run_json["made_of"]["--shard"]), ({"index": 1, "count": 3}, "1/3"), "run.json says which shard it is of")
tap.ok("shard" not in json.loads(read(f"{ROOT}/paper-kept/run.json")), "a run of all says nothing of shards")
tap.equal(sum(json.loads(read(f"{ROOT}/{part}/stats.json"))["images"] for part in parts), len(REAL), "the shards hold each real mask once")
names = sorted(os.listdir(f"{ROOT}/paper-1"))
tap.ok({"filter.csv", "filter.json", "hardness.csv", "masks", "run.json", "stats.json"} <= set(names)
       and not {"plan.csv", "export", "report.html"} & set(names), "a shard has no plan, lists and report", names)
result = tool("run", *FLAGS, "--shard", "1/3", "--stats", "paper.json", "--resume", "--json", "-o", "paper-1")
told = json.loads(result.out)
tap.ok(told["shard"] == {"index": 1, "count": 3} and "stats.json" in told and "plan.csv" not in told, "--json says what there is", result)
before = files("paper-2")
good("a finished shard is done at once", "run", *FLAGS, "--shard", "2/3", "--stats", "paper.json", "--resume", "-o", "paper-2")
tap.equal(files("paper-2"), before, "and nothing of it changes")
result = good("statistics alone say what comes next", "run", *FLAGS, "--shard", "0/2", "-o", "next")
tap.ok("merge" in result.out and "--stats" in result.out and "0/2" in result.out, "how to go on", result)
good("with statistics at hand, both at once", "run", *FLAGS, "--shard", "0/3", "--stats", "paper.json", "-o", "at-once")
compare("at once is one after the other", "at-once", "paper-0")
good("merge --overwrite", "merge", "--overwrite", *parts, "-o", "paper-all")
tap.ok(not os.path.exists(f"{ROOT}/paper-all/plan.csv") and os.path.exists(f"{ROOT}/paper-all/run.json"), "an earlier run's plan is gone")
good("and finished again", "run", *FLAGS, "--resume", "-o", "paper-all")
tap.equal(read(f"{ROOT}/paper-all/plan.csv"), read(f"{ROOT}/paper-kept/plan.csv"), "it is the same plan")

# A merge that was killed before it had written its first file is none: its folder is taken for an empty one.
filtered = [f"filter-{i}" for i in range(PARTS)]
for i, part in enumerate(filtered):
    good(f"a shard of a filter, {i}", "filter", "--labels", "camvid", "--masks", "synthetic/masks", "--losses", "synthetic/losses", "--stats",
         "paper-kept/stats.json", "--shard", f"{i}/{PARTS}", "-o", part)
for merged, of in (("killed-runs", parts), ("killed-filters", filtered)):
    write(f"{ROOT}/{merged}/stats.json.{dead_process()}-7ffd6df13670-0.fm-part", b"half")
    good(f"{merged}: merge", "merge", *of, "-o", merged)
    tap.ok(not [name for name in os.listdir(f"{ROOT}/{merged}") if name.endswith(".fm-part")], f"{merged}: nothing is left of it")

# ---- Two passes ---------------------------------------------------------------------------------------------
PAIRED = dict(CASES)["paired"]
for i in range(2):
    result = good(f"paired in two shards: losses of {i}/2", "run", *PAIRED, "--shard", f"{i}/2", "-o", f"two-{i}")
    tap.ok("first pass of two" in result.out and "merge" in result.out, "it says that there are two passes", result)
good("their sum", "merge", "two-0/stats.json", "two-1/stats.json", "-o", "two-losses.json")
result = good("the score of the first", "run", *PAIRED, "--shard", "0/2", "--stats", "two-losses.json", "--resume", "-o", "two-0")
tap.ok("second pass" in result.out and not os.path.exists(f"{ROOT}/two-0/filter.csv"), "it ends with the statistics of the score", result)
before = files("two-0")
good("again", "run", *PAIRED, "--shard", "0/2", "--stats", "two-losses.json", "--resume", "-o", "two-0")
good("its first pass again", "run", *PAIRED, "--shard", "0/2", "--resume", "-o", "two-0")
tap.equal(files("two-0"), before, "what is done is not done again")
refused("a shard of each pass", 3, ["two-0/stats.json", "two-1/stats.json", "score"], "merge", "two-0/stats.json", "two-1/stats.json", "-o", "no")
shutil.rmtree(f"{ROOT}/two-1")
good("the score of the second, in a new folder", "run", *PAIRED, "--shard", "1/2", "--stats", "two-losses.json", "-o", "two-1")
good("the sum of the scores", "merge", "two-0/stats.json", "two-1/stats.json", "-o", "two-scores.json")
for i in range(2):
    good(f"the rest of {i}/2", "run", *PAIRED, "--shard", f"{i}/2", "--stats", "two-scores.json", "--resume", "-o", f"two-{i}")
good("two shards merged", "merge", "two-0", "two-1", "-o", "two-all")
tap.equal(read(f"{ROOT}/two-all/filter.csv"), read(f"{ROOT}/paired-kept/filter.csv"), "they filter as one run does")
good("at once, with the score at hand", "run", *PAIRED, "--shard", "0/2", "--stats", "two-scores.json", "-o", "two-at-once")
compare("is what passes make", "two-at-once", "two-0")
refused("statistics of another policy", 3, ["paper.json", "strata"], "run", *dict(CASES)["strata"], "--shard", "0/2", "--stats", "paper.json", "-o", "no")
stem = read(f"{ROOT}/two-0/hardness.csv").decode().splitlines()[-1].split(",")[0]
path = f"{ROOT}/real/losses/{stem}.npy"
kept = read(path)
write(path, npy(np.load(path) * 2))
refused("a loss that changed after the first pass", 3, [stem, "without --stats"], "run", *PAIRED, "--shard", "0/2", "--stats", "two-losses.json",
        "--resume", "-o", "two-0")
write(path, kept)

# ---- References, side by side -------------------------------------------------------------------------------
MANY = 6
STATS = ["stats", *SETS[:2], "--masks", "real/masks", "--losses", "real/losses", "--policy", "paired"]


def scores(i):
    return [*STATS, "--ranks", "side.json", "--references", "side-codes", "--shard", f"{i}/{MANY}", "-o", f"side-{i}.json"]


for i in range(MANY):
    good(f"losses of {i}/{MANY}", *STATS, "--shard", f"{i}/{MANY}", "-o", f"side-{i}.json")
good("their sum", "merge", *(f"side-{i}.json" for i in range(MANY)), "-o", "side.json")
os.makedirs(f"{ROOT}/side-codes")
with open(f"{ROOT}/side-codes/.freemask.lock", "w", encoding="ascii") as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    at_once = [start(*scores(i), cwd=ROOT) for i in range(MANY)]
    time.sleep(0.3)
    tap.ok(all(one.poll() is None for one in at_once), "shards wait for a folder that another one opens")
ended = [Result(one) for one in at_once]
tap.ok(all(one.code == 0 for one in ended), f"{MANY} shards write references side by side", "\n".join(map(str, ended)))
compare("which are those of one run", "side-codes", "codes-kept-references")
kept = read(f"{ROOT}/real/losses/{REAL[0]}.npy")
write(f"{ROOT}/real/losses/{REAL[0]}.npy", npy(np.full_like(np.load(f"{ROOT}/real/losses/{REAL[0]}.npy"), np.nan)))
shutil.rmtree(f"{ROOT}/side-codes")
codes = [run(*scores(i), cwd=ROOT).code for i in range(MANY)]
tap.ok(sorted(codes) == [0] * (MANY - 1) + [3], "one of them fails", codes)
got, whole = files("side-codes"), files("codes-kept-references")
tap.ok("references.json" in got and f"{REAL[0]}.png" not in got and len(got) >= MANY and got.items() <= whole.items(), "what others wrote stays", sorted(got))
write(f"{ROOT}/real/losses/{REAL[0]}.npy", kept)
good("and it goes on", *scores(codes.index(3)))
compare("to those of one run", "side-codes", "codes-kept-references")

# ---- The lines of doc/engines.md --------------------------------------------------------------------------------
with open(os.path.join(tap.SOURCE, "doc", "engines.md"), encoding="utf-8") as page:
    lines = re.search(r"```sh\n(for i in .*?)```", page.read(), re.S).group(1)
good("one run", "run", *SETS, *LOSSES, "--policy", "strata", "-o", "result")
os.rename(f"{ROOT}/result", f"{ROOT}/result-kept")
done = subprocess.run(["sh", "-e", "-c", 'freemask() { "$FREEMASK_TOOL" "$@"; }\n' + lines], cwd=ROOT, capture_output=True, text=True,
                      env={**os.environ, "FREEMASK_TOOL": TOOL, "FLAGS": " ".join([*SETS, *LOSSES, "--policy", "strata"])})
tap.ok(done.returncode == 0, "the page's lines run", done)
compare("and make the folder of one run", "result", "result-kept")

# ---- Refused -------------------------------------------------------------------------------------------------
refused("a gap", 3, ["shard 1/3 is missing", "paper-0"], "merge", "paper-0", "paper-2", "-o", "no")
refused("a shard twice", 3, ["same shard 0/3", "paper-0", "at-once"], "merge", "at-once", *parts, "-o", "no")
refused("other jobs", 3, ["quantile-1", "paper-0", "different jobs"], "merge", "paper-0", "quantile-1", "paper-2", "-o", "no")
refused("a whole run", 3, ["paper-kept", "--shard"], "merge", "paper-0", "paper-kept", "-o", "no")
refused("a shard that has only statistics", 3, ["next", "filter.json", "--resume"], "merge", "next", "-o", "no")
refused("an output that holds a run", 2, ["paper-kept", "--overwrite"], "merge", *parts, "-o", "paper-kept")
refused("an output that holds something else", 2, ["real", "not empty"], "merge", *parts, "-o", "real")
refused("an output among the inputs", 2, ["paper-0"], "merge", *parts, "-o", "paper-0/all")
refused("another shard's folder", 2, ["paper-0", "--shard"], "run", *FLAGS, "--shard", "1/3", "--resume", "-o", "paper-0")
refused("a shard's folder without --shard", 2, ["paper-0", "--shard"], "run", *FLAGS, "--resume", "-o", "paper-0")
refused("a folder in use", 2, ["paper-0", "--resume"], "run", *FLAGS, "--shard", "0/3", "-o", "paper-0")
refused("--stats without --shard", 2, ["--stats", "--shard"], "run", *FLAGS, "--stats", "paper.json", "-o", "no")
refused("a shard's statistics", 3, ["paper-1/stats.json", "merge"], "run", *FLAGS, "--shard", "0/3", "--stats", "paper-1/stats.json", "-o", "no")
good("statistics of other masks", "stats", "--labels", "camvid", "--masks", "synthetic/masks", "--losses", "synthetic/losses", "-o", "other.json")
refused("are no statistics of this set", 3, ["other.json", "real/masks"], "run", *FLAGS, "--shard", "0/3", "--stats", "other.json", "-o", "no")
tap.ok(not os.path.exists(f"{ROOT}/no"), "refusals leave nothing", everything(f"{ROOT}/no"))
# Statistics of the same names, but of other losses: the merged folder is not finished by them.
shutil.copytree(f"{ROOT}/real/losses", f"{ROOT}/changed")
for stem in REAL:
    loss = np.load(f"{ROOT}/changed/{stem}.npy")
    write(f"{ROOT}/changed/{stem}.npy", npy(loss * 2))
good("other statistics of these names", "stats", *SETS[:2], "--masks", "real/masks", "--losses", "changed", "--histogram", "32", "-o", "changed.json")
for i in range(PARTS):
    good(f"shard {i} by these", "run", *FLAGS, "--shard", f"{i}/3", "--stats", "changed.json", "-o", f"changed-{i}")
refused("one shard by other statistics", 3, ["changed-0", "paper-1", "statistics"], "merge", "changed-0", "paper-1", "paper-2", "-o", "no")
good("all of them", "merge", *(f"changed-{i}" for i in range(PARTS)), "-o", "mixed")
refused("are not the folder's own", 2, ["mixed", "statistics"], "run", *FLAGS, "--resume", "-o", "mixed")
write(f"{ROOT}/paper-0/hardness.csv", read(f"{ROOT}/paper-1/hardness.csv"))
refused("a table of another shard", 3, ["paper-0/hardness.csv", "shard 0/3 is missing"], "merge", *parts, "-o", "no")
tap.ok(not os.path.exists(f"{ROOT}/no"), "a merge that fails leaves nothing")

# A table of which the disk does not say whether it is there is not taken for one that is.
SHIM = os.environ.get("FREEMASK_SHIM")
if SHIM:
    def look(at):
        """The n-th look for a name fails; (result, names in order)."""
        shutil.rmtree(f"{ROOT}/looked", ignore_errors=True)
        settings = dict(os.environ, LD_PRELOAD=os.path.abspath(SHIM), FREEMASK_FAULT_CALLS="stat", FREEMASK_FAULT_AT=str(at),
                        FREEMASK_FAULT_HOW="5", FREEMASK_FAULT_LOG=f"{ROOT}/looks")
        result = run("run", *FLAGS, "--shard", "0/3", "--stats", "paper.json", "-o", "looked", "-j1", cwd=ROOT, env=settings, address_space=8 * GIB)
        names = [line.split("\t")[2] for line in read(f"{ROOT}/looks").decode().splitlines()]
        os.remove(f"{ROOT}/looks")
        return result, names
    undisturbed, names = look(0)
    whole = files("looked")
    places = [at for at, name in enumerate(names, 1) if name.endswith(("looked/hardness.csv", "looked/stats.json"))]
    tap.ok(undisturbed.code == 0 and len(places) >= 2, "tables are looked for", names)
    for at in places:
        result, _ = look(at)
        tap.ok(result.code == 4 or (result.code == 0 and files("looked") == whole),
               f"a look for {names[at - 1]} fails: it is made, or that is said", f"{sorted(files('looked'))}\n{result}")
else:
    tap.skip("a look that fails", "this build has no library to preload", excused=True)
tap.done()
