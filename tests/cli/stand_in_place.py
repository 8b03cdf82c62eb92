# cli/stand_in_place.py - has the manners of PLACE's inference.py, and draws noise.
# SPDX-License-Identifier: MIT
"""Flags, folders and failures are the original's: everything in the validation folder is made, one seed for
a run; the data root is put before a name without a slash between them for COCO; the image is only looked at
for its size; only the last level of the output folder is made; "png" becomes "jpg" wherever it stands in a
name, ".jpg" becomes ".png". STAND_IN_CRASH=n: dies while it writes the n-th image."""
import argparse
import os
import zlib

import numpy as np
from PIL import Image

parser = argparse.ArgumentParser()
parser.add_argument("--outdir", type=str, nargs="?", default="output/ade20k")
parser.add_argument("--config", type=str, default="configs/stable-diffusion/xxx.yaml")
parser.add_argument("--seed", type=int, default=42)
parser.add_argument("--data_root", type=str, required=True)
parser.add_argument("--dataset", type=str, choices=["COCO", "ADE20K"], default="COCO")
parser.add_argument("--ckpt", type=str, default="models/ade20k.ckpt")
opt = parser.parse_args()
if not 0 <= opt.seed < 2**32:
    raise ValueError(f"{opt.seed} is not in bounds")
if not os.path.exists(opt.outdir):
    os.mkdir(opt.outdir)
if not os.path.exists(opt.config):
    raise FileNotFoundError(opt.config)
crash_at = int(os.environ.get("STAND_IN_CRASH", "0"))
pairs = []
if opt.dataset == "ADE20K":
    for name in os.listdir(opt.data_root + "/images/validation/"):
        pairs.append((opt.data_root + "/images/validation/" + name,
                      opt.data_root + "/annotations/validation/" + name.replace(".jpg", ".png")))
else:
    for name in os.listdir(opt.data_root + "val2017"):
        pairs.append((opt.data_root + "/val2017/" + name,
                      opt.data_root + "/stuffthingmaps_trainval2017/val2017/" + name.replace(".jpg", ".png")))
for done, (target, source) in enumerate(pairs, 1):
    mask = np.array(Image.open(source).resize((512, 512), Image.NEAREST), dtype=float)
    Image.open(target).resize((512, 512), Image.BICUBIC).convert("RGB")
    if opt.dataset == "ADE20K" and not ((mask >= 0) & (mask <= 150)).all():
        raise KeyError("no such class")
    path = os.path.join(opt.outdir, source.split("/")[-1].replace("png", "jpg"))
    rng = np.random.default_rng([opt.seed, zlib.crc32(os.path.basename(source).encode())])
    Image.fromarray(rng.integers(0, 256, (512, 512, 3)).astype(np.uint8)).save(path)
    if done == crash_at:
        os.truncate(path, os.path.getsize(path) // 2)
        os._exit(9)
