#!/usr/bin/env python3
# long/plan_1e8.py - plans 10^8 masks by fm_planner_count_images: time, memory, and every count against NumPy.
# SPDX-License-Identifier: MIT
"""usage: plan_1e8.py [MASKS]

Takes minutes and 32 bytes of memory per mask, most of them for the comparison. FM_SHARED names the
library, by default that of build/. Prints TAP, and a line of JSON for each policy with the time of
the call and the memory it took beyond hardness and counts."""
import ctypes
import json
import os
import sys
import time

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
for room in ("support", "ctypes"):
    sys.path.insert(0, os.path.join(HERE, "..", room))
import tap  # noqa: E402
from freemask_ctypes import Interface  # noqa: E402

MASKS = int(float(sys.argv[1])) if len(sys.argv) > 1 else 10 ** 8
BUDGET = 7 * MASKS + 3
LIB = Interface(os.environ.get("FM_SHARED") or os.path.join(tap.BUILD, "lib", "libfreemask.so"))


def peak():
    """Bytes; the highest since the last reset."""
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))


def reset_peak():
    with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
        file.write("5")


def pointer(array, kind):
    return array.ctypes.data_as(ctypes.POINTER(kind))


class Planner:
    def __init__(self, hardness):
        self.context = ctypes.c_void_p()
        LIB.fm_context_create(None, ctypes.byref(self.context), None)
        self.counts = np.full(len(hardness), 1, np.uint32)  # touched: it is the host's memory
        self.table = LIB.make("fm_planner_table", mask_count=len(hardness), hardness=pointer(hardness, ctypes.c_double))

    def plan(self, name, **options):
        if "blend" in options:
            parts = [LIB.make("fm_plan_part", policy=p, share=share) for p, share in enumerate(options["blend"])]
            options["blend_count"] = len(parts)
            options["blend"] = (LIB.struct("fm_plan_part") * len(parts))(*parts)
        made = LIB.make("fm_planner_options", **options)
        reset_peak()
        before, start = peak(), time.monotonic()
        status = LIB.fm_planner_count_images(self.context, made, self.table, pointer(self.counts, ctypes.c_uint32), None)
        took, more = time.monotonic() - start, (peak() - before) / MASKS
        print(json.dumps({"name": f"plan {name}", "masks": MASKS, "threads": 1, "ms": round(1e3 * took),
                          "bytes_per_mask": round(more, 3)}), flush=True)
        tap.equal(status, 0, f"{name}: {MASKS:,} masks are planned in {took:.1f} s")
        tap.ok(more < 8, f"{name}: in {more:.2f} bytes per mask, less than 8", more)
        return self.counts


def check_sum(counts, budget, name):
    tap.equal(int(counts.sum(dtype=np.int64)), budget, f"{name}: the sum is the budget")


def check_shares(counts, weights, budget, name):
    """Each count is lambda * weight, at most 20, rounded down or up."""
    low, high = 0.0, 20 / float(weights.min())
    for _ in range(70):
        middle = (low + high) / 2
        if np.minimum(weights * middle, 20).sum() < budget:
            low = middle
        else:
            high = middle
    shares = np.minimum(weights * high, 20)
    shares -= counts
    tap.ok(max(-float(shares.min()), float(shares.max())) < 1 + 1e-5, f"{name}: each count is its share, rounded",
           (float(shares.min()), float(shares.max())))


def main():
    hardness = np.random.default_rng(8).gamma(2, 0.3, MASKS)
    hardness += 0.01
    planner = Planner(hardness)
    counts = planner.plan("uniform", policy=1, budget=BUDGET)
    check_sum(counts, BUDGET, "uniform")
    tap.equal((int(counts.min()), int(counts.max())), (7, 8), "uniform: seven or eight each")
    counts = planner.plan("proportional", policy=2, budget=BUDGET)
    check_sum(counts, BUDGET, "proportional")
    check_shares(counts, hardness, BUDGET, "proportional")
    counts = planner.plan("proportional to a root", policy=2, gamma=0.5, budget=BUDGET)
    check_sum(counts, BUDGET, "proportional to a root")
    check_shares(counts, np.sqrt(hardness), BUDGET, "proportional to a root")
    check_sum(planner.plan("blend", policy=5, blend=[1, 1, 2], budget=BUDGET), BUDGET, "blend")
    counts = planner.plan("rank")
    order = np.argsort(hardness, kind="stable").astype(np.uint32)
    wanted = np.arange(1, MASKS + 1, dtype=np.float64)
    wanted /= MASKS
    wanted *= 20
    np.rint(wanted, out=wanted)
    np.minimum(wanted + 1, 20, out=wanted)
    tap.ok(np.array_equal(counts[order], wanted), "rank: every count is the paper's")
    tap.done()


main()
