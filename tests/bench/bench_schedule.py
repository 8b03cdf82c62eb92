# bench/bench_schedule.py - the next index, and the order of a whole epoch, against PyTorch's samplers.
import ctypes

import numpy as np

from bench_kit import Entry, Goal, Work

EPOCH = 400_000
BATCH = 256


def schedule(kit, **options):
    made = kit.lib.make("fm_schedule_options", **options)
    return kit.handle("fm_schedule_create", kit.context, None, ctypes.byref(made))


def next_of(**options):
    """One entry after the other; "pixels" are entries here."""
    def make(kit, threads):
        calls, keep = [], []
        for _ in range(threads):
            handle, entry = schedule(kit, **options), kit.lib.make("fm_schedule_entry")
            keep += [handle, entry]
            calls.append([(handle, entry, None)])
        return Work(kit.c_way("fm_schedule_next", calls, threads), keep=keep)
    return make


def many_of(**options):
    """A batch after the other."""
    def make(kit, threads):
        calls, keep = [], []
        for _ in range(threads):
            numbers = np.zeros(BATCH, np.int64)
            handle = schedule(kit, **options)
            arrays = kit.lib.make("fm_schedule_arrays", numbers=numbers.ctypes.data_as(
                ctypes.POINTER(ctypes.c_int64)))
            keep += [handle, numbers, arrays]
            calls.append([(handle, BATCH, arrays, None)])
        return Work(kit.c_way("fm_schedule_next_many", calls, threads * BATCH), keep=keep)
    return make


def sampler_of(torch, name):
    """What a trainer would iterate over to get the epoch's indices."""
    data, utils = range(EPOCH), torch.utils.data
    if name == "random":
        return lambda: list(utils.RandomSampler(data))
    if name == "distributed":
        return lambda: list(utils.DistributedSampler(data, 1, 0))
    weights = torch.rand(EPOCH, dtype=torch.float64)
    return lambda: list(utils.WeightedRandomSampler(weights, EPOCH))


def epoch_of(sampler, **given):
    """All indices of an epoch, as one call gives them; in PyTorch as the sampler object does."""
    def make(kit, _threads):
        options = dict(given)
        numbers, weights = np.zeros(EPOCH, np.int64), np.random.default_rng(1).random(EPOCH)
        if sampler == "weighted":
            options.update(weights=weights.ctypes.data_as(ctypes.POINTER(ctypes.c_double)),
                           weight_count=EPOCH)
        handle = schedule(kit, **options)
        arrays = kit.lib.make("fm_schedule_arrays", numbers=numbers.ctypes.data_as(
            ctypes.POINTER(ctypes.c_int64)))
        ours = kit.c_way("fm_schedule_fill", [[(handle, 0, EPOCH, arrays, None)]], 1)
        torch = kit.torch and kit.torch_way([sampler_of(kit.torch, sampler)], 1)
        rng = np.random.default_rng(2)
        numpy = kit.python_way([lambda: rng.choice(EPOCH, EPOCH, p=weights / weights.sum())
                                if sampler == "weighted" else rng.permutation(EPOCH)], 1)
        return Work(ours, numpy=numpy, torch=torch, keep=(handle, numbers, weights, arrays))
    return make


BILLION = {"mix": 0, "real_count": 45_000_000, "synthetic_count": 505_000_000}  # 11 : 1
JOINT = {"mix": 0, "real_count": 20_000, "synthetic_count": 200_000}            # 10 times
ENTRIES = [
    Entry("schedule_next_1e9", next_of(**BILLION)),
    Entry("schedule_many_1e9", many_of(**BILLION)),
    Entry("schedule_epoch_400k", epoch_of("random", **JOINT), "ms", Goal(torch=20), (1,)),
    Entry("schedule_epoch_400k_ddp", epoch_of("distributed", **JOINT), "ms", Goal(torch=20), (1,)),
    Entry("schedule_epoch_400k_weighted", epoch_of("weighted", mix=5, real_count=EPOCH), "ms",
          Goal(torch=20), (1,)),
]
