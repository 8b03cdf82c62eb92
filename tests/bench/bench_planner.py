# bench/bench_planner.py - plans of a million masks: counts in plain arrays, against NumPy.
import ctypes

import numpy as np
from bench_kit import Entry, Work

TITLE = "Plans"

MASKS = 1_000_000
N_MAX = 20


def numpy_rank(hardness):
    """The paper's counts, vectorised."""
    order = np.argsort(hardness, kind="stable")
    counts = np.empty(len(hardness), np.uint32)
    counts[order] = np.minimum(1 + np.round(np.arange(1, len(hardness) + 1) / len(hardness) * N_MAX), N_MAX)
    return counts


def numpy_proportional(hardness, budget):
    """Largest remainders, without a least and a most for each mask."""
    share = hardness * (budget / hardness.sum())
    counts = np.floor(share).astype(np.uint32)
    missing = budget - int(counts.sum())
    counts[np.argpartition(counts - share, missing)[:missing]] += 1
    return counts


def counts_of(numpy, **options):
    def make(kit, _threads):
        hardness = np.random.default_rng(3).gamma(4, 0.1, MASKS)
        counts = np.zeros(MASKS, np.uint32)
        made = kit.lib.make("fm_planner_options", n_max=N_MAX, **options)
        table = kit.lib.make("fm_planner_table", mask_count=MASKS,
                             hardness=hardness.ctypes.data_as(ctypes.POINTER(ctypes.c_double)))
        ours = kit.c_way("fm_planner_count_images", [[(kit.context, made, table, counts, None)]], 1)
        return Work(ours, numpy=kit.python_way([lambda: numpy(hardness)], 1),
                    keep=(hardness, counts, made, table))
    return make


ENTRIES = [
    Entry("plan_rank_1e6", counts_of(numpy_rank), unit="ms", threads=(1,)),
    Entry("plan_proportional_1e6",
          counts_of(lambda h: numpy_proportional(h, 7 * MASKS), policy=2, budget=7 * MASKS), unit="ms", threads=(1,)),
]
