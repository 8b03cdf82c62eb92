#!/usr/bin/env python3
# cli/test_merge.py - what shards write is joined to what the command writes alone, and nothing else is.
# SPDX-License-Identifier: MIT
import json
import shutil
import unicodedata

from kit import *

ROOT = tap.path("w")
tool, good, refused = commands(ROOT)
COUNT = 24
space = ref.preset("camvid")
rng = np.random.default_rng(14)
NAMES = [f"{'ab'[i % 2]}/scene_{i}" for i in range(COUNT)] + ["Zürich"]
for set_ in ("real", "synthetic"):
    for stem in NAMES:
        mask = random_mask(rng, space, tuple(rng.integers(12, 40, 2)))
        write(f"{ROOT}/{set_}/masks/{stem}.png", png(mask))
        write(f"{ROOT}/{set_}/losses/{stem}.npy", npy(random_loss(rng, space, mask)))
REAL = ["--labels", "camvid", "--masks", "real/masks", "--losses", "real/losses"]
MADE = ["--labels", "camvid", "--masks", "synthetic/masks", "--losses", "synthetic/losses"]
HARD = ["hardness", "-s", "whole.json", *REAL[:4]]
good("statistics", "stats", *REAL, "--histogram", "32", "-o", "whole.json")


def fnv1a(data):
    h = 0xcbf29ce484222325
    for byte in data:
        h = (h ^ byte) * 0x100000001b3 & (1 << 64) - 1
    return h


def finalize(z):
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9 & (1 << 64) - 1
    z = (z ^ z >> 27) * 0x94d049bb133111eb & (1 << 64) - 1
    return z ^ z >> 31


def shard_of(stem, count):
    """doc/random.md, in Python."""
    return finalize(fnv1a(unicodedata.normalize("NFC", stem).encode())) * count >> 64


def shards(name, count, *command, folders=False):
    out = [f"{name}{i}" for i in range(count)]
    for i in range(count):
        result = tool(*command, "--shard", f"{i}/{count}", "-o", out[i])
        tap.ok(result.code == 0, f"{command[0]} --shard {i}/{count}", result)
    return out


# ---- Which shard ------------------------------------------------------------------------------------------
parts = shards("s", 5, "filter", "-s", "whole.json", *MADE)
for i, part in enumerate(parts):
    masks = {name[len("masks/"):-len(".png")] for name in tree(f"{ROOT}/{part}") if name.startswith("masks/")}
    tap.equal(masks, {stem for stem in NAMES if shard_of(stem, 5) == i}, f"shard {i}/5 is as documented")
before = {stem for stem in NAMES if shard_of(stem, 5) == 2}
write(f"{ROOT}/more/masks/scene_new.png", read(f"{ROOT}/synthetic/masks/a/scene_0.png"))
shutil.copytree(f"{ROOT}/synthetic/masks", f"{ROOT}/more/masks", dirs_exist_ok=True)
result = tool("check", "--labels", "camvid", "--masks", "more/masks", "--shard", "2/5", "--json")
tap.ok(json.loads(result.out)["masks"] - len(before) == (shard_of("scene_new", 5) == 2),
       "a mask that is added moves no other one", result)
tap.equal(sum(json.loads(tool("check", "--labels", "camvid", "--masks", "more/masks", "--shard", f"{i}/5", "--json").out)["masks"]
              for i in range(5)), COUNT + 2, "check reads each mask in one shard")

# ---- Check --------------------------------------------------------------------------------------------------
def bad_set(name):
    """Masks with a foreign label, palettes of their own, losses that are missing, damaged, negative, or a hair below 0."""
    for i, stem in enumerate(NAMES):
        mask = random_mask(rng, space, (20, 24))
        if i % 7 == 3:
            mask[2, 3] = 97
        write(f"{ROOT}/{name}/masks/{stem}.png", png(mask))
        if i in (4, 9):
            image = PIL.Image.fromarray(np.full((20, 24), 1, np.uint8), "P")
            image.putpalette([0, 0, 0, 10 * i, 5, 6] + [0] * 762)
            image.save(f"{ROOT}/{name}/masks/{stem}.png")
            mask = np.full((20, 24), 1, np.uint8)
        loss = random_loss(rng, space, mask)
        loss[5, 6] = -1e-6 if i % 5 == 1 else loss[5, 6]
        loss[7, 8] = -3 if i == 6 else loss[7, 8]
        if i % 11 != 10:
            write(f"{ROOT}/{name}/losses/{stem}.npy", npy(loss)[:40 if i == 8 else None])
        write(f"{ROOT}/{name}/images/{stem}.png", png(np.zeros((20, 24 + (i == 5)), np.uint8)))
    write(f"{ROOT}/{name}/images/spare.png", png(np.zeros((20, 24), np.uint8)))


def report(name, *flags):
    result = tool("check", "--labels", "camvid", "--json", *flags)
    tap.ok(result.code in (0, 1), f"check {' '.join(flags)}", result)
    write(f"{ROOT}/{name}", result.out.encode())
    return name


bad_set("bad")
CHECKS = (("bad", ["--masks", "bad/masks", "--losses", "bad/losses", "--images", "bad/images"]), ("good", ["--masks", "real/masks"]))
for name, flags in CHECKS:
    whole = report(f"c-{name}.json", *flags)
    for count in (2, 40):
        some = [report(f"c-{name}-{count}-{i}.json", *flags, "--shard", f"{i}/{count}") for i in range(count)]
        good(f"merge of {count} reports", "merge", *some[::-1], "-o", "c.json")
        tap.equal(read(f"{ROOT}/c.json").decode(), read(f"{ROOT}/{whole}").decode(), f"{name}: {count} shards make the same report")
found = json.loads(read(f"{ROOT}/c-bad.json"))
tap.ok({one["kind"] for one in found["findings"]} >= {"label", "colors", "loss", "missing", "unreadable", "size", "convention"}
       and any("hair below" in note for note in found["notes"]) and any("spare" in note for note in found["notes"]), "there was much to find", found)
tap.equal(json.loads(read(f"{ROOT}/c-bad-2-1.json"))["shard"]["index"], 1, "a report says which shard it is of")
one, two = "c-bad-2-0.json", "c-bad-2-1.json"
refused("a report is missing", 3, ["shard 1/2 is missing", one], "merge", one, "-o", "no.json")
refused("a report twice", 3, ["same shard 0/2", one], "merge", one, one, two, "-o", "no.json")
refused("reports of other sets", 3, [one, "c-good-2-1.json", "different jobs"], "merge", one, "c-good-2-1.json", "-o", "no.json")
refused("a report of all", 3, ["c-bad.json", "--shard"], "merge", one, "c-bad.json", "-o", "no.json")
refused("a report and statistics", 3, ["whole.json"], "merge", one, "whole.json", "-o", "no.json")
refused("--distinct reports", 2, ["--distinct", "report"], "merge", "--distinct", one, two, "-o", "no.json")
for name, change in (("values", lambda shard: shard["values"][0].pop()), ("colors", lambda shard: shard["colors"][0].append(1)),
                     ("sums", lambda shard: shard["sums"].update(losses=None, below=1)), ("made_of", lambda shard: shard.pop("made_of")),
                     ("index", lambda shard: shard.update(index=7))):
    broken = json.loads(read(f"{ROOT}/{one}"))
    change(broken["shard"])
    write(f"{ROOT}/broken.json", json.dumps(broken).encode())
    refused(f"broken {name}", 3, ["broken.json", name], "merge", "broken.json", two, "-o", "no.json")
tap.ok(not os.path.exists(f"{ROOT}/no.json"), "no report is written")

# ---- Hardness -----------------------------------------------------------------------------------------------
for name, flags in (("means", []), ("worst", ["--measure", "worst-class", "--resize", "none"]), ("own", ["--losses", "real/losses"])):
    good(f"hardness {name}", *HARD, *flags, "-o", f"h-{name}.csv")
    for count in (2, 40) if name == "means" else (2,):
        tables = shards(f"h-{name}-{count}-", count, *HARD, *flags)
        good(f"merge of {count} tables", "merge", *tables[::-1], "-o", "h.csv")
        tap.equal(read(f"{ROOT}/h.csv"), read(f"{ROOT}/h-{name}.csv"), f"{name}: {count} shards make the same table")
two, other = ["h-means-2-0", "h-means-2-1"], "h-worst-2-1"
good("hardness of other statistics", "stats", *MADE, "-o", "other.json")
good("another job", "hardness", "-s", "other.json", *REAL[:4], "--shard", "1/2", "-o", "h-other-1")
good("another set", "hardness", "-s", "whole.json", "--labels", "camvid", "--masks", "more/masks", "--shard", "1/2", "-o", "h-more-1")
refused("a shard is missing", 3, ["shard 1/2 is missing", two[0]], "merge", two[0], "-o", "no.csv")
refused("a shard twice", 3, ["same shard 0/2", two[0]], "merge", two[0], two[0], two[1], "-o", "no.csv")
refused("shards of other numbers", 3, ["of 2 and 40"], "merge", two[0], "h-means-40-1", "-o", "no.csv")
refused("other flags", 3, [two[0], other, "different jobs", "differ"], "merge", two[0], other, "-o", "no.csv")
refused("other statistics", 3, [two[0], "h-other-1", "statistics"], "merge", two[0], "h-other-1", "-o", "no.csv")
refused("another set of masks", 3, [two[0], "h-more-1", "different sets"], "merge", two[0], "h-more-1", "-o", "no.csv")
refused("a whole table", 3, ["h-means.csv", "whole set"], "merge", two[0], "h-means.csv", "-o", "no.csv")
refused("a table and statistics", 3, ["whole.json"], "merge", two[0], "whole.json", "-o", "no.csv")
refused("a plan of a shard", 3, [two[0], "shard 0/2", "merge"], "plan", "--hardness", two[0], "-o", "no.csv")
refused("--distinct", 2, ["--distinct", "table"], "merge", "--distinct", *two, "-o", "no.csv")
refused("--link", 2, ["--link", "folders"], "merge", "--link", *two, "-o", "no.csv")
refused("--shape", 2, ["--shape", "--shard"], "hardness", "--shape", *REAL[:4], "--shard", "0/2", "-o", "no.csv")
lines = read(f"{ROOT}/{two[0]}").split(b"\n")
tap.ok(lines[0].startswith(b"# freemask-shard ") and lines[1] == b"mask,hardness,valid_pixels", "a shard's table says what it is", lines[:2])
write(f"{ROOT}/cut.csv", b"\n".join(lines[:2] + lines[3:]))
refused("a row is missing", 3, ["cut.csv", "masks"], "merge", "cut.csv", two[1], "-o", "no.csv")
write(f"{ROOT}/twice.csv", b"\n".join(lines[:3] + lines[2:]))
refused("a row occurs twice", 3, ["twice"], "merge", "twice.csv", two[1], "-o", "no.csv")
write(f"{ROOT}/broken.csv", b"# freemask-shard {\n" + b"\n".join(lines[1:]))
refused("a broken mark", 3, ["broken.csv", "line 1"], "merge", "broken.csv", two[1], "-o", "no.csv")
write(f"{ROOT}/unmarked.csv", lines[0] + b"\nnot a header\n")
refused("a broken header", 3, ["unmarked.csv", "line 2", "expected the header"], "merge", "unmarked.csv", two[1], "-o", "no.csv")
tap.ok(not os.path.exists(f"{ROOT}/no.csv"), "refusals write nothing")

# ---- Filter -------------------------------------------------------------------------------------------------
for name, flags in (("paper", []), ("weights", ["--weights", "ramp"]), ("kept", ["--min-kept", "0.4", "--unseen", "keep"])):
    good(f"filter {name}", "filter", "-s", "whole.json", *MADE, *flags, "-o", f"f-{name}")
    for count in (2, 60) if name == "paper" else (2,):
        folders = shards(f"f-{name}-{count}-", count, "filter", "-s", "whole.json", *MADE, *flags)
        good(f"merge of {count} folders", "merge", *folders[::-1], "-o", f"m-{name}-{count}", *(["--link"] if count == 2 else []))
        tap.equal(tree(f"{ROOT}/m-{name}-{count}"), tree(f"{ROOT}/f-{name}"), f"{name}: {count} shards make the same folder")
result = good("the merged folder is a finished run", "filter", "-s", "whole.json", *MADE, "--resume", "-o", "m-paper-60")
tap.ok("finished already" in result.out, "--resume finds nothing to do", result)
for folder in ("f-paper", "m-paper-60"):
    good(f"report of {folder}", "report", folder, "-o", f"{folder}.html")
tap.equal(read(f"{ROOT}/m-paper-60.html").replace(b"m-paper-60", b"f-paper"), read(f"{ROOT}/f-paper.html"), "their reports are the same")
one, two = "f-paper-2-0", "f-paper-2-1"
refused("a folder twice", 3, ["same shard 0/2", one], "merge", one, one, two, "-o", "no")
refused("a folder is missing", 3, ["shard 1/2 is missing", one], "merge", one, "-o", "no")
refused("folders of other flags", 3, [one, "f-kept-2-1", "--min-kept", "different jobs"], "merge", one, "f-kept-2-1", "-o", "no")
refused("a whole folder", 3, ["f-paper", "whole set"], "merge", one, "f-paper", "-o", "no")
refused("a folder of something else", 3, ["real", "filter.json"], "merge", one, "real", "-o", "no")
refused("a folder and a file", 3, ["whole.json", "no folder"], "merge", one, "whole.json", "-o", "no")
refused("an output that holds a run", 2, ["m-paper-2", "--overwrite"], "merge", one, two, "-o", "m-paper-2")
refused("an output that holds something else", 2, ["real", "not empty"], "merge", one, two, "-o", "real")
refused("an output among the inputs", 2, [one], "merge", one, two, "-o", f"{one}/whole")
good("--overwrite", "merge", "--overwrite", one, two, "-o", "m-paper-2")
tap.equal(tree(f"{ROOT}/m-paper-2"), tree(f"{ROOT}/f-paper"), "--overwrite replaces a run by the same one")
tap.ok(tree(f"{ROOT}/{one}") and not os.path.exists(f"{ROOT}/no"), "shards stay, refusals write nothing")
shutil.copytree(f"{ROOT}/{one}", f"{ROOT}/less")
os.remove(next(os.path.join(base, name) for base, _, names in os.walk(f"{ROOT}/less/masks") for name in names))
refused("a mask is missing", 3, ["less/masks", "rows"], "merge", "less", two, "-o", "no")
write(f"{ROOT}/less/filter.journal", b"")
refused("an unfinished run", 3, ["less", "--resume"], "merge", "less", two, "-o", "no")
tap.ok(not os.path.exists(f"{ROOT}/no"), "a merge that fails leaves nothing")

# ---- Export and collect -------------------------------------------------------------------------------------
good("plan", "plan", "--hardness", "h-means.csv", "--n-max", "4", "--seeds", "0:10", "-o", "plan.csv")
good("jobs", "export", "--plan", "plan.csv", "--to", "jsonl", "--real-masks", "real/masks", "-o", "jobs")
whole, found = sorted(read(f"{ROOT}/jobs/jobs.jsonl").splitlines()), []
for i in range(3):
    result = good(f"jobs of shard {i}", "export", "--plan", "plan.csv", "--to", "jsonl", "--real-masks", "real/masks", "--shard", f"{i}/3", "-o", f"jobs{i}")
    found += read(f"{ROOT}/jobs{i}/jobs.jsonl").splitlines()
tap.equal([json.loads(line)["seed"] for line in sorted(found)], [json.loads(line)["seed"] for line in whole], "shards of jobs are all jobs")
tap.equal(len(set(found)), len(whole), "each job is in one shard")
from PIL import Image  # noqa: E402

for line in whole:
    job = json.loads(line)
    with Image.open(os.path.join(ROOT, "jobs", job["mask"])) as mask:
        path = os.path.join(ROOT, "jobs", job["output"])
        os.makedirs(os.path.dirname(path), exist_ok=True)
        Image.fromarray(np.zeros((mask.height, mask.width, 3), np.uint8)).save(path)
good("collect", "collect", "--jobs", "jobs", "-o", "images")
for i in range(3):
    good(f"collect of shard {i}", "collect", "--jobs", "jobs", "--shard", f"{i}/3", "-o", "images3")
tap.equal(tree(f"{ROOT}/images3"), tree(f"{ROOT}/images"), "shards of collect, one after the other, are all images")
refused("a shard without masks", 3, ["has none of its"], "export", "--plan", "plan.csv", "--to", "jsonl", "--real-masks", "real/masks",
        "--shard", f"{next(i for i in range(999) if i not in {shard_of(stem, 999) for stem in NAMES})}/999", "-o", "no")
tap.done()
