# ablation/teacher.py - honest losses: of networks that have not seen the scene.
# SPDX-License-Identifier: MIT
"""A network has seen what it was trained on, so its losses there are too low. Two teachers share the work: each is
trained on one half of the real images and judges the other half, and the synthetic images made of that half's masks."""
from __future__ import annotations

import os
from dataclasses import dataclass

import freemask
import network
import numpy as np
from worlds import World


@dataclass
class Judged:
    """Losses in nats, float32 [N, H, W]; of the synthetic images also the teacher's own opinion."""

    real: np.ndarray
    made: np.ndarray
    opinion: np.ndarray  # uint8 [M, H, W]: the class the teacher sees
    confidence: np.ndarray  # float16 [M, H, W]: its probability


def probabilities(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def half_of(count: int) -> np.ndarray:
    """Which teacher is trained on which real image: neighbours in the list may be frames of one film, so blocks."""
    return (np.arange(count) >= count // 2).astype(int)


def judge(world: World, steps: int, seed: int, width: int, crop: int, batch: int) -> Judged:
    labels, half = world.labels, half_of(len(world.ids))
    targets = labels.to_classes(world.masks, network.IGNORED, dtype="uint8")
    made_half = half[[mask for mask, _ in world.made]]
    real = np.zeros(world.masks.shape, np.float32)
    made = np.zeros(world.made_masks.shape, np.float32)
    opinion, confidence = np.zeros(made.shape, np.uint8), np.zeros(made.shape, np.float16)
    for which in (0, 1):
        own, rng = np.flatnonzero(half == which), np.random.default_rng([seed, which])

        def draw(_: int, own: np.ndarray = own, rng: np.random.Generator = rng) -> network.Batch:
            some = rng.choice(own, batch)
            return world.images[some], targets[some], np.ones(targets[some].shape, np.float32)

        net = network.train(draw, lambda: network.unet(len(labels), width), steps, seed, crop)
        others, others_made = np.flatnonzero(half != which), np.flatnonzero(made_half != which)
        real[others] = freemask.loss_map(network.logits_of(net, world.images[others]), world.masks[others], labels=labels)
        logits = network.logits_of(net, world.made_images[others_made])
        made[others_made] = freemask.loss_map(logits, world.made_masks[others_made], labels=labels)
        seen = probabilities(logits)
        opinion[others_made], confidence[others_made] = seen.argmax(1), seen.max(1)
    return Judged(real, made, opinion, confidence)


def judge_once(path: str, *how: object) -> Judged:
    """`judge`, or what it found in an earlier run."""
    if os.path.exists(path):
        with np.load(path) as kept:
            return Judged(**{name: kept[name] for name in kept.files})
    judged = judge(*how)  # type: ignore[arg-type]
    with open(path + ".part", "wb") as file:
        np.savez(file, **vars(judged))
    os.replace(path + ".part", path)
    return judged
