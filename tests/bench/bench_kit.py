# bench/bench_kit.py - what every entry shares: the library, timed work, medians.
"""An entry is a name, what the numbers mean, the goals, and a function that makes the work:
`make(kit, threads)` returns a Work whose ways (ours, bound, numpy, torch) do the same thing.
The ways take turns until the time for the entry is spent; their medians are compared."""
import ctypes
import os
import resource
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
for room in ("support", "ctypes"):
    sys.path.insert(0, os.path.join(TESTS, room))

from freemask_ctypes import Interface  # noqa: E402

LEVELS = {"best": 0, "c": 1, "sse41": 2, "avx2": 3, "avx512": 4, "neon": 5}


def find_torch():
    try:
        import torch
        return torch
    except ImportError:
        return None


class Goal:
    """What the project wants to reach on the machine that it is developed on; None: nothing. `beyond`: at most so
    much more than the bound, in the entry's unit; the others are ratios to reach."""

    def __init__(self, bound=None, numpy=None, torch=None, speedup=None, beyond=None):
        self.bound, self.numpy, self.torch, self.speedup, self.beyond = bound, numpy, torch, speedup, beyond


class Entry:
    """`unit` is "ns_per_px", "ns_per_entry", "us" or "ms"; the latter per item (a call; an image, a file, an epoch)."""

    def __init__(self, name, make, unit="ns_per_px", goal=None, threads=(1, 2)):
        self.name, self.make, self.unit = name, make, unit
        self.goal, self.threads = goal or Goal(), threads


class Way:
    """One way to do the work: run() returns the seconds that it took for `amount` pixels or
    items, on a processor and by the clock. What is compared is the former, so that others who
    compute on the machine do not decide who wins."""

    def __init__(self, run, amount):
        self.run, self.amount = run, amount
        self.cpu, self.calm, self.spent = [], [], 0.0

    def sample(self):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw
        start = time.perf_counter()
        cpu, wall = self.run()
        self.spent += time.perf_counter() - start
        self.cpu.append(cpu / self.amount)
        if resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw == before:
            self.calm.append(wall / self.amount)

    def median(self):
        return statistics.median(self.cpu)

    def wall(self):
        """By the clock, from the samples in which no other program took a processor away; None if these
        are too few."""
        return statistics.median(self.calm) if len(self.calm) >= max(3, len(self.cpu) / 2) else None


class Work:
    """What an entry measures: a way that is ours, and what it is compared with; `memory`, where
    the entry tells it, are the bytes that one call of ours takes from the allocator."""

    def __init__(self, ours, bound=None, numpy=None, torch=None, keep=(), memory=None):
        self.ways, self.memory = {"ours": ours}, memory
        for name, way in (("bound", bound), ("numpy", numpy), ("torch", torch)):
            if way is not None:
                self.ways[name] = way
        self.keep = keep  # what has to stay alive meanwhile


class Result:
    def __init__(self, entry, threads, work):
        medians = {name: way.median() for name, way in work.ways.items()}
        self.entry, self.threads = entry, threads
        scale = {"ms": 1e3, "us": 1e6}.get(entry.unit, 1e9)
        self.value = medians["ours"] * scale
        self.beyond = (medians["ours"] - medians["bound"]) * scale if "bound" in medians else None
        self.of_bound = medians["bound"] / medians["ours"] if "bound" in medians else None
        self.vs_numpy = medians["numpy"] / medians["ours"] if "numpy" in medians else None
        self.vs_torch = medians["torch"] / medians["ours"] if "torch" in medians else None
        self.wall = work.ways["ours"].wall()
        self.memory = work.memory
        self.speedup = None

    def compare(self, single):
        """What more threads gain over one: by the clock if both could be timed so."""
        if self.wall and single.wall:
            self.speedup = single.wall / self.wall
        else:
            self.speedup = single.value / self.value

    def json(self):
        told = {"name": self.entry.name, "threads": self.threads, self.entry.unit: self.value,
                "of_bound": self.of_bound, "vs_numpy": self.vs_numpy, "vs_torch": self.vs_torch}
        return told if self.memory is None else {**told, "memory": self.memory}


def measure(entry, kit, threads):
    """The way that has had least time goes next, until all have had their share: they take
    turns over the whole span, and slow ones do not crowd out fast ones."""
    work = entry.make(kit, threads)
    ways = list(work.ways.values())
    for way in ways:  # pages, caches, lazy libraries
        way.run()
    share = kit.seconds / len(ways)
    fewest = 3 if kit.quick else 5
    while any(way.spent < share or len(way.cpu) < fewest for way in ways):
        min(ways, key=lambda way: way.spent if way.spent < share else len(way.cpu) * 1e6).sample()
    return Result(entry, threads, work)


# ---- The library -----------------------------------------------------------------------

def address(thing):
    """Where it is: an array, a structure, a handle, nothing, or a number as it is."""
    if thing is None:
        return None
    if isinstance(thing, np.ndarray):
        return thing.ctypes.data
    if isinstance(thing, (ctypes.Structure, ctypes.Array)):
        return ctypes.addressof(thing)
    if isinstance(thing, ctypes.c_void_p):
        return thing.value
    return int(thing)


class Kit:
    """The library, the helper in C, PyTorch if there is one, and how long to measure."""

    def __init__(self, build, level="best", quick=False, seconds=2.0):
        self.path = os.path.join(build, "lib", "libfreemask.so")
        self.lib = Interface(self.path)
        self.helper = ctypes.CDLL(os.path.join(build, "tests", "bench", "bench.so"))
        self.torch = find_torch()
        self.quick, self.seconds = quick, seconds
        options = self.lib.make("fm_context_options", kernels=LEVELS[level])
        self.context = self.handle("fm_context_create", ctypes.byref(options))
        self.level = self.lib.fm_context_kernels(self.context).decode()
        self.struct_call = type("bench_call", (ctypes.Structure,), {"_fields_": [
            ("function", ctypes.c_void_p), ("argument_count", ctypes.c_int64),
            ("arguments", ctypes.c_void_p * 9)]})

    def call(self, name, *arguments):
        err = self.lib.make("fm_error")
        if getattr(self.lib, name)(*arguments, ctypes.byref(err)):
            raise RuntimeError(err.message.decode())

    def handle(self, name, *arguments):
        out = ctypes.c_void_p()
        self.call(name, *arguments, ctypes.byref(out))
        return out

    def mean_table(self, means, strata=1):
        """An array of mean losses as the structure that filters and hardness are made from."""
        made = self.lib.make("fm_mean_table", class_count=len(means) // strata, strata=strata,
                             mean_loss=means.ctypes.data_as(ctypes.POINTER(ctypes.c_double)))
        if strata > 1:
            made.pixels = (ctypes.c_int64 * len(means))(*[1] * len(means))
        return made

    def peak_memory(self, work):
        """The most bytes that work(context) had from the context's allocator at once, beyond
        those that it had when work called what it got as second argument (a reset)."""
        helper = self.helper
        helper.bench_meter_create.restype = ctypes.c_void_p
        helper.bench_meter_now.restype = helper.bench_meter_peak.restype = ctypes.c_int64
        meter = ctypes.c_void_p(helper.bench_meter_create())
        options = self.lib.make("fm_context_options", allocator_user=meter)
        for name in ("allocate", "release"):
            function = ctypes.cast(getattr(helper, f"bench_{name}"),
                                   self.lib.callback(f"fm_{name}_fn"))
            setattr(options, name, function)
        context = self.handle("fm_context_create", ctypes.byref(options))
        before = [0]

        def reset():
            before[0] = helper.bench_meter_now(meter)
            helper.bench_meter_reset(meter)
        work(context, reset)
        self.lib.fm_context_destroy(context)
        return helper.bench_meter_peak(meter) - before[0]  # the meter stays: handles may, too

    def plane(self, array):
        height, width = array.shape
        made = self.lib.make("fm_plane", data=array.ctypes.data, dtype=self.lib.dtype(array.dtype.name),
                             height=height, width=width)
        made.row_stride, made.col_stride = array.strides
        return made

    # ---- Timed work ----

    def c_way(self, name, lists, amount):
        """C calls: one list of argument tuples per thread. `name` is a function of the library
        or, beginning with bench_, of the helper. Short work is repeated until it can be timed."""
        function = getattr(self.helper if name.startswith("bench_") else self.lib.library, name)
        count = len(lists[0])
        calls = (self.struct_call * (count * len(lists)))()
        for at, arguments in enumerate(one for each in lists for one in each):
            calls[at].function = ctypes.cast(function, ctypes.c_void_p).value
            calls[at].argument_count = len(arguments)
            for i, argument in enumerate(arguments):
                calls[at].arguments[i] = address(argument)
        seconds = (ctypes.c_double * 2)()  # bench_time

        def run(repeats):
            status = self.helper.bench_run(calls, ctypes.c_int64(count), ctypes.c_int64(len(lists)),
                                           ctypes.c_int64(repeats), seconds)
            if status:
                raise RuntimeError(f"{name} returned {status}")
            return seconds[1], seconds[0]

        run(1)
        repeats = max(1, int(0.002 / max(run(1)[0], 1e-7)))
        way = Way(lambda: run(repeats), amount * repeats)
        way.keep = (calls, lists)  # the calls hold bare addresses
        return way

    def python_way(self, functions, amount):
        """One function per thread, each called once in a sample."""
        if len(functions) == 1:
            return Way(lambda: clocked(functions[0]), amount)
        pool = ThreadPoolExecutor(len(functions))

        def run():
            start = time.perf_counter()
            futures = [pool.submit(clocked, function) for function in functions]
            return max(future.result()[0] for future in futures), time.perf_counter() - start
        return Way(run, amount)

    def torch_way(self, functions, amount):
        """As python_way, each thread with PyTorch's work on itself; None without PyTorch."""
        if self.torch is None:
            return None
        self.torch.set_num_threads(1)
        return self.python_way(functions, amount)


def clocked(function):
    """Seconds of this thread on a processor, and by the clock."""
    start, cpu = time.perf_counter(), time.thread_time()
    function()
    return time.thread_time() - cpu, time.perf_counter() - start


def halves(array, threads):
    """The images shared out: contiguous pieces of [N, H, W], one per thread."""
    edges = [len(array) * i // threads for i in range(threads + 1)]
    return [array[a:b] for a, b in zip(edges, edges[1:])]


def as_plane(images):
    """[N, H, W] as one mask of N * H rows: the same memory."""
    return images.reshape(-1, images.shape[-1])
