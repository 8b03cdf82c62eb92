#!/usr/bin/env python3
# cli/test_commands.py - help, --json, check, export and run.
# SPDX-License-Identifier: MIT
import csv
import json
import re

from kit import *

space = ref.preset("ade20k")
rng = np.random.default_rng(15)
real, synthetic = {}, {}
for i in range(6):
    mask = random_mask(rng, space, (30, 40))
    write(tap.path(f"real/m/a {i}.png"), png(mask))
    write(tap.path(f"real/l/a {i}.npy"), npy(random_loss(rng, space, mask)))
    for seed in range(42, 62):
        other = random_mask(rng, space, (20, 30))
        write(tap.path(f"syn/m/a {i}_seed_{seed}.png"), png(other))
        write(tap.path(f"syn/l/a {i}_seed_{seed}.npy"), npy(random_loss(rng, space, other)))
tool, good, _ = commands(tap.path())
L = ["--labels", "ade20k"]


# ---- Help ---------------------------------------------------------------------------------------
for arguments in (["--help"], ["help"], ["-h"]):
    result = good(" ".join(arguments), *arguments)
    commands = re.findall(r"^  ([a-z]+) ", result.out, re.M)
tap.ok({"check", "stats", "merge", "filter", "hardness", "plan", "export", "report", "run", "demo"} <= set(commands),
       "help lists the commands", commands)
for command in commands:
    result = good(f"{command} --help", command, "--help")
    tap.ok(result.out.count("\n") > 3 and not result.err, f"{command} --help tells something", result)
version = good("--version", "--version").out
tap.ok(re.fullmatch(r"freemask \d+\.\d+\.\d+\n", version), "--version", version)

# ---- --json: one object, and nothing else ---------------------------------------------------------
jobs = [["stats", *L, "--masks", "real/m", "--losses", "real/l", "-o", "s.json"],
        ["merge", "-o", "m.json", "s.json"],
        ["filter", "--stats", "s.json", *L, "--masks", "syn/m", "--losses", "syn/l", "-o", "out"],
        ["hardness", "--stats", "s.json", *L, "--masks", "real/m", "-o", "h.csv"],
        ["plan", "--hardness", "h.csv", "-o", "p.csv", "--n-max", "4"],
        ["export", "--plan", "p.csv", "--to", "list", "-o", "list"],
        ["check", *L, "--masks", "real/m", "--losses", "real/l"]]
for job in jobs:
    result = good(f"{job[0]} --json", *job, "--json")
    try:
        tap.ok(isinstance(json.loads(result.out), dict), f"{job[0]} --json prints an object")
    except ValueError as error:
        tap.ok(False, f"{job[0]} --json prints an object", f"{error}\n{result}")
    tap.equal(result.err, "", f"{job[0]} --json says nothing else")
result = good("stats --quiet", *jobs[0], "--quiet")
tap.equal(result.out + result.err, "", "--quiet says nothing")

# ---- export -----------------------------------------------------------------------------------------
plan = list(csv.DictReader(read(tap.path("p.csv")).decode().splitlines()))
stems = [f"{row['mask']}_seed_{seed}" for row in plan for seed in row["seeds"].split()]
tap.equal(read(tap.path("list/real.txt")).decode().split("\n")[:-1], [row["mask"] for row in plan], "real.txt")
tap.equal(read(tap.path("list/synthetic.txt")).decode().split("\n")[:-1], stems, "synthetic.txt")
manifest = json.loads(read(tap.path("list/plan.json")))
tap.equal(manifest["times"], ref.times(len(stems), 6), "times")
tap.equal(manifest["synthetic_images"], len(stems), "synthetic images")
good("export with folders", "export", "--plan", "p.csv", "--to", "list", *L, "--synthetic", "out/masks",
     "--real-masks", "real/m", "-o", "list2")
tap.equal(read(tap.path("list2/synthetic.txt")), read(tap.path("list/synthetic.txt")), "the same list")
for stem in (row["mask"] for row in plan):
    os.makedirs(os.path.dirname(tap.path("images", stem)), exist_ok=True)
    PIL.Image.new("RGB", (4, 4)).save(tap.path("images", stem + ".png"))
good("export to mmseg", "export", "--plan", "p.csv", "--to", "mmseg", *L, "--synthetic", "out/masks",
     "--images", "syn/m", "--real-masks", "real/m", "--real-images", "images", "-o", "mmseg")
config = read(tap.path("mmseg/freemask_mmseg.py")).decode()
compile(config, "freemask_mmseg.py", "exec")
tap.ok("ADE20KDataset" in config and "RepeatDataset" in config and f"times={manifest['times']}" in config,
       "the configuration repeats the real set", config)
os.rename(tap.path("out/masks", stems[0] + ".png"), tap.path("hidden.png"))
result = tool("export", "--plan", "p.csv", "--to", "list", *L, "--synthetic", "out/masks", "-o", "list3")
tap.ok(result.code == 3 and stems[0] in result.err and not os.path.exists(tap.path("list3")),
       "a planned mask that is not there", result)
good("--allow-missing", "export", "--plan", "p.csv", "--to", "list", *L, "--synthetic", "out/masks", "-o", "list3",
     "--allow-missing")
tap.equal(read(tap.path("list3/synthetic.txt")).decode().split("\n")[:-1], stems[1:], "one image less")
os.rename(tap.path("hidden.png"), tap.path("out/masks", stems[0] + ".png"))

# ---- check --------------------------------------------------------------------------------------------
check = ["check", *L, "--masks", "real/m", "--losses", "real/l"]
kept = {name: read(tap.path(name)) for name in ("real/m/a 1.png", "real/l/a 2.npy")}
for name, path, data, says in (
        ("a label outside the space", "real/m/a 1.png", png(np.full((30, 40), 151)), "151"),
        ("a mask that is cut", "real/m/a 1.png", kept["real/m/a 1.png"][:80], "a 1.png"),
        ("other sizes", "real/l/a 2.npy", npy(np.zeros((30, 41), np.float32)), "41x30"),
        ("a loss that is NaN", "real/l/a 2.npy", npy(np.full((30, 40), np.nan, np.float32)), "nan"),
        ("no loss", "real/l/a 2.npy", None, "a 2")):
    write(tap.path(path), data) if data is not None else os.unlink(tap.path(path))
    result = tool(*check)
    tap.ok(result.code == 1 and says in result.out + result.err, f"check finds {name}", result)
    result = tool(*check, "--json")
    tap.ok(result.code == 1 and says in json.dumps(json.loads(result.out), ensure_ascii=False),
           f"check --json finds {name}", result)
    write(tap.path(path), kept[path])
result = good("check finds nothing any more", *check)

# ---- run: all in one folder, the same as one by one ---------------------------------------------------
arguments = ["run", *L, "--real-masks", "real/m", "--real-losses", "real/l", "--synthetic-masks", "syn/m",
             "--synthetic-losses", "syn/l", "--n-max", "4", "-o", "all"]
result = good("run", *arguments)
made = tree(tap.path("all"))
by_name = {os.path.basename(name): data for name, data in made.items()}
good("statistics with a histogram", *jobs[0][:-1], "bins.json", "--histogram", "32")
tap.equal(by_name.get("stats.json"), read(tap.path("bins.json")), "run: the same statistics, with a histogram")
tap.equal(by_name.get("hardness.csv"), read(tap.path("h.csv")), "run: the same hardness")
tap.equal(by_name.get("plan.csv"), read(tap.path("p.csv")), "run: the same plan")
tap.equal(by_name.get("filter.csv"), read(tap.path("out/filter.csv")), "run: the same counts")
masks = {os.path.basename(name): data for name, data in tree(tap.path("out/masks")).items()}
tap.ok(all(by_name.get(name) == data for name, data in masks.items()), "run: the same masks")
pages = {name: data.decode() for name, data in made.items() if name.endswith(".html")}
tap.equal(len(pages), 1, "run: one page")
for page in pages.values():
    links = re.findall(r"""(?:src|href)\s*=\s*["']?([^"'\s>]+)|url\(([^)]+)\)|@import""", page)
    outside = [a or b for a, b in links if not (a or b).strip("'\"").startswith(("data:", "#"))]
    tap.equal(outside, [], "run: the page loads nothing from elsewhere")
    tap.ok("<script src" not in page and len(page) > 2000, "run: the page is whole")
result = good("run --resume of a finished run", *arguments, "--resume")
tap.equal(sorted(tree(tap.path("all"))), sorted(made), "run --resume: the same files")
shared = ["--n-max", "3", "--plan-policy", "blend:rank=1,rare-class=2", "--temperature", "0.5", "--seed", "7"]
good("run with another policy", *[{"all": "other", "4": "3"}.get(word, word) for word in arguments], *shared[2:])
good("plan with it", "plan", "--hardness", "h.csv", *[word.replace("plan-", "") for word in shared], *L, "--masks", "real/m", "-o", "other.csv")
tap.equal(read(tap.path("other/plan.csv")), read(tap.path("other.csv")), "run: the policy is plan's")
tap.ok(read(tap.path("other/plan.csv")) != read(tap.path("all/plan.csv")), "run: it is another plan")
tap.ok(b"--plan-policy blend:rank=1,rare-class=2 --temperature 0.5" in read(tap.path("other/report.html")),
       "run: the page says the policy")
result = tool(*arguments, "--gamma", "2", "--resume")
tap.ok(result.code == 2 and "--gamma" in result.err, "run: a flag that the policy does not look at", result)
os.utime(tap.path("real/l/a 2.npy"))
os.unlink(tap.path("all/plan.csv"))
result = good("run --resume, real losses with a new date", *arguments, "--resume")
tap.ok({name: data for name, data in tree(tap.path("all")).items() if name.endswith((".csv", ".json"))}
       == {name: data for name, data in made.items() if name.endswith((".csv", ".json"))}, "run --resume: the same tables")
loss = read(tap.path("real/l/a 2.npy"))
write(tap.path("real/l/a 2.npy"), npy(np.full((30, 40), 3, np.float32)))
result = tool(*arguments, "--resume")
tap.ok(result.code == 2 and "statistics" in result.err, "run --resume, other real losses: the filter refuses", result)
write(tap.path("real/l/a 2.npy"), loss)
result = good("run --resume, the old ones again", *arguments, "--resume")
result = tool(*arguments)
tap.ok(result.code == 2, "run into a finished folder is refused", result)

# ---- Names that are no UTF-8, or HTML ------------------------------------------------------------------
for name in (b"not \xff utf8", b"a<b>&amp;"):
    write(os.fsencode(tap.path("odd/masks/")) + name + b".png", png(mask))
    write(os.fsencode(tap.path("odd/losses/")) + name + b".npy", npy(random_loss(rng, space, mask)))
good("filter with odd names", "filter", "--stats", "s.json", *L, "--masks", "odd/masks", "--losses", "odd/losses",
     "-o", "odd/out")
good("report with odd names", "report", "odd/out")
page = read(tap.path("odd/out/report.html"))
try:
    text = page.decode()
    tap.ok("not &#xFFFD; utf8" in text and "a&lt;b&gt;&amp;amp;" in text, "the page has the names, escaped")
except UnicodeDecodeError as error:
    tap.ok(False, "the page is UTF-8", error)

tap.done()
