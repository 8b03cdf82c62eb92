#!/usr/bin/env python3
# cli/test_generators.py - jobs for generators whose script is run once for each seed: export, a run that
# crashes, collect, export of the rest, collect. The scripts are stand-ins with the manners of the originals.
# SPDX-License-Identifier: MIT
import json
import subprocess

from export_world import *
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
NAMES = ["plain", "two words", 'quo"te', "apos'trophe", "uml\u00e4ut", "sub/deep", "other/deep", "sub%2Fdeep", "$HOME`x`",
         "-dash", "line\u2028end", "dots.in.name", "a.jpg.b", "pngpng", "x.png"]
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

for kind, labels in (("place", "camvid"), ("oasis", "cityscapes")):
    result = tool("export", "--plan", "place-ade20k/plan.csv", "--to", kind, "--labels", labels, "--real-masks", "place-ade20k/masks",
                  "-o", "never")
    tap.ok(result.code == 2 and "ade20k" in result.err and "jsonl" in result.err and not os.path.exists(tap.path("never")),
           f"{kind} does not know {labels}", result)
write(tap.path("bad.csv"), plan_csv({"plain": [2**32]}))
result = tool("export", "--plan", "bad.csv", "--to", "place", "--labels", "ade20k", "--real-masks", "place-ade20k/masks", "-o", "never")
tap.ok(result.code == 3 and str(2**32) in result.err, "a seed that the script would not take", result)

tap.done()
