# bench/bench_schedule.py - the next index, and the order of a whole epoch, against PyTorch's samplers.
import ctypes

import numpy as np
from bench_kit import Entry, Goal, Work

TITLE = "Schedules"

EPOCH = 400_000
ALONE = ("ratio", "mixed", "shares")  # what neither PyTorch nor NumPy has
BATCH = 256


def schedule(kit, **options):
    made = kit.lib.make("fm_schedule_options", **options)
    return kit.handle("fm_schedule_create", kit.context, None, ctypes.byref(made))


def next_of(**options):
    """One entry after the other."""
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


def sampler_of(torch, name, world):
    """What a trainer would iterate over to get the epoch's indices."""
    data, utils = range(EPOCH), torch.utils.data
    if name == "random":
        return lambda: list(utils.RandomSampler(data))
    if name == "distributed":
        return lambda: list(utils.DistributedSampler(data, world, 0))
    weights = torch.rand(EPOCH, dtype=torch.float64)
    return lambda: list(utils.WeightedRandomSampler(weights, EPOCH))


def epoch_of(sampler, **given):
    """All indices of an epoch, as one call gives them; in PyTorch as the sampler object does."""
    def make(kit, _threads):
        options, world = dict(given), given.get("world", 1)
        numbers, weights = np.zeros(EPOCH, np.int64), np.random.default_rng(1).random(EPOCH)
        if sampler in ("weighted", "shares"):
            options.update(weights=weights.ctypes.data_as(ctypes.POINTER(ctypes.c_double)),
                           weight_count=EPOCH)
        handle = schedule(kit, **options)
        arrays = kit.lib.make("fm_schedule_arrays", numbers=numbers.ctypes.data_as(
            ctypes.POINTER(ctypes.c_int64)))
        ours = kit.c_way("fm_schedule_fill", [[(handle, 0, EPOCH // world, arrays, None)]], 1)
        if sampler in ALONE:
            return Work(ours, keep=(handle, numbers, weights, arrays))
        torch = kit.torch and kit.torch_way([sampler_of(kit.torch, sampler, world)], 1)
        rng = np.random.default_rng(2)
        numpy = kit.python_way([lambda: rng.choice(EPOCH, EPOCH, p=weights / weights.sum())
                                if sampler == "weighted" else rng.permutation(EPOCH)], 1)
        return Work(ours, numpy=numpy, torch=torch, keep=(handle, numbers, weights, arrays))
    return make


BILLION = {"mix": 0, "real_count": 45_000_000, "synthetic_count": 505_000_000}  # 11 : 1
JOINT = {"mix": 0, "real_count": 20_000, "synthetic_count": 200_000}            # 10 times
ENTRIES = [
    Entry("schedule_next_1e9", next_of(**BILLION), "ns_per_entry"),
    Entry("schedule_many_1e9", many_of(**BILLION), "ns_per_entry"),
    # A shuffle of as many numbers, which is all that RandomSampler gives; then the entries of
    # joint training, whose images have to be worked out from it.
    Entry("schedule_epoch_400k_real", epoch_of("random", mix=1, real_count=EPOCH), "ms", Goal(torch=20), (1,)),
    Entry("schedule_epoch_400k", epoch_of("random", **JOINT), "ms", Goal(torch=20), (1,)),
    Entry("schedule_epoch_400k_ddp", epoch_of("distributed", **JOINT), "ms", Goal(torch=20), (1,)),
    # What one rank of eight waits for.
    Entry("schedule_epoch_400k_ddp_8", epoch_of("distributed", world=8, **JOINT), "ms", Goal(torch=20), (1,)),
    Entry("schedule_epoch_400k_weighted", epoch_of("weighted", mix=5, real_count=EPOCH), "ms",
          Goal(torch=20), (1,)),
    Entry("schedule_epoch_400k_ratio", epoch_of("ratio", mix=3, real_count=20_000, synthetic_count=200_000),
          "ms", threads=(1,)),
    Entry("schedule_epoch_400k_random", epoch_of("mixed", mix=4, real_count=20_000, synthetic_count=200_000,
                                                 epoch_length=EPOCH), "ms", threads=(1,)),
    Entry("schedule_epoch_400k_shares", epoch_of("shares", mix=6, real_count=EPOCH), "ms", threads=(1,)),
]
