#!/usr/bin/env python3
# cli/test_generators.py - jobs for generators: export, a run that crashes, collect, export of the rest,
# collect. The generators are stand-ins with the manners of the originals.
# SPDX-License-Identifier: MIT
import json
import subprocess

from export_world import *
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
NAMES = ["plain", "two words", 'quo"te', "apos'trophe", "uml\u00e4ut", "sub/deep", "other/deep", "sub%2Fdeep", "$HOME`x`",
         "-dash", "line\u2028end", "dots.in.name", "a.jpg.b", "pngpng", "x.png.x"]
PLAN = {name: [7, 2**32 - 1] if i % 2 else [7] for i, name in enumerate(NAMES)}
WANTED = sorted(f"{name}_seed_{seed}" for name, seeds in PLAN.items() for seed in seeds)


def tool(*arguments):
    return run(*arguments, cwd=tap.path())


def collected(folder):
    top = tap.path(folder, "images")
    return sorted(os.path.splitext(os.path.relpath(os.path.join(base, name), top))[0] for base, _, files in os.walk(top) for name in files)


class Generator:
    def __init__(self, kind, script, arguments):
        self.kind, self.arguments = kind, arguments
        self.home = tap.path(kind)
        os.makedirs(self.home)
        shutil.copy(os.path.join(HERE, f"stand_in_{kind}.py"), os.path.join(self.home, script))
        write(os.path.join(self.home, "config.yaml"), b"")

    def __call__(self, jobs, crash=0):
        # A folder that cd would print and follow, and a plan folder that begins with a dash.
        environment = {**os.environ, "PYTHON": sys.executable, "STAND_IN_CRASH": str(crash), "CDPATH": tap.path()}
        return subprocess.run(["sh", os.path.relpath(tap.path(jobs, "generate.sh"), self.home), *self.arguments], cwd=self.home,
                              env=environment, capture_output=True, text=True)


def round_trip(generator, labels, suffix, size, ending, largest=254):
    top = f"{generator.kind}-{labels}"
    space = ref.preset(labels)
    for name in NAMES:
        write(tap.path(top, "masks", name + suffix + ".png"), png(random_mask(rng, space, (40, 60), largest=largest)))
    write(tap.path(top, "plan.csv"), plan_csv(PLAN))
    export = ["export", "--plan", f"{top}/plan.csv", "--to", generator.kind, "--labels", labels, "--real-masks", f"{top}/masks",
              "-o", f"{top}/the jobs"]
    result = tool(*export, "--json")
    tap.ok(result.code == 0 and json.loads(result.out)["jobs"] == len(WANTED), f"{top}: jobs", result)
    with open(tap.path(top, "the jobs/jobs.jsonl"), encoding="utf-8", newline="\n") as file:
        rows = {row["name"]: row for row in map(json.loads, file)}
    tap.ok(len({row["output"] for row in rows.values()}) == len(WANTED), f"{top}: distinct outputs")
    ran = generator(f"{top}/the jobs", crash=4)
    tap.ok(ran.returncode != 0, f"{top}: the generator crashes in the first run", ran)
    result = tool("collect", "--jobs", f"{top}/the jobs", "-o", f"{top}/syn")
    some = collected(f"{top}/syn")
    result = tool(*export, "--images", f"{top}/syn/images", "--json") if some else tool(*export, "--json")
    tap.equal(json.loads(result.out).get("jobs"), len(WANTED) - len(some), f"{top}: the next export asks for the rest")
    ran = generator(f"{top}/the jobs")
    tap.ok(ran.returncode == 0 and not ran.stdout.strip().startswith("/"), f"{top}: the generator ends well", ran)
    result = tool("collect", "--jobs", f"{top}/the jobs", "-o", f"{top}/syn")
    tap.ok(result.code == 0 and collected(f"{top}/syn") == WANTED, f"{top}: the set is what the plan asks for", result)
    wrong = []
    for name, seeds in PLAN.items():
        for seed in seeds:
            stem = f"{name}_seed_{seed}"
            real = Image.open(tap.path(top, "masks", name + suffix + ".png")).resize(size, Image.NEAREST)
            made = Image.open(tap.path(top, "syn/masks", stem + suffix + ".png"))
            result_image = Image.open(tap.path(top, "syn/images", stem + "." + ending.split(".")[-1]))
            if (not np.array_equal(np.array(real), np.array(made)) or result_image.size != size
                    or not rows[stem]["output"].endswith(ending)):
                wrong.append(stem)
    tap.equal(wrong, [], f"{top}: masks are the real ones as Pillow resizes them")
    result = tool("check", "--labels", labels, "--masks", f"{top}/syn/masks", "--images", f"{top}/syn/images")
    tap.ok(result.code == 0, f"{top}: check has nothing to say", result)


place = Generator("place", "inference.py", ["--config", "config.yaml", "--ckpt", "a file.ckpt"])
oasis = Generator("oasis", "test.py", ["--name", "oasis pretrained", "--gpu_ids", "-1", "--batch_size", "4"])
round_trip(place, "ade20k", "", (512, 512), ".jpg")
round_trip(place, "cocostuff164k-raw", "", (512, 512), ".jpg")
round_trip(oasis, "ade20k", "", (256, 256), ".png")
round_trip(oasis, "cocostuff164k-raw", "", (256, 256), ".png")
round_trip(oasis, "cityscapes-ids", "_gtFine_labelIds", (512, 256), "_leftImg8bit.png", largest=33)

# ---- Steered by pictures: diffusers' ControlNets and Cosmos-Transfer2.5 --------------------------------
# An own table with colors: label, class, name, color.
ROWS = [(0, 0, "sky", (1, 2, 3)), (7, 1, "road, wet", (250, 0, 128)), (9, 2, "tree", (255, 255, 255)), (200, None, "", (9, 9, 9)),
        (255, None, "", None)]
write(tap.path("own.csv"), ("label,class,name,color\n" + "".join(
    f'{label},{"ignore" if k is None else k},"{name}",{"#{:02x}{:02x}{:02x}".format(*color) if color else ""}\n'
    for label, k, name, color in ROWS)).encode())
LABELS = np.array([row[0] for row in ROWS])
COLORS = {row[0]: row[3] or (0, 0, 0) for row in ROWS}
SHAPE = (37, 61)


def pictures(mask):
    """The picture of a mask, its edges, and its prompt, by NumPy."""
    rgb = np.zeros((*mask.shape, 3), np.uint8)
    for label, color in COLORS.items():
        rgb[mask == label] = color
    edges = np.zeros(mask.shape, bool)
    edges[:, :-1] |= mask[:, :-1] != mask[:, 1:]
    edges[:-1] |= mask[:-1] != mask[1:]
    return rgb, np.where(edges, 255, 0)


def prompt(mask):
    counts = sorted((-(mask == label).sum(), k, name) for label, k, name, _ in ROWS if k is not None and (mask == label).any())
    return ", ".join(name for _, _, name in counts)


def blobs():
    return LABELS[rng.integers(0, len(LABELS), (5, 7))].repeat(8, 0).repeat(9, 1)[:SHAPE[0], :SHAPE[1]]


MASKS = {name: blobs() for name in NAMES}
MASKS["plain"][:] = 255  # nothing to say
for name, mask in MASKS.items():
    write(tap.path("own/masks", name + ".png"), png(mask))
write(tap.path("own/plan.csv"), plan_csv(PLAN))


def jobs(kind, out, *more, plan="own/plan.csv", labels="own.csv"):
    return tool("export", "--plan", plan, "--to", kind, "--labels", labels, "--real-masks", "own/masks", "-o", out, "--json", *more)


def rows_of(out):
    with open(tap.path(out, "jobs.jsonl"), encoding="utf-8", newline="\n") as file:
        return [json.loads(line) for line in file]


def check_pictures(out, size):
    """Every job's pictures, in a size (width, height), and its prompt."""
    wrong = []
    for row in rows_of(out):
        mask = MASKS[row["name"].rsplit("_seed_", 1)[0]]
        resized = np.array(Image.fromarray(mask.astype(np.uint8)).resize(size, Image.NEAREST)).astype(int)
        rgb, edges = pictures(resized)
        control, lines = (Image.open(os.path.join(tap.path(out), row[kind])) for kind in ("control", "edges"))
        if not (np.array_equal(np.array(control), rgb) and control.mode == "RGB" and np.array_equal(np.array(lines), edges)
                and row["prompt"] == prompt(mask) and (row["width"], row["height"]) == size):
            wrong.append(row["name"])
    tap.equal(wrong, [], f"{out}: colors, edges and prompts of every mask, {size}")


def end_of_trip(kind, out, size):
    result = tool("collect", "--jobs", out, "-o", f"{out}/syn")
    tap.ok(result.code == 0 and collected(f"{out}/syn") == WANTED, f"{kind}: the set is what the plan asks for", result)
    wrong = [stem for stem in WANTED if not np.array_equal(
        np.array(Image.open(tap.path(out, "syn/masks", stem + ".png"))),
        np.array(Image.fromarray(MASKS[stem.rsplit("_seed_", 1)[0]].astype(np.uint8)).resize(size, Image.NEAREST)))]
    tap.equal(wrong, [], f"{kind}: masks in the size of the images")


def diffuse(out, *more, crash=0):
    environment = {**os.environ, "PYTHONPATH": os.path.join(HERE, "stand_ins"), "STAND_IN_LOG": tap.path("log"),
                   "STAND_IN_CRASH": str(crash)}
    return subprocess.run([sys.executable, tap.path(out, "generate.py"), "--model", "a/model", "--controlnet", "a/net", *more],
                          env=environment, capture_output=True, text=True)


for way, more, size in (("absolute", (), (64, 40)), ("relative", ("--size", "128x96"), (128, 96))):
    out = f"cn {way}"
    result = jobs("controlnet", out, "--paths", way, *more)
    tap.ok(result.code == 0 and json.loads(result.out)["jobs"] == len(WANTED), f"controlnet, {way}: jobs", result)
    check_pictures(out, size)
    write(tap.path("log"), b"")
    ran = diffuse(out, crash=5)
    tap.ok(ran.returncode != 0 and "out of memory" in ran.stderr, f"controlnet, {way}: crashes", ran)
    ran = diffuse(out, "--prompt", "a photo of {classes}")
    tap.ok(ran.returncode == 0 and f"{len(WANTED) - 4} images made, 4 were there" in ran.stdout, f"controlnet, {way}: goes on", ran)
    calls = [json.loads(line) for line in read(tap.path("log")).decode().splitlines()]
    tap.equal(sorted(call["seed"] for call in calls), sorted(row["seed"] for row in rows_of(out)), "each job its own seed")
    tap.ok(any(call["prompt"] == f"a photo of {prompt(MASKS['pngpng'])}" for call in calls), "the prompt's frame", calls[-3:])
    end_of_trip("controlnet", out, size)
result = jobs("controlnet", "cn edges")
ran = diffuse("cn edges", "--condition", "edges")
calls = [json.loads(line) for line in read(tap.path("log")).decode().splitlines()]
tap.ok(ran.returncode == 0 and {tuple(color) for call in calls[-9:] for color in call["colors"]} == {(0, 0, 0), (255,) * 3},
       "--condition edges gives the network the edges", ran)

shutil.copy(os.path.join(HERE, "stand_in_cosmos.py"), tap.path("inference.py"))
os.makedirs(tap.path("cosmos home/examples"))
shutil.move(tap.path("inference.py"), tap.path("cosmos home/examples/inference.py"))


def cosmos(out, crash=0):
    return subprocess.run(["sh", tap.path(out, "generate.sh")], cwd=tap.path("cosmos home"), capture_output=True, text=True,
                          env={**os.environ, "PYTHON": sys.executable, "STAND_IN_CRASH": str(crash)})


for way in ("absolute", "relative"):
    out = f"cosmos {way}"
    result = jobs("cosmos", out, "--paths", way)
    tap.ok(result.code == 0, f"cosmos, {way}: jobs", result)
    check_pictures(out, (62, 38))
    ran = cosmos(out, crash=6)
    tap.ok(ran.returncode != 0, f"cosmos, {way}: crashes", ran)
    tool("collect", "--jobs", out, "-o", f"{out}/syn")
    some = len(collected(f"{out}/syn"))
    result = jobs("cosmos", out, "--paths", way, "--images", f"{out}/syn/images")
    tap.ok(some == 5 and json.loads(result.out)["jobs"] == len(WANTED) - 5, f"cosmos, {way}: the next export asks for the rest", result)
    ran = cosmos(out)
    tap.ok(ran.returncode == 0, f"cosmos, {way}: goes on", ran)
    end_of_trip("cosmos", out, (62, 38))

result = jobs("controlnet", "never", "--size", "100x96")
tap.ok(result.code == 2 and "multiples of 8" in result.err, "a size that latents do not have", result)
write(tap.path("bare.csv"), b"label,class,name\n0,0,a\n7,1,b\n9,2,c\n200,ignore,\n255,ignore,\n")
result = jobs("controlnet", "never", labels="bare.csv")
tap.ok(result.code == 2 and "color" in result.err and not os.path.exists(tap.path("never")), "a table without colors", result)
write(tap.path("bare.csv"), b"label,class,name,color\n0,0,a,#010203\n7,1,b,\n9,2,c,#040506\n200,ignore,,\n255,ignore,,\n")
result = jobs("cosmos", "never", labels="bare.csv")
tap.ok(result.code == 2 and "label 7" in result.err and not os.path.exists(tap.path("never")), "a class without a color", result)

# ---- What they do not take -----------------------------------------------------------------------------
for kind, labels in (("place", "camvid"), ("oasis", "cityscapes")):
    result = tool("export", "--plan", "place-ade20k/plan.csv", "--to", kind, "--labels", labels, "--real-masks", "place-ade20k/masks",
                  "-o", "never")
    tap.ok(result.code == 2 and "ade20k" in result.err and "jsonl" in result.err and not os.path.exists(tap.path("never")),
           f"{kind} does not know {labels}", result)
write(tap.path("bad.csv"), plan_csv({"plain": [2**32]}))
result = tool("export", "--plan", "bad.csv", "--to", "place", "--labels", "ade20k", "--real-masks", "place-ade20k/masks", "-o", "never")
tap.ok(result.code == 3 and str(2**32) in result.err, "a seed that the script would not take", result)

tap.done()
