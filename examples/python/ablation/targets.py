# ablation/targets.py - what each rule leaves of the synthetic masks, by freemask.
# SPDX-License-Identifier: MIT
"""A rule gives targets (classes, IGNORED where a pixel is not trained on) and weights for every synthetic image. It sees
losses and masks; only the oracle sees the truth."""
from __future__ import annotations

from dataclasses import dataclass

import freemask
import numpy as np
from network import IGNORED
from teacher import Judged
from worlds import World

CONFIDENT = 0.8  # the teacher's probability from which its opinion replaces a dropped label


@dataclass
class Targets:
    classes: np.ndarray  # uint8 [M, H, W]
    weights: np.ndarray | None = None  # float32 [M, H, W]; None: 1 everywhere


def loss_stats(world: World, judged: Judged) -> freemask.ClassStats:
    return freemask.ClassStats(world.labels, histogram=32).add(world.masks, judged.real)


def score_stats(world: World, judged: Judged) -> freemask.ClassStats:
    """Of the score of the paired policy: a second pass over the real set."""
    strata = freemask.boundary_strata(world.masks)
    ranks = freemask.ClassStats(world.labels, strata=8, histogram=32).add(world.masks, judged.real, strata=strata)
    return freemask.ClassStats(world.labels, histogram=32, ranks=ranks).add(world.masks, judged.real, strata=strata)


def classes_of(world: World, masks: np.ndarray) -> np.ndarray:
    return world.labels.to_classes(masks, IGNORED, dtype="uint8")


def raw(world: World, judged: Judged) -> Targets:
    return Targets(classes_of(world, world.made_masks))


def paper(world: World, judged: Judged) -> Targets:
    noise = freemask.NoiseFilter(loss_stats(world, judged))
    return Targets(classes_of(world, noise.apply(world.made_masks, judged.made)))


def quantile(world: World, judged: Judged) -> Targets:
    noise = freemask.NoiseFilter(loss_stats(world, judged), policy="quantile", real_share=0.05)
    return Targets(classes_of(world, noise.apply(world.made_masks, judged.made)))


def paired(world: World, judged: Judged, share: float) -> Targets:
    noise = freemask.NoiseFilter(score_stats(world, judged), policy="paired", real_share=share)
    reference = judged.real[[mask for mask, _ in world.made]]  # what the real image of the same mask loses
    strata = freemask.boundary_strata(world.made_masks)
    return Targets(classes_of(world, noise.apply(world.made_masks, judged.made, strata=strata, reference=reference)))


def weights(world: World, judged: Judged) -> Targets:
    """Nothing is dropped: a pixel above the paper's threshold counts by the square of threshold / loss."""
    noise = freemask.NoiseFilter(loss_stats(world, judged))
    classes = classes_of(world, world.made_masks)
    valid = classes != IGNORED
    threshold = np.where(valid, noise.thresholds[np.where(valid, classes, 0)], 1)
    ratio = np.minimum(1, threshold / np.maximum(judged.made, 1e-12))
    return Targets(classes, np.where(valid, ratio**2, 0).astype(np.float32))


def relabel(world: World, judged: Judged) -> Targets:
    """A pixel that the paper's rule drops becomes what the teacher sees there, if the teacher is sure."""
    classes = paper(world, judged).classes
    dropped = (classes == IGNORED) & (classes_of(world, world.made_masks) != IGNORED)
    sure = dropped & (judged.confidence >= CONFIDENT)
    return Targets(np.where(sure, judged.opinion, classes))


def oracle(world: World, judged: Judged) -> Targets:
    assert world.wrong is not None
    return Targets(np.where(world.wrong, np.uint8(IGNORED), classes_of(world, world.made_masks)))


MADE = {
    "raw": raw, "paper": paper, "quantile": quantile, "weights": weights, "relabel": relabel, "oracle": oracle,
    "paired-train": lambda world, judged: paired(world, judged, 0.3),
    "paired-detect": lambda world, judged: paired(world, judged, 0.05),
}
