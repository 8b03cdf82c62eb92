# policies/rules.py - the library's policies, cleanlab's rule and chance: the order in which each drops a world's pixels.
# SPDX-License-Identifier: MIT
from __future__ import annotations

import ctypes
import os
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from losses import Losses
from planted import CLASSES, IGNORED

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", room) for room in ("ctypes", "support")]
from freemask_ctypes import Interface  # noqa: E402

LIB = Interface(os.environ["FM_SHARED"])
CONTEXT = ctypes.c_void_p()
LIB.fm_context_create(None, ctypes.byref(CONTEXT), None)
QUANTILE, STRATA, PAIRED = 1, 2, 3


def call(function: Any, *arguments: Any) -> None:
    err = LIB.struct("fm_error")()
    if function(*arguments, ctypes.byref(err)):
        raise RuntimeError(err.message.decode())


def made(function: Any, *arguments: Any) -> Any:
    out = ctypes.c_void_p()
    call(function, *arguments, ctypes.byref(out))
    return out


def view(array: np.ndarray) -> Any:
    return LIB.fm_plane_make(array.ctypes.data, LIB.dtype(array.dtype.name), *array.shape)


def extra(strata: np.ndarray | None, reference: np.ndarray | None, siblings: list[np.ndarray] | None = None) -> Any:
    planes = [None if a is None else ctypes.pointer(view(a)) for a in (strata, reference)]
    others = (LIB.struct("fm_plane") * len(siblings or []))(*[view(each) for each in siblings or []])
    return ctypes.byref(LIB.make("fm_extra_planes", strata=planes[0], reference=planes[1],
                                 siblings=others if siblings else None, sibling_count=len(others)))


LABELS = made(LIB.fm_labels_create, CONTEXT, LIB.labels_options(CLASSES, IGNORED))
CAMVID = made(LIB.fm_labels_create_from_preset, CONTEXT, b"camvid")  # both worlds have its classes
NAMES = [LIB.fm_labels_class_name(CAMVID, k).decode() for k in range(CLASSES)]


def strata_of(mask: np.ndarray) -> np.ndarray:
    out = np.zeros(mask.shape, np.uint8)
    call(LIB.fm_map_boundary_strata, CONTEXT, view(mask), None, view(out))
    return out


def collect(losses: Losses, strata: list[np.ndarray] | None, ranks: Any = None) -> Any:
    """Statistics of the real images: of losses, or of the score that `ranks` are made into."""
    options = dict(histogram=32, strata=8 if strata else 1) if ranks is None else dict(histogram=32, score=1, ranks=ranks)
    stats = made(LIB.fm_class_stats_create, LABELS, ctypes.byref(LIB.make("fm_class_stats_options", **options)))
    for i, (mask, loss) in enumerate(zip(losses.masks, losses.real)):
        call(LIB.fm_class_stats_add, stats, view(mask), view(loss), extra(strata[i] if strata else None, None))
    return stats


def score(stats: Any, losses: Losses, strata: list[np.ndarray] | None, paired: bool, with_siblings: bool = False) -> np.ndarray:
    """Of all synthetic pixels that have a class."""
    out = np.zeros(losses.made.shape, np.float32)
    for j, i in enumerate(losses.origin):
        siblings = [losses.made[k] for k in np.flatnonzero(losses.origin == i) if k != j] if with_siblings else None
        planes = extra(strata[i] if strata else None, losses.real[i] if paired else None, siblings)
        call(LIB.fm_class_stats_score_map, stats, view(losses.masks[i]), view(losses.made[j]), planes, view(out[j]))
    return out[losses.masks[losses.origin] < CLASSES]


def thresholds(stats: Any, policy: int, **options: Any) -> np.ndarray:
    noise_filter = made(LIB.fm_filter_create, stats, ctypes.byref(LIB.make("fm_filter_options", policy=policy, **options)))
    out = np.zeros(CLASSES, np.float32)
    call(LIB.fm_filter_thresholds, noise_filter, out.ctypes.data_as(ctypes.POINTER(ctypes.c_float)), CLASSES)
    LIB.fm_filter_destroy(noise_filter)
    return out


@dataclass
class Rule:
    """What is dropped first, and what a policy's default drops."""

    name: str
    order: np.ndarray
    dropped: np.ndarray


def quantile_order(stats: Any, classes: np.ndarray, loss: np.ndarray) -> np.ndarray:
    """Losses of different classes do not compare: the share of the class's real pixels that lose more does."""
    shares = np.unique(np.concatenate([np.geomspace(1e-5, .02, 60), np.linspace(.02, .999, 200)]))
    table = np.stack([thresholds(stats, QUANTILE, real_share=share) for share in shares])  # falling
    order = np.zeros(loss.shape)
    for k in range(CLASSES):
        here = classes == k
        order[here] = -np.searchsorted(-table[:, k], -loss[here], side="right")
        above = np.maximum(loss[here] - table[0, k], 0)
        order[here] += above / (1 + above)
    return order


def agreement(losses: Losses) -> float:
    """How far synthetic images are hard at the places where their real ones are, as the tool counts it: the correlation,
    within classes, of ranks among the class's real losses, of all pixels but those that lose more than nine tenths of these."""
    of, spreads = losses.masks[losses.origin], np.zeros(3)
    for k in range(CLASSES):
        real, made = np.sort(losses.real[losses.masks == k]), losses.made[of == k]
        if not len(real):
            continue
        pair = np.stack([losses.real[losses.origin][of == k], made])
        x, y = -np.log(1 - np.searchsorted(real, pair) / len(real) + .002)
        x, y = x[y <= -np.log(.1 + .002)], y[y <= -np.log(.1 + .002)]
        if len(x):
            spreads += len(x) * np.array([x.var(), y.var(), np.mean((x - x.mean()) * (y - y.mean()))])
    return float(spreads[2] / np.sqrt(spreads[0] * spreads[1]))


def of_world(losses: Losses) -> tuple[list[Rule], np.ndarray, np.ndarray]:
    """(rules, class and truth of each synthetic pixel that has a class)."""
    strata = [strata_of(mask) for mask in losses.masks]
    valid = losses.masks[losses.origin] < CLASSES
    classes, loss, suspect = losses.masks[losses.origin][valid], losses.made[valid], losses.suspect[valid]
    plain, near = collect(losses, None), collect(losses, strata)
    odd, odd_near = collect(losses, None, plain), collect(losses, strata, near)
    means = np.array([LIB.fm_class_stats_mean(plain, k, -1) for k in range(CLASSES)])
    chance = np.random.default_rng(1).random(len(classes))
    rules = [Rule("paper", loss / np.maximum(means, 1e-9)[classes], loss > thresholds(plain, 0)[classes])]
    if suspect.any():  # fields are no network's
        rules.append(Rule("cleanlab", suspect, suspect >= 1))
    for name, stats, policy, values in (("quantile", plain, QUANTILE, loss),
                                        ("strata", odd_near, STRATA, score(odd_near, losses, strata, False)),
                                        ("paired", odd, PAIRED, score(odd, losses, None, True)),
                                        ("siblings", odd, PAIRED, score(odd, losses, None, True, True))):
        order = quantile_order(stats, classes, values) if policy == QUANTILE else values
        for use, share in (("detect", .05), ("train", .3)):
            rules.append(Rule(f"{name}, {use}", order, values > thresholds(stats, policy, real_share=share)[classes]))
    for stats in (plain, near, odd, odd_near):
        LIB.fm_class_stats_destroy(stats)
    return [*rules, Rule("chance", chance, chance > .95)], classes, losses.wrong[valid]
