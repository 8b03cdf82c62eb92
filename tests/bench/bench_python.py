# bench/bench_python.py - what the Python package adds to a call, on images so small that little else is left.
"""`time` is one call of the package, its bound the same call of the library from C: what the one takes beyond the other
are views of the arrays, the result's memory, ctypes and errors. NumPy is what it would take without the library."""
import atexit
import ctypes
import os
import shutil
import sys

import numpy as np
from bench_kit import TESTS, Entry, Goal, Work, find_torch

TITLE = "Calls of the Python package"

SIZE, CALLS = 16, 500


def package(kit):
    """freemask, from the tree, with the library that is measured."""
    os.environ["FREEMASK_SHARED"] = os.path.abspath(kit.path)
    sys.path.insert(0, os.path.join(TESTS, "python"))
    import kit as package_kit
    import tap
    assert package_kit
    atexit.register(shutil.rmtree, tap.path(), ignore_errors=True)
    import freemask
    return freemask


def pair():
    rng = np.random.default_rng(3)
    return rng.integers(0, 11, (SIZE, SIZE)).astype(np.uint8), rng.gamma(1.5, 0.7, (SIZE, SIZE)).astype(np.float32)


def calls_of(kit, call):
    """One after the other."""
    def run():
        for _ in range(CALLS):
            call()
    return kit.python_way([run], CALLS)


def apply(tensors=False):
    """NoiseFilter.apply, which makes the mask that it returns."""
    def make(kit, _threads):
        freemask = package(kit)
        mask, loss = pair()
        noise = freemask.NoiseFilter(freemask.ClassStats("camvid").add(mask, loss))
        out, thresholds = np.empty_like(mask), np.append(noise.thresholds, np.inf)
        counts = [np.zeros(11, np.int64) for _ in range(2)]
        valid, dropped = (array.ctypes.data_as(ctypes.POINTER(ctypes.c_int64)) for array in counts)
        report = kit.lib.make("fm_filter_report", class_valid=valid, class_dropped=dropped)
        planes = [kit.plane(array) for array in (mask, loss, out)]
        c_call = kit.c_way("fm_filter_apply", [[(noise._pointer, *planes[:2], None, planes[2], report, None)]], 1)
        given = [kit.torch.from_numpy(array) for array in (mask, loss)] if tensors else (mask, loss)
        return Work(calls_of(kit, lambda: noise.apply(*given)), c_call,
                    calls_of(kit, lambda: np.where(loss > thresholds[mask], np.uint8(11), mask)), keep=(noise, out, counts))
    return make


def add(kit, _threads):
    """ClassStats.add."""
    freemask = package(kit)
    mask, loss = pair()
    stats = [freemask.ClassStats("camvid") for _ in range(2)]
    c_call = kit.c_way("fm_class_stats_add", [[(stats[1]._pointer, kit.plane(mask), kit.plane(loss), None, None)]], 1)

    def with_numpy():
        np.bincount(mask.ravel(), minlength=256)
        np.bincount(mask.ravel(), weights=loss.ravel(), minlength=256)
    return Work(calls_of(kit, lambda: stats[0].add(mask, loss)), c_call, calls_of(kit, with_numpy), keep=stats)


BEYOND = Goal(beyond=5.0)
ENTRIES = [
    Entry("python_apply", apply(), unit="us", goal=BEYOND, threads=(1,)),
    Entry("python_add", add, unit="us", goal=BEYOND, threads=(1,)),
]
if find_torch():
    ENTRIES.insert(1, Entry("python_apply_tensors", apply(tensors=True), unit="us", threads=(1,)))
