# cli/stand_in_lis.py - has the manners of FreestyleNet's scripts/LIS.py, and draws noise.
# SPDX-License-Identifier: MIT
"""Flags, files and failures are the original's: one list, one seed, one folder for a run; masks by
a fixed layout, resized to 512x512; a batch that is not full is an error; an image has the mask's
name and no seed. STAND_IN_CRASH=n: dies while it writes the n-th image of a run."""
import argparse
import os
import sys
import zlib

import numpy as np
from PIL import Image

LAYOUT = {"COCO": "stuffthingmaps_trainval2017/val2017", "ADE20K": "annotations/validation"}


def read_flags():
    parser = argparse.ArgumentParser()
    parser.add_argument("--outdir", type=str, nargs="?", default="outputs/layout2img-samples")
    for name, kind, default in (("ddim_steps", int, 50), ("ddim_eta", float, 0.0), ("H", int, 512), ("W", int, 512),
                                ("C", int, 4), ("f", int, 8), ("batch_size", int, 8), ("scale", float, 2.0),
                                ("config", str, "configs/stable-diffusion/v1-finetune_COCO.yaml"),
                                ("ckpt", str, "models/ldm/stable-diffusion-v1/model.ckpt"), ("seed", int, 42)):
        parser.add_argument("--" + name, type=kind, default=default)
    parser.add_argument("--plms", action="store_true")
    parser.add_argument("--fixed_code", action="store_true")
    parser.add_argument("--precision", choices=["full", "autocast"], default="autocast")
    parser.add_argument("--data_root", type=str, required=True)
    parser.add_argument("--txt_file", type=str, required=True)
    parser.add_argument("--dataset", choices=list(LAYOUT), default="COCO")
    return parser.parse_args()


def draw(name, mask, seed):
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    colors = rng.integers(0, 256, (256, 3))
    return Image.fromarray((colors[mask] // 2 + rng.integers(0, 128, (512, 512, 3))).astype(np.uint8))


def main():
    opt = read_flags()
    crash_at = int(os.environ.get("STAND_IN_CRASH", "0"))
    if not os.path.exists(opt.config):
        sys.exit(f"no configuration {opt.config}")
    with open(opt.txt_file) as file:
        names = [path[:-4].split("/")[-1] for path in file.read().splitlines()]
    os.makedirs(opt.outdir, exist_ok=True)
    done = 0
    for first in range(0, len(names), opt.batch_size):
        batch = names[first:first + opt.batch_size]
        masks = [np.array(Image.open(os.path.join(opt.data_root, LAYOUT[opt.dataset], name + ".png"))
                          .resize((512, 512), resample=Image.NEAREST)) for name in batch]
        if len(batch) != opt.batch_size:
            raise RuntimeError(f"Sizes of tensors must match: {opt.batch_size} and {len(batch)}")
        for name, mask in zip(batch, masks):
            path = os.path.join(opt.outdir, f"{name}.jpg")
            draw(name, mask, opt.seed).save(path)
            done += 1
            if done == crash_at:
                os.truncate(path, os.path.getsize(path) // 2)
                os._exit(9)


main()
