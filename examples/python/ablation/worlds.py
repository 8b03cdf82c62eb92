# ablation/worlds.py - what is trained on and tested with, as arrays of one size.
# SPDX-License-Identifier: MIT
"""A world is a real set, synthetic images of its masks, and a real test set that nothing is trained on. Names follow the
tool: the synthetic image `a_seed_42` was made of the mask of the real image `a`."""
from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass

import freemask
import numpy as np
from PIL import Image
from restyle import restyled

SEEDED = re.compile(r"(.*)_seed_(\d+)$", re.DOTALL)


@dataclass
class World:
    """Images are uint8 [N, H, W, 3]. Masks are labels [N, H, W] as they are stored: what they mean, `labels` says."""

    labels: freemask.Labels
    ids: list[str]
    images: np.ndarray
    masks: np.ndarray
    made: list[tuple[int, int]]  # of each synthetic image: which real mask, which of the generator's seeds
    made_images: np.ndarray
    made_masks: np.ndarray
    wrong: np.ndarray | None  # [M, H, W]: the synthetic image does not show what the mask says; None: nobody knows
    test_images: np.ndarray
    test_masks: np.ndarray

    @property
    def seeds(self) -> list[int]:
        """Seeds of which every real mask has an image: a plan may choose any."""
        each = [{seed for mask, seed in self.made if mask == i} for i in range(len(self.ids))]
        return sorted(set.intersection(*each))


def resized(array: np.ndarray, size: tuple[int, int], how: Image.Resampling) -> np.ndarray:
    if array.shape[1::-1] == size:
        return array
    return np.asarray(Image.fromarray(array).resize(size, how))


def load(folder: freemask.Folder, size: tuple[int, int]) -> tuple[list[str], np.ndarray, np.ndarray]:
    samples = [folder[i] for i in range(len(folder))]
    return ([sample.id for sample in samples],
            np.stack([resized(sample.image, size, Image.Resampling.BILINEAR) for sample in samples]),
            np.stack([resized(sample.mask, size, Image.Resampling.NEAREST) for sample in samples]))


def from_folders(labels: freemask.Labels, real: freemask.Folder, synthetic: freemask.Folder, test: freemask.Folder | int,
                 truth: str | None, size: tuple[int, int]) -> World:
    """`test` is a set of its own, or the number of real images at the end of the real set that are kept for it."""
    ids, images, masks = load(real, size)
    if isinstance(test, int):
        if not 0 < test < len(ids) - 1:
            raise ValueError(f"{test} of {len(ids)} real images for the test: at least two have to be left to train on")
        test_images, test_masks = images[-test:], masks[-test:]
        ids, images, masks = ids[:-test], images[:-test], masks[:-test]
    else:
        _, test_images, test_masks = load(test, size)
    stems, made_images, made_masks = load(synthetic, size)
    index = {name: i for i, name in enumerate(ids)}
    found = [SEEDED.match(stem) for stem in stems]
    keep = [i for i, match in enumerate(found) if match and match.group(1) in index]
    made = [(index[match.group(1)], int(match.group(2))) for i in keep if (match := found[i])]
    wrong = None
    if truth is not None:
        wrong = np.stack([resized(freemask.read_mask(os.path.join(truth, stems[i] + ".png")), size,
                                  Image.Resampling.NEAREST) > 0 for i in keep])
    world = World(labels, ids, images, masks, made, made_images[keep], made_masks[keep], wrong, test_images, test_masks)
    if not keep or not world.seeds:
        raise ValueError(f"of {len(stems)} synthetic images {len(keep)} are named <real image>_seed_<number>, and there is no seed of "
                         "which every real image has one: every real image needs the same seeds")
    return world


def demo(folder: str, tool: str | None, seed: int, scenes: int, test: int, per_mask: int, style: float,
         size: tuple[int, int]) -> World:
    """The world of `freemask demo`: streets with planted errors. Its generator is close to its photographs; `style` takes
    it away from them."""
    if not os.path.exists(os.path.join(folder, "results", "score.json")):
        shutil.rmtree(folder, ignore_errors=True)
        command = [tool] if tool else [sys.executable, "-m", "freemask"]
        subprocess.run([*command, "demo", folder, "--seed", str(seed), "--scenes", str(scenes + test), "--per-mask",
                        str(per_mask), "--size", f"{size[0]}x{size[1]}", "--quiet"], check=True, stdout=subprocess.DEVNULL)
    real = freemask.Folder(f"{folder}/real/images", f"{folder}/real/masks")
    synthetic = freemask.Folder(f"{folder}/synthetic/images", f"{folder}/synthetic/masks")
    world = from_folders(freemask.Labels("camvid"), real, synthetic, test, f"{folder}/truth", size)
    if style > 0:
        rng = np.random.default_rng(seed)
        world.made_images = np.stack([restyled(image, style, rng) for image in world.made_images])
    return world
