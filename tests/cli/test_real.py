#!/usr/bin/env python3
# cli/test_real.py - real masks (CamVid, FREEMASK_TEST_DATA) with made losses against the formulas.
# SPDX-License-Identifier: MIT
import csv
import glob
import json

from kit import *

FOLDER = os.environ.get("FREEMASK_TEST_DATA")
if not FOLDER or not glob.glob(os.path.join(FOLDER, "camvid", "trainannot", "*.png")):
    tap.skip_all("FREEMASK_TEST_DATA does not name a folder with camvid/trainannot", excused=True)

from PIL import Image  # noqa: E402

space = ref.preset("camvid")
rng = np.random.default_rng(14)
paths = sorted(glob.glob(os.path.join(FOLDER, "camvid", "trainannot", "*.png")))[:40]
real = {}
for path in paths:
    stem = os.path.basename(path)[:-4]
    mask = np.asarray(Image.open(path)).astype(np.int64)
    loss = random_loss(rng, space, mask, np.float16)
    os.makedirs(tap.path("masks"), exist_ok=True)
    shutil.copy(path, tap.path(f"masks/{stem}.png"))
    write(tap.path(f"losses/{stem}.npy"), npy(loss))
    real[stem] = (mask, loss)
INPUTS = ["--labels", "camvid", "--masks", tap.path("masks")]

result = run("stats", *INPUTS, "--losses", tap.path("losses"), "-o", tap.path("s.json"))
tap.ok(result.code == 0, "stats runs", result)
means, pixels = ref.class_means(space, real.values())
classes = json.loads(read(tap.path("s.json")))["classes"]
tap.equal([c["pixels"] for c in classes], pixels.tolist(), "pixels of classes")
tap.ok(all(same_bits(c["mean_loss"], h) for c, h in zip(classes, means)), "means to the last bit")

result = run("filter", "--stats", tap.path("s.json"), *INPUTS, "--losses", tap.path("losses"), "-o", tap.path("f"))
tap.ok(result.code == 0, "filter runs", result)
limits = ref.thresholds(means)
wrong = [stem for stem, (mask, loss) in real.items()
         if not np.array_equal(Png(read(tap.path(f"f/masks/{stem}.png"))).pixels,
                               ref.filter_mask(space, mask, loss, limits)[0])]
tap.equal(wrong, [], "filtered masks, pixel for pixel")

result = run("hardness", "--stats", tap.path("s.json"), *INPUTS, "-o", tap.path("h.csv"))
tap.ok(result.code == 0, "hardness runs", result)
found = {r["mask"]: float(r["hardness"]) for r in csv.DictReader(read(tap.path("h.csv")).decode().splitlines())}
worst = max(abs(found[stem] - ref.hardness(space, mask, means)[0]) for stem, (mask, _) in real.items())
tap.ok(worst <= 1e-12, "hardness to 1e-12", worst)
tap.done()
