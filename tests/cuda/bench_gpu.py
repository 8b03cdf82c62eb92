# cuda/bench_gpu.py - `bench_gpu.py OUT.json [--small]`: how fast the calls are on this device, against a copy within its memory
# and against PyTorch, eager and compiled, where that is. Medians of interleaved runs.
"""Writes OUT.json anew after each row, so that what was measured is there when it is cut. `--small` is for trying the script:
a few pixels, one run."""
import argparse
import ctypes
import json
import statistics
import sys
import time

import kit
import numpy as np
from kit import call, core, create, cuda, options, ptr, volume, zeros

CLASSES, LOGITS, SCORES = 150, 1, 3
# Of a measurement, and how many of each.
LEAST_SECONDS, ROUNDS = 0.02, 9
# Seconds after which no more rivals are compiled.
COMPILE_UNTIL = 150

parser = argparse.ArgumentParser()
parser.add_argument("out")
parser.add_argument("--small", action="store_true")
given = parser.parse_args()
started = time.monotonic()
random = np.random.default_rng(5)


def find_torch():
    """(module, "") of the rivals, or (None, why not)."""
    if given.small:
        return None, "not for a trial"
    try:
        import torch
    except ImportError:
        return None, "PyTorch is not there"
    if not torch.cuda.is_available():
        return None, "PyTorch has no CUDA, or no device"
    import torch_rival
    return torch_rival, ""


rival, no_rival = find_torch()
device = create(cuda.fm_cuda_create, 0)
cuda.fm_cuda_name.restype = ctypes.c_char_p


# ---- Time

class Clock:
    """Time on the default stream, which is PyTorch's too."""

    def __init__(self):
        self.start, self.end = self._event(), self._event()

    @staticmethod
    def _event():
        event = ptr()
        kit.driver.run("cuEventCreate", ctypes.byref(event), 0)
        return event

    def seconds(self, work, times):
        """Of one of `times` runs, one after the other."""
        kit.driver.run("cuEventRecord", self.start, None)
        for _ in range(times):
            work()
        kit.driver.run("cuEventRecord", self.end, None)
        kit.driver.run("cuEventSynchronize", self.end)
        elapsed = ctypes.c_float()
        kit.driver.run("cuEventElapsedTime", ctypes.byref(elapsed), self.start, self.end)
        return elapsed.value / 1000 / times


clock = Clock()


def medians(contenders):
    """Seconds of each of {name: work}, in turns."""
    times = {}
    for name, work in contenders.items():
        clock.seconds(work, 1)  # what happens only once
        once = clock.seconds(work, 1)
        times[name] = 1 if given.small else max(1, min(2000, round(LEAST_SECONDS / max(once, 1e-6))))
    taken = {name: [] for name in contenders}
    for _ in range(1 if given.small else ROUNDS):
        for name, work in contenders.items():
            taken[name].append(clock.seconds(work, times[name]))
    return {name: statistics.median(found) for name, found in taken.items()}


# ---- The card

def attribute(number):
    value = ctypes.c_int()
    kit.driver.run("cuDeviceGetAttribute", ctypes.byref(value), number, 0)
    return value.value


def free_memory():
    free, whole = ctypes.c_size_t(), ctypes.c_size_t()
    kit.driver.run("cuMemGetInfo_v2", ctypes.byref(free), ctypes.byref(whole))
    return free.value


def copy_bandwidth():
    """Bytes a second that a copy within the device reads and writes."""
    size = 1 << 20 if given.small else min(1 << 29, free_memory() // 8)
    source, target = zeros(size, np.uint8), zeros(size, np.uint8)

    def copy():
        kit.driver.run("cuMemcpyDtoDAsync_v2", kit.u64(target.address), kit.u64(source.address), kit.size_t(size), None)

    return 2 * size / medians({"copy": copy})["copy"]


def about():
    version = ctypes.c_int()
    kit.driver.run("cuDriverGetVersion", ctypes.byref(version))
    found = {"device": cuda.fm_cuda_name(device).decode(), "capability": f"{attribute(75)}.{attribute(76)}",
             "processors": attribute(16), "cuda": version.value, "copy_bytes_per_second": copy_bandwidth(), "rows": []}
    if rival:
        found["torch"] = rival.torch.__version__
    else:
        found["no_torch"] = no_rival
    return found


report = about()


def write():
    with open(given.out, "w", encoding="utf-8") as file:
        json.dump(report, file, indent=1)


# ---- Inputs

labels = kit.space(CLASSES)


def make_masks(n, height, width):
    """Blocks of one label, as scenes have them, with ignored edges."""
    small = random.integers(0, CLASSES, (n, height // 24 + 1, width // 24 + 1), dtype=np.uint8)
    masks = small.repeat(24, 1).repeat(24, 2)[:, :height, :width].copy()
    masks[:, ::97] = 255
    return masks


def floats(shape, dtype=np.float32):
    """Normal ones, repeated: to draw all would take longer than what is measured."""
    return np.resize(random.normal(0, 3, 999983).astype(dtype), shape)


def make_filter():
    stats = create(core.fm_class_stats_create, labels, options(kit.StatsOptions, histogram=0))
    masks = np.arange(CLASSES, dtype=np.uint8).reshape(10, 15)
    call(core.fm_class_stats_add, stats, kit.plane(masks), kit.plane(np.full((10, 15), 4, np.float32)), None)
    handle = create(core.fm_filter_create, stats, None)
    limits = np.full(256, np.inf, np.float32)
    core.fm_filter_thresholds(handle, limits.ctypes.data_as(ptr), kit.i64(CLASSES), None)
    return stats, handle, limits


stats, host_filter, limits = make_filter()
known_filter = create(cuda.fm_cuda_filter_create, device, host_filter)
known_stats = create(cuda.fm_cuda_stats_create, device, stats)
network = create(core.fm_network_loss_create, labels, options(kit.LossOptions, kind=LOGITS, trust_kind=1))
known_loss = create(cuda.fm_cuda_loss_create, device, network)
words = zeros(core.fm_class_stats_word_count(stats), np.int64)


def fitting(images, bytes_of_image):
    """So many images that a third of the memory holds them."""
    return 2 if given.small else max(1, min(images, int(free_memory() / 3 / bytes_of_image)))


# ---- Rows

def compiled(function, *inputs):
    """(function, ""), or (None, why not)."""
    if time.monotonic() - started > COMPILE_UNTIL:
        return None, "no time left"
    try:
        made = rival.torch.compile(function, dynamic=False)
        made(*inputs)
        return made, ""
    except Exception as problem:  # of any part of the compiler
        return None, f"{type(problem).__name__}: {str(problem).strip().splitlines()[0][:200] if str(problem) else ''}"


def rivals_of(eager, inputs, compiles):
    """({name: work}, why there is no compiled one) of functions of `inputs` (arrays)."""
    tensors = [rival.device_array(one) for one in inputs]
    made, problem = compiled(compiles or eager, *tensors)
    found = {"eager": lambda: eager(*tensors)}
    if made:
        found["compiled"] = lambda: made(*tensors)
    return found, problem


def row(name, moved, work, eager=None, inputs=(), compiles=None, goal=None):
    """Measures `work`, which reads and writes `moved` bytes at least, and its rivals."""
    found = {"name": name, "bytes": moved, "goal": goal or {}}
    try:
        rivals, found["not_compiled"] = rivals_of(eager, inputs, compiles) if rival and eager else ({}, "")
        found["seconds"] = medians({"library": work, **rivals})
    except Exception as problem:  # a rival that has not enough memory
        found["rivals"] = (str(problem).splitlines() or [type(problem).__name__])[0][:200]
        found["seconds"] = medians({"library": work})
    found["share"] = moved / found["seconds"]["library"] / report["copy_bytes_per_second"]
    report["rows"].append(found)
    write()
    rivals = None
    if rival:
        rival.torch.cuda.empty_cache()
    print(f"# {name}: {found['seconds']}", file=sys.stderr, flush=True)


def check_same(name, ours, eager, *inputs):
    """The rival filters alike: all but pixels beside a threshold."""
    if rival:
        theirs = eager(*[rival.device_array(one) for one in inputs])[0].cpu().numpy()
        same = float((theirs == ours).mean())
        report.setdefault("alike", {})[name] = same
        del theirs


def measure_losses():
    shape = (fitting(64, 20 << 20), *((32, 48) if given.small else (1024, 1024)))
    masks, losses = make_masks(*shape), np.abs(floats(shape)) * 2
    pixels = masks.size
    m, lo, out = kit.Memory(masks), kit.Memory(losses), zeros(shape, np.uint8)
    counts, status = zeros((shape[0], CLASSES, 2), np.int64), zeros(shape[0], kit.STATUS)

    def apply():
        call(cuda.fm_cuda_filter_apply, known_filter, volume(m), volume(lo), None, volume(out), ptr(counts.address),
             ptr(status.address), None, kit.size_t(0), None)

    eager = rival and rival.filter_losses
    row(f"filter + counts from loss maps, {shape[0]} x 1024x1024", 6 * pixels, apply, eager, (masks, losses, limits),
        goal={"share": 0.8})
    check_same("filter", out.get(), eager, masks, losses, limits)
    size = kit.room("stats", known_stats, shape)
    space = kit.workspace(size)

    def add():
        call(cuda.fm_cuda_stats_add, known_stats, volume(m), volume(lo), None, ptr(words.address), ptr(status.address),
             ptr(space.address), kit.size_t(size), None)

    row(f"exact statistics from loss maps, {shape[0]} x 1024x1024", 5 * pixels, add, rival and rival.add_losses,
        (masks, losses), goal={"share": 0.8})


def measure_logits(images, scale, dtype=np.float32, goal=None):
    side = 32 if given.small else 512
    inner = side // scale
    n = fitting(images, CLASSES * side * side * 4 * 3)
    values, masks = floats((n, CLASSES, inner, inner), dtype), make_masks(n, side, side)
    z, m, out = kit.Memory(values), kit.Memory(masks), zeros(masks.shape, np.uint8)
    counts, status = zeros((n, CLASSES, 2), np.int64), zeros(n, kit.STATUS)
    what = f"{n} x {CLASSES} classes, {np.dtype(dtype).name} {inner}x{inner} for {side}x{side}"
    moved = values.nbytes + masks.size

    def apply():
        call(cuda.fm_cuda_filter_apply_output, known_filter, known_loss, kit.output(z), volume(m), None, volume(out),
             ptr(counts.address), ptr(status.address), None, kit.size_t(0), None)

    row(f"logits -> filtered masks + counts, {what}", moved + masks.size, apply, rival and rival.filter_logits_by_class,
        (values, masks, limits), rival and rival.filter_logits, goal)
    check_same(what, out.get(), rival and rival.filter_logits, values, masks, limits)
    size = kit.room("stats_output", known_stats, masks.shape)
    space = kit.workspace(size)

    def add():
        call(cuda.fm_cuda_stats_add_output, known_stats, known_loss, kit.output(z), volume(m), None, ptr(words.address),
             ptr(status.address), ptr(space.address), kit.size_t(size), None)

    row(f"logits -> exact statistics, {what}", moved, add, rival and rival.add_logits, (values, masks))
    report["workspace_per_image"] = size / n


def measure_queries(images, count):
    side = 32 if given.small else 512
    n, inner = fitting(images, CLASSES * side * side * 4 * 4), side // 4
    values, classes = floats((n, count, inner, inner)), floats((n, count, CLASSES + 1))
    masks = make_masks(n, side, side)
    z, rows, m, out = kit.Memory(values), kit.Memory(classes), kit.Memory(masks), zeros(masks.shape, np.uint8)
    counts, status = zeros((n, CLASSES, 2), np.int64), zeros(n, kit.STATUS)
    scores = create(core.fm_network_loss_create, labels, options(kit.LossOptions, kind=SCORES, trust_kind=1))
    known = create(cuda.fm_cuda_loss_create, device, scores)
    made = kit.queries(known, z, rows)

    def apply():
        call(cuda.fm_cuda_filter_apply_output, known_filter, known, made, volume(m), None, volume(out), ptr(counts.address),
             ptr(status.address), None, kit.size_t(0), None)

    what = f"queries -> filtered masks + counts, {n} x {count} queries, {CLASSES} classes, {inner}x{inner} for {side}x{side}"
    row(what, values.nbytes + classes.nbytes + 2 * masks.size, apply, rival and rival.filter_queries,
        (classes, values, masks, limits), goal={"eager": 10})
    check_same("queries", out.get(), rival and rival.filter_queries, classes, values, masks, limits)
    report["query_workspace_per_image"] = made.workspace_size / n


def measure_scores(images):
    """The policy that compares with the real image of the mask, and a reference for each."""
    side = 32 if given.small else 512
    n = fitting(images, CLASSES * 8192 + side * side * 24)
    masks, losses = make_masks(n, side, side), np.abs(floats((n, side, side))) * 2
    ranks = create(core.fm_class_stats_create, labels, options(kit.StatsOptions, histogram=32))
    call(core.fm_class_stats_add, ranks, kit.plane(masks[0]), kit.plane(losses[0]), None)
    scores = create(core.fm_class_stats_create, labels, options(kit.StatsOptions, histogram=32, score=1, ranks=ranks.value))
    call(core.fm_class_stats_add, scores, kit.plane(masks[0]), kit.plane(losses[0]), None)
    known = create(cuda.fm_cuda_filter_create, device, create(core.fm_filter_create, scores, options(kit.FilterOptions, policy=3)))
    m, lo, out, status = kit.Memory(masks), kit.Memory(losses), zeros(masks.shape, np.uint8), zeros(n, kit.STATUS)
    real, space = kit.Memory(losses[::-1].copy()), kit.workspace(kit.room("filter", known, masks.shape))
    row(f"paired filter from loss maps, {n} x {side}x{side}", 10 * masks.size, lambda: call(
        cuda.fm_cuda_filter_apply, known, volume(m), volume(lo), kit.extra(reference=real), volume(out), None, ptr(status.address),
        ptr(space.address), kit.size_t(space.array.size), None))
    report["score_workspace_per_image"] = space.array.size / n
    cuda.fm_cuda_filter_destroy(known)


def measure_maps():
    n, side = (2, 32) if given.small else (16, 512)
    masks = make_masks(n, side, side)
    m, strata, means = kit.Memory(masks), zeros(masks.shape, np.uint8), zeros(masks.shape, np.float32)
    values, status = kit.Memory(floats(masks.shape)), zeros(n, kit.STATUS)
    shape = n, kit.i64(side), kit.i64(side)
    boundary, window = cuda.fm_cuda_boundary_workspace(*shape), cuda.fm_cuda_window_workspace(*shape)
    space = kit.workspace(max(boundary, window))
    row(f"boundary strata, {n} x {side}x{side}", 2 * masks.size, lambda: call(
        cuda.fm_cuda_boundary_strata, device, volume(m), None, volume(strata), ptr(space.address), kit.size_t(boundary), None))
    row(f"means over windows, radius 6, {n} x {side}x{side}", 9 * masks.size, lambda: call(
        cuda.fm_cuda_window_mean, device, volume(m), volume(values), 6, volume(means), ptr(status.address), ptr(space.address),
        kit.size_t(window), None))
    hard = create(cuda.fm_cuda_hardness_create, device, create(core.fm_hardness_create, stats, None))
    size = cuda.fm_cuda_hardness_workspace(hard, *shape[1:])
    pixels, out, space = zeros((n, CLASSES), np.int64), zeros(n, np.float64), kit.workspace(size)
    row(f"hardness, {n} x {side}x{side}", masks.size, lambda: call(
        cuda.fm_cuda_hardness_measure, hard, volume(m), ptr(pixels.address), ptr(out.address), ptr(status.address),
        ptr(space.address), kit.size_t(size), None))


# What a goal asks to be compiled comes first.
measure_logits(16, 4, goal={"eager": 20, "compiled": 3})
measure_losses()
measure_logits(8, 1, goal={"share": 0.8})
measure_queries(8, 100)
measure_maps()
measure_scores(16)
measure_logits(16, 4, np.float16)
report["seconds"] = time.monotonic() - started
write()
cuda.fm_cuda_destroy(device)
