# policies/losses.py - what a segmenter loses on a world, cross-fit: each half of the real images is judged by the other's.
# SPDX-License-Identifier: MIT
from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
from planted import CLASSES, IGNORED, World
from segmenter import Segmenter, features


@dataclass
class Losses:
    """Masks and losses of the real images [N, H, W]; of the synthetic ones [M] which real image, and [M, H, W] losses, what is
    wrong, and cleanlab's order: its confident-learning rule suspects a pixel from 1 on."""

    masks: np.ndarray
    real: np.ndarray
    origin: np.ndarray
    made: np.ndarray
    wrong: np.ndarray
    suspect: np.ndarray


def negative_log(p: np.ndarray) -> np.ndarray:
    return (-np.log(np.maximum(p, 1e-7))).astype(np.float32)


def of_label(p: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return np.take_along_axis(p, np.minimum(mask, CLASSES - 1)[..., None].astype(np.intp), -1)[..., 0]


def of_world(world: World) -> Losses:
    names = sorted(world.real)
    masks = np.stack([np.where(world.masks[name] < CLASSES, world.masks[name], IGNORED) for name in names]).astype(np.uint8)
    halves = [Segmenter(CLASSES), Segmenter(CLASSES)]
    for i, name in enumerate(names):
        halves[i % 2].add(features(world.real[name]), masks[i])
    for half in halves:
        half.fit()
    real, sums = np.zeros(masks.shape, np.float32), np.zeros((CLASSES, 2))
    for i, name in enumerate(names):
        own = of_label(halves[1 - i % 2].probabilities(features(world.real[name])), masks[i])
        real[i], valid = negative_log(own), masks[i] < CLASSES
        np.add.at(sums, masks[i][valid], np.stack([own[valid], np.ones(valid.sum())], -1))
    # Confident learning: a class's bar is how sure the segmenter is of it on average where it is right.
    bar = sums[:, 0] / np.maximum(sums[:, 1], 1)
    origin = np.array([names.index(name) for name, *_ in world.made])
    made, suspect = np.zeros((2, len(origin), *masks.shape[1:]), np.float32)
    for j, (i, (_, image, _)) in enumerate(zip(origin, world.made)):
        # the half that has not seen the photograph: the generator worked from its mask
        p = halves[1 - i % 2].probabilities(features(image))
        own, best = of_label(p, masks[i]), p.argmax(-1)
        made[j] = negative_log(own)
        suspect[j] = ((best != masks[i]) & (p.max(-1) >= bar[best])) + 1 - own
    return Losses(masks, real, origin, made, np.stack([wrong for *_, wrong in world.made]), suspect)


def kept(path: str | None) -> Losses | None:
    if path is None or not os.path.exists(path):
        return None
    with np.load(path) as arrays:
        return Losses(**arrays)


def keep(path: str, losses: Losses) -> None:
    """Whole or not at all."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    np.savez(path + ".part.npz", **vars(losses))
    os.replace(path + ".part.npz", path)
