# policies/anew.py - a scene painted anew: what is hard in it is not what is hard in the photograph.
# SPDX-License-Identifier: MIT
from __future__ import annotations

import numpy as np
from PIL import Image

Seen = list[tuple[np.ndarray, np.ndarray]]  # images, and masks in which what may not be taken has no class


def painted_anew(image: np.ndarray, mask: np.ndarray, seen: Seen, classes: int, rng: np.random.Generator) -> np.ndarray:
    """Every pixel shows its class as some of `seen` has it nearby: which of them changes smoothly over the image. The
    layout is as it was; textures, light and what is odd in them are others'. Where none has the class near, a pixel of it
    from anywhere."""
    height, width = mask.shape
    best, out = np.full(mask.shape, -np.inf, np.float32), image.copy()
    for other, labels in seen:
        move = int(rng.integers(-height // 6, height // 6 + 1)), int(rng.integers(width))
        step = rng.choice([-1, 1])  # mirrored, or not
        other, labels = (np.roll(each, move, (0, 1))[:, ::step] for each in (other, labels))
        coarse = Image.fromarray(rng.normal(0, 1, (6, 8)).astype(np.float32))
        wish = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))
        take = (labels == mask) & (mask < classes) & (wish > best)
        out[take], best[take] = other[take], wish[take]
    for label in np.unique(mask[(mask < classes) & np.isinf(best)]):
        there = [other[labels == label] for other, labels in seen]
        pixels = np.concatenate(there)
        here = (mask == label) & np.isinf(best)
        if len(pixels):
            out[here] = pixels[rng.integers(len(pixels), size=here.sum())]
    return out
