# cli/test_synthetic.py - run and export take the synthetic images that are there, whatever they are called.
import csv
import html
import io
import json
import os
import re
import shutil

from kit import *

rng = np.random.default_rng(11)
CSV = b"label,class,name\n255,ignore,\n0,0,soil\n1,1,crop\n2,2,weed\n"
REAL = ("f0", "f1", "f2", "g_7")
SHAPE = (10, 14)


def loss(scale=1.0):
    return (scale * rng.gamma(1.2, 0.5, SHAPE)).astype(np.float32)


def real(folder):
    path = tap.path(folder)
    write(f"{path}/l.csv", CSV)
    for i, name in enumerate(REAL):
        write(f"{path}/m/{name}.png", png(rng.integers(0, 3, SHAPE)))
        write(f"{path}/x/{name}.npy", npy(loss(1 + i)))
    return path


def add(path, name):
    write(f"{path}/sm/{name}.png", png(rng.integers(0, 3, SHAPE)))
    write(f"{path}/sx/{name}.npy", npy(loss()))


def world(folder, pattern, seeds=range(3)):
    path = real(folder)
    for name in REAL:
        for seed in seeds:
            add(path, pattern.format(name, seed))
    return path


def go(path, *flags, out="out"):
    shutil.rmtree(f"{path}/{out}", ignore_errors=True)
    return run("run", "-l", "l.csv", "--real-masks", "m", "--real-losses", "x", "--synthetic-masks", "sm",
               "--synthetic-losses", "sx", "-o", out, *flags, cwd=path)


def plan_of(path, out="out"):
    """{mask: [seeds]}"""
    rows = csv.DictReader(io.StringIO(read(f"{path}/{out}/plan.csv").decode()))
    return {row["mask"]: [int(seed) for seed in row["seeds"].split()] for row in rows}


def numbers(path, out="out"):
    """Synthetic images as plan, export and report have them."""
    export = json.loads(read(f"{path}/{out}/export/plan.json"))
    report = read(f"{path}/{out}/report.html").decode()
    told = int(re.search(r"<b>([\d,]+)</b><span>synthetic images in the plan", report).group(1).replace(",", ""))
    times = int(re.search(r"<b>(\d+) &times;</b><span>repeats", report).group(1))
    planned = sum(map(len, plan_of(path, out).values()))
    listed = read(f"{path}/{out}/export/synthetic.txt").split()
    return {planned, export["synthetic_images"], told, len(listed)}, export["missing"], {times, export["times"]}, listed


def good(name, path, result, images=None):
    if not tap.ok(result.code == 0, name, result):
        return
    counts, missing, times, listed = numbers(path)
    there = {os.path.relpath(os.path.join(base, file), f"{path}/sm")[:-4]
             for base, _, files in os.walk(f"{path}/sm") for file in files}
    tap.ok(len(counts) == 1 and not missing and len(times) == 1 and set(entry.decode() for entry in listed) <= there
           and (images is None or counts == {images}),
           f"{name}: plan, export and report agree, and all images are there", f"{counts} {missing} {times} {listed}")


# ---- Names that are usual ---------------------------------------------------------------------------

for pattern in ("{}_seed_{}", "{}_{}", "{}-{}", "{}_seed{}", "{}_s{}", "{}.{}", "{}_{:04d}", "seed_{1}/{0}", "{1}/{0}",
                "{}/{}", "{1}_{0}"):
    path = world("usual" + re.sub(r"\W", "_", pattern), pattern)
    result = go(path)
    good(f"names {pattern}", path, result)
    tap.equal(result.err.count("taken for their pattern"), int(pattern != "{}_seed_{}"), f"names {pattern}: a guess is said, once")
tap.ok("left_out" not in json.loads(read(f"{path}/out/run.json")), "all formats are there")
path = world("odd", "{}_seed_{}")
write(f"{path}/l.csv", CSV + b"3,0,\n")  # two labels of a class are more than mmseg can say
result = go(path)
left_out = json.loads(read(f"{path}/out/run.json"))["left_out"]
tap.ok(result.code == 0 and "label space" in left_out["mmseg"] and left_out["mmseg"] in html.unescape(read(f"{path}/out/report.html").decode())
       and left_out["mmseg"] in result.out, "a format that was passed over is said: now, in run.json and in the report", left_out)
before = read(f"{path}/out/run.json")
result = run("run", "-l", "l.csv", "--real-masks", "m", "--real-losses", "x", "--synthetic-masks", "sm", "--synthetic-losses", "sx",
             "-o", "out", "--resume", cwd=path)
tap.ok(result.code == 0 and read(f"{path}/out/run.json") == before, "and again", result)
path = world("single", "{}", range(1))
good("one image of each mask, of the same name", path, go(path), 4)
good("whatever --seeds says", path, go(path, "--seeds", "1:2", "--n-max", "1"), 4)
path = world("own", "img{1}of{0}", range(5))
result = go(path)
tap.ok(result.code == 3 and "expected names like 'f0_seed_42'" in result.err and "img0of" in result.err
       and "--synthetic-name" in result.err and not os.path.exists(f"{path}/out"), "unknown names fail", result)
good("--synthetic-name", path, go(path, "--synthetic-name", "img{n}of{stem}"))
for bad in ("{seed}", "{stem}{stem}", "{stem}_{seed}_{n}", "x"):
    result = go(path, "--synthetic-name", bad)
    tap.ok(result.code == 2 and "--synthetic-name" in result.err, f"--synthetic-name {bad} is no pattern", result)

# ---- What is there ------------------------------------------------------------------------------------

path = world("few", "{}_seed_{}", range(42, 45))
good("three seeds of twenty", path, go(path))
tap.ok(set(sum(plan_of(path).values(), [])) <= {42, 43, 44}, "and no others", plan_of(path))
path = world("uneven", "{}_seed_{}", range(0))
for i, name in enumerate(REAL):
    for seed in range(100 * i, 100 * i + i + 1):
        add(path, f"{name}_seed_{seed}")
good("each mask has seeds of its own", path, go(path))
plan = plan_of(path)
tap.ok(all(100 * i <= seed <= 100 * i + i for i, name in enumerate(REAL) for seed in plan[name])
       and sum(map(len, plan.values())) > 4, "each gets its own", plan)
path = world("whole", "{}_seed_{}", range(42, 62))
good("all twenty", path, go(path))
whole = plan_of(path)
stats, hardness = (read(f"{path}/out/{name}") for name in ("stats.json", "hardness.csv"))
result = run("plan", "-q", "--hardness", f"{path}/out/hardness.csv", "-o", f"{path}/p.csv")
tap.equal(read(f"{path}/p.csv"), read(f"{path}/out/plan.csv"), "with all seeds the plan is that of freemask plan")
for name in os.listdir(f"{path}/sm"):
    stem, seed = re.fullmatch(r"(.*)_seed_(\d+)\.png", name).groups()
    if int(seed) not in whole[stem]:
        os.unlink(f"{path}/sm/{name}")
good("only what was planned was generated", path, go(path))
tap.equal(plan_of(path), whole, "then that is the plan again")
add(path, "stranger_seed_42")
result = go(path)
good("a few of other masks", path, result)
tap.ok("1 of" in result.err and "stranger_seed_42" in result.err, "are named", result)
path = world("strangers", "z{}_seed_{}", range(5))
add(path, "f0_seed_42")
result = go(path)
tap.ok(result.code == 3 and "1 of 21 files are named after a mask" in result.err, "nearly none fails", result)
path = world("seeds", "{}_seed_{}", range(10))
good("--seeds", path, go(path, "--seeds", "0:3"))
tap.ok(set(sum(plan_of(path).values(), [])) <= {0, 1, 2}, "takes no others", plan_of(path))
result = go(path, "--seeds", "42:62")
tap.ok(result.code == 3 and "42:62" in result.err and "number 0 of mask 'f0'" in result.err, "--seeds of none fail", result)
add(path, "f0_seed_007")
result = go(path)
tap.ok(result.code == 3 and "are both number 7 of mask 'f0'" in result.err, "the same image twice fails", result)

# ---- Suffixes, and export -------------------------------------------------------------------------------

path = real("suffixed")
for name in REAL:
    for seed in range(3):
        write(f"{path}/sm/{name}_{seed}_mask.png", png(rng.integers(0, 3, SHAPE)))
        write(f"{path}/sx/{name}_{seed}.npy", npy(loss()))
result = go(path)
tap.ok(result.code == 0 and numbers(path)[0] == {len(numbers(path)[3])}, "synthetic masks with a suffix", result)
tap.ok(all(b"_mask" not in line for line in numbers(path)[3]), "which is no part of the names", numbers(path)[3])
path = world("export", "{}_{}")
go(path)
result = run("export", "--plan", "out/plan.csv", "--to", "list", "--synthetic", "out/masks", "--synthetic-name",
             "{stem}_{seed}", "-o", "lists", cwd=path)
tap.ok(result.code == 0 and read(f"{path}/lists/synthetic.txt") == read(f"{path}/out/export/synthetic.txt"),
       "export takes the same pattern", result)
os.unlink(f"{path}/out/masks/{numbers(path)[3][0].decode()}.png")
result = run("export", "--plan", "out/plan.csv", "--to", "list", "--synthetic", "out/masks", "-o", "lists", cwd=path)
tap.ok(result.code == 3 and "images of the plan are missing" in result.err and "nearest lies" in result.err,
       "export names what is missing and what lies nearest", result)
result = go(path, "--resume")
tap.done()
