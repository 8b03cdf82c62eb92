# cli/stand_in_oasis.py - has the manners of OASIS's test.py, and draws noise.
# SPDX-License-Identifier: MIT
"""Flags, folders and failures are the original's: images and masks of the validation set have to be as many,
of the same names and sizes; results go to RESULTS_DIR/NAME/CKPT_ITER/image as PNG, one seed for a run; labels
outside the network's are an error. STAND_IN_CRASH=n: dies while it writes the n-th image."""
import argparse
import os
import zlib

import numpy as np
from PIL import Image

# {data set: (folder of images, of masks, largest label, size)}
LAYOUT = {"ade20k": ("images/validation", "annotations/validation", 150, (256, 256)),
          "coco": ("val_img", "val_label", 181, (256, 256)),
          "cityscapes": ("leftImg8bit/val", "gtFine/val", 34, (512, 256))}

parser = argparse.ArgumentParser()
for flag, kind, default in (("name", str, "label2coco"), ("seed", int, 42), ("gpu_ids", str, "0"), ("checkpoints_dir", str, "./checkpoints"),
                            ("batch_size", int, 1), ("dataroot", str, "./datasets/cityscapes/"), ("dataset_mode", str, "coco"),
                            ("results_dir", str, "./results/"), ("ckpt_iter", str, "best"), ("phase", str, "train")):
    parser.add_argument("--" + flag, type=kind, default=default)
opt = parser.parse_args()
np.random.seed(opt.seed)
crash_at = int(os.environ.get("STAND_IN_CRASH", "0"))
image_folder, mask_folder, largest, size = LAYOUT[opt.dataset_mode]
top, below = os.path.join(opt.dataroot, image_folder), os.path.join(opt.dataroot, mask_folder)
if opt.dataset_mode == "cityscapes":
    images = [os.path.join(city, name) for city in sorted(os.listdir(top)) for name in sorted(os.listdir(os.path.join(top, city)))]
    masks = [os.path.join(city, name) for city in sorted(os.listdir(below)) for name in sorted(os.listdir(os.path.join(below, city)))
             if "labelIds" in name]
    stems = ([name.replace("_leftImg8bit.png", "") for name in images], [name.replace("_gtFine_labelIds.png", "") for name in masks])
else:
    images, masks = (sorted(name for name in os.listdir(folder) if ".png" in name or ".jpg" in name) for folder in (top, below))
    stems = ([os.path.splitext(name)[0] for name in images], [os.path.splitext(name)[0] for name in masks])
assert len(images) == len(masks), f"different len of images and labels {len(images)} - {len(masks)}"
assert stems[0] == stems[1], "names are not matching"
out = os.path.join(opt.results_dir, opt.name, opt.ckpt_iter)
for kind in ("label", "image"):
    os.makedirs(os.path.join(out, kind), exist_ok=True)
for done, (image_name, mask_name) in enumerate(zip(images, masks), 1):
    image, mask = Image.open(os.path.join(top, image_name)), Image.open(os.path.join(below, mask_name))
    assert image.size == mask.size
    labels = np.array(mask.resize(size, Image.NEAREST))
    assert labels.dtype == np.uint8 and (labels[labels != 255] <= largest).all(), "index out of bounds"
    assert opt.dataset_mode == "coco" or not (labels == 255).any(), "index out of bounds"
    for kind in ("label", "image"):
        path = os.path.join(out, kind, image_name.split("/")[-1]).replace(".jpg", ".png")
        rng = np.random.default_rng([opt.seed, zlib.crc32(image_name.encode())])
        Image.fromarray(rng.integers(0, 256, (size[1], size[0], 3)).astype(np.uint8)).save(path)
    if done == crash_at:
        os.truncate(path, os.path.getsize(path) // 2)
        os._exit(9)
