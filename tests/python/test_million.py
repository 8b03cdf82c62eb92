#!/usr/bin/env python3
# python/test_million.py - a million calls leave nothing behind.
# SPDX-License-Identifier: MIT
"""Each kind of call is made so often that a block, an object or a reference that one of them keeps is seen, and in all a
million times, after which the process has to be as large as before. FREEMASK_TEST_CALLS makes it another number."""
import gc
import os
import pickle
import sys
import tracemalloc

import kit
import tap

tap.need("numpy")
import freemask as fm
import numpy as np

try:
    import torch
except ImportError:
    torch = None

CALLS = int(os.environ.get("FREEMASK_TEST_CALLS", 1_000_000))
rng = np.random.default_rng(5)
SHAPE = (4, 6)
MASK = rng.integers(0, 11, SHAPE).astype(np.uint8)
LOSS = rng.gamma(1.5, 0.7, SHAPE).astype(np.float32)
LOGITS = rng.normal(0, 1, (11, 2, 3)).astype(np.float32)
FIXED, OUT, BATCH, LOSSES = MASK.copy(), MASK.copy(), np.stack([MASK] * 2), np.stack([LOSS] * 2)
FIXED.setflags(write=False)
BAD_MASK, BAD_LOSS = MASK.copy(), LOSS.copy()
BAD_MASK[1, 2], BAD_LOSS[1, 2] = 77, np.nan
STRATA = rng.integers(0, 3, SHAPE).astype(np.uint8)
LABELS = fm.Labels("camvid")
STATS, IN_STRATA = fm.ClassStats(LABELS).add(MASK, LOSS), fm.ClassStats(LABELS, strata=3)
NOISE, HARDNESS, NETWORK = fm.NoiseFilter(STATS), fm.Hardness(STATS), fm.NetworkLoss(LABELS)
PLAN = fm.plan(["a", "b", "c"], [0.1, 0.2, 0.3], n_max=3)
ORDER = fm.Schedule(PLAN, ["a", "b", "c"])


class Interface:
    """An array that is known by __array_interface__ alone."""

    def __init__(self, array):
        self.array, self.__array_interface__ = array, array.__array_interface__


class Exchanged:
    """An array that is known by DLPack alone."""

    def __init__(self, array):
        self.array = array

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)


def refused(kind, work, *given, **options):
    def call():
        try:
            work(*given, **options)
        except kind:
            return
        raise AssertionError(f"{kind.__name__} was expected")
    return call


# A name, how often in a million calls, the call. Those that make threads, handles or files are slow.
KINDS = [
    ("apply()", 120, lambda: NOISE.apply(MASK, LOSS)),
    ("apply(), out=", 100, lambda: NOISE.apply(MASK, LOSS, out=OUT)),
    ("apply() of views", 50, lambda: NOISE.apply(MASK.T, LOSS.T)),
    ("apply() of what is read-only", 40, lambda: NOISE.apply(FIXED, LOSS)),
    ("apply(), dtype=", 30, lambda: NOISE.apply(MASK, LOSS, dtype="int64")),
    ("apply(), report", 30, lambda: (NOISE.apply(MASK, LOSS), NOISE.report)),
    ("add()", 120, lambda: STATS.add(MASK, LOSS)),
    ("add(), strata=", 30, lambda: IN_STRATA.add(MASK, LOSS, strata=STRATA)),
    ("weights()", 30, lambda: NOISE.weights(MASK, LOSS, kind="ramp")),
    ("loss_map()", 60, lambda: NETWORK.loss_map(LOGITS, MASK)),
    ("score()", 50, lambda: HARDNESS.score(MASK)),
    ("to_classes(), count()", 30, lambda: (LABELS.to_classes(MASK), LABELS.count(MASK))),
    ("boundary_strata(), window_mean()", 30, lambda: (fm.boundary_strata(MASK), fm.window_mean(MASK, LOSS, 1))),
    ("thresholds, mean_loss, state", 20, lambda: (NOISE.thresholds, STATS.mean_loss, STATS.state)),
    ("plane() of a buffer", 40, lambda: fm.plane(memoryview(LOSS))),
    ("__array_interface__", 30, lambda: NOISE.apply(Interface(MASK), Interface(LOSS))),
    ("DLPack", 30, lambda: STATS.add(Exchanged(MASK), Exchanged(LOSS))),
    ("a broadcast view, another byte order", 10, lambda: STATS.add(np.broadcast_to(MASK[:1], SHAPE), LOSS.astype(">f4"))),
    ("rows of a plan, entries of a schedule", 20, lambda: (PLAN["b"].seeds, ORDER[1].seed)),
    ("refused: a label", 25, refused(fm.LabelError, NOISE.apply, BAD_MASK, LOSS)),
    ("refused: a loss", 25, refused(fm.LossError, STATS.add, MASK, BAD_LOSS)),
    ("refused: a shape", 25, refused(fm.ShapeError, NOISE.apply, MASK, LOSS[:2])),
    ("refused: an element type", 15, refused(fm.UnsupportedError, STATS.add, MASK, LOSS.astype(np.complex64))),
    ("refused: no array", 15, refused(fm.UnsupportedError, STATS.add, "mask", LOSS)),
    ("refused: what is read-only", 15, refused(fm.ArgumentError, NOISE.apply, MASK, LOSS, out=FIXED)),
    ("handles", 5, lambda: fm.NoiseFilter(fm.ClassStats("camvid").add(MASK, LOSS) + STATS)),
    ("pickles", 3, lambda: pickle.loads(pickle.dumps(NOISE))),
    ("batches on threads", 2, lambda: NOISE.apply(BATCH, LOSSES)),
]
if torch is not None:
    mask, loss = torch.from_numpy(MASK), torch.from_numpy(LOSS)
    halves = loss.to(torch.bfloat16).t().contiguous().t()
    KINDS += [("tensors: apply()", 60, lambda: NOISE.apply(mask, loss)),
              ("tensors: add(), bfloat16, transposed", 40, lambda: STATS.add(mask, halves)),
              ("tensors: DLPack", 20, lambda: STATS.add(Exchanged(mask), Exchanged(loss))),
              ("tensors: refused", 10, refused(fm.LabelError, NOISE.apply, torch.from_numpy(BAD_MASK), loss))]


def resident():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def alive():
    """(objects that the collector knows, blocks of memory, references to the arrays)"""
    gc.collect()
    return len(gc.get_objects()), sys.getallocatedblocks(), sum(sys.getrefcount(one) for one in (MASK, LOSS, FIXED, OUT, STRATA, LOGITS))


def repeat(call, count):
    for _ in range(count):
        call()


for _, _, call in KINDS:  # what is made once: caches, modules, threads' structures
    repeat(call, 200)
whole = sum(share for _, share, _ in KINDS)
size = resident()
made = 0
for name, share, call in KINDS:
    count = max(1000, CALLS * share // whole)
    before = alive()
    repeat(call, count)
    after = alive()
    made += count
    kept = [b - a for a, b in zip(before, after)]
    # Some objects of the interpreter come and go: what each call keeps would be a thousand.
    tap.ok(all(abs(one) < 400 for one in kept), f"{name}: {count} calls keep nothing", f"objects, blocks, references: {kept}")
grown = resident() - size
tap.ok(grown < 2 << 20, f"{made} calls leave no memory behind", f"{grown} bytes")
print(f"# {made} calls, {grown >> 10} KiB more")

# ---- Every block of Python's, by who asked for it ------------------------------------------------------------
tracemalloc.start()
for _, _, call in KINDS:
    repeat(call, 20)
gc.collect()
first = tracemalloc.take_snapshot()
for _, _, call in KINDS:
    repeat(call, 200)
gc.collect()
package = os.path.dirname(fm.__file__)
grew = [one for one in tracemalloc.take_snapshot().compare_to(first, "lineno")
        if one.traceback[0].filename.startswith(package) and one.count_diff > 100]
tracemalloc.stop()
tap.ok(not grew, "no line of the package keeps what it allocates", "\n".join(map(str, grew)))
assert kit
tap.done()
