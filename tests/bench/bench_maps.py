# bench/bench_maps.py - strata, means over windows, and the paired filter that is made of them.
import ctypes

import numpy as np
from bench_data import SPACES, camvid_masks, world
from bench_kit import Entry, Goal, Work, halves

TITLE = "Maps"

EDGES = [2, 3, 4, 6, 9, 14, 20]


def window_sums(plane, radius):
    """Sums over windows that the border clips, from sums over all that lies above and to the left."""
    height, width = plane.shape
    table = np.zeros((height + 1, width + 1), np.int64)
    plane.cumsum(0, dtype=np.int64).cumsum(1, out=table[1:, 1:])
    y, x = np.arange(height), np.arange(width)
    top, end = np.maximum(y - radius, 0), np.minimum(y + radius + 1, height)
    left, right = np.maximum(x - radius, 0), np.minimum(x + radius + 1, width)
    return (table[end][:, right] - table[top][:, right]) - (table[end][:, left] - table[top][:, left])


def numpy_windows(mask, values, radius, out):
    """Class after class."""
    steps = np.rint(values * 4096).astype(np.int32)
    for label in np.unique(mask):
        same = mask == label
        sums, counts = window_sums(np.where(same, steps, 0), radius), window_sums(same, radius)
        out[same] = (sums[same] / counts[same] / 4096).astype(np.float32)


def numpy_strata(mask, out):
    """Distances grow by one pixel at a time, from the pixels that touch another label, up to the
    last edge."""
    height, width = mask.shape
    edges = [round(edge * height / 240) for edge in EDGES]
    wide = np.pad(mask, 1, mode="edge")
    reached = np.zeros(mask.shape, bool)
    for dy in range(3):
        for dx in range(3):
            reached |= wide[dy:dy + height, dx:dx + width] != mask
    out[...] = len(edges)
    out[reached] = 0
    for distance in range(2, edges[-1]):
        rows = reached.copy()
        rows[1:] |= reached[:-1]
        rows[:-1] |= reached[1:]
        grown = rows.copy()
        grown[:, 1:] |= rows[:, :-1]
        grown[:, :-1] |= rows[:, 1:]
        out[grown & ~reached] = sum(distance >= edge for edge in edges)
        reached = grown


class Map:
    """One measurement, in the caches: a map of each mask. Its bound copies the bytes that it reads
    and writes."""

    def __init__(self, name, space="few", kind="clean"):
        self.name, self.space, self.kind = name, space, kind

    def __call__(self, kit, threads):
        masks, values = world(self.space, threads, self.kind)
        masks, values = masks[:threads], values[:threads]
        window = self.name == "window"
        out = np.empty(masks.shape, np.float32 if window else np.uint8)
        radius = masks.shape[1] // 8
        planes = [[kit.plane(array[i]) for array in (masks, values, out)] for i in range(threads)]
        if window:
            calls = [[(kit.context, m, v, radius, o, None)] for m, v, o in planes]
        else:
            calls = [[(kit.context, m, None, o, None)] for m, _, o in planes]

        def run(i):
            if window:
                numpy_windows(masks[i], values[i], radius, out[i])
            else:
                numpy_strata(masks[i], out[i])
        return Work(kit.c_way("fm_map_window_mean" if window else "fm_map_boundary_strata", calls, masks.size),
                    self.copy(kit, masks, values if window else masks, out, threads),
                    kit.python_way([lambda i=i: run(i) for i in range(threads)], masks.size),
                    keep=(masks, values, out, planes))

    @staticmethod
    def copy(kit, masks, values, out, threads):
        kind = type("bench_pass", (ctypes.Structure,), {"_fields_": [
            ("labels", ctypes.c_void_p), ("losses", ctypes.c_void_p), ("out", ctypes.c_void_p),
            ("pixels", ctypes.c_int64), ("label_size", ctypes.c_int32),
            ("loss_size", ctypes.c_int32), ("out_size", ctypes.c_int32),
            ("stream", ctypes.c_int32)]})
        copies = [np.empty_like(part) for part in halves(out, threads)]
        calls = [[(kind(v.ctypes.data, m.ctypes.data, o.ctypes.data, m.size, v.itemsize, m.itemsize,
                        o.itemsize, 0),)]
                 for m, v, o in zip(halves(masks, threads), halves(values, threads), copies)]
        way = kit.c_way("bench_filter_bound", calls, masks.size)
        way.copies = copies
        return way


def paired_filter(kit, space, masks, losses, strata=False):
    """From statistics of these very images."""
    labels = kit.handle("fm_labels_create_from_preset", kit.context, SPACES[space][0].encode())
    edges = [np.empty(mask.shape, np.uint8) if strata else None for mask in masks]
    options = kit.lib.make("fm_class_stats_options", histogram=32, strata=8 if strata else 1)
    ranks = kit.handle("fm_class_stats_create", labels, options)
    options = kit.lib.make("fm_class_stats_options", histogram=32, score=1, ranks=ranks)
    for number, handle in enumerate([ranks, None]):
        if number:
            handle = stats = kit.handle("fm_class_stats_create", labels, options)
        for mask, loss, plane in zip(masks, losses, edges):
            extra = None
            if strata:
                kit.call("fm_map_boundary_strata", kit.context, kit.plane(mask), None, kit.plane(plane))
                extra = kit.lib.make("fm_extra_planes", strata=ctypes.pointer(kit.plane(plane)))
            kit.call("fm_class_stats_add", handle, kit.plane(mask), kit.plane(loss), extra)
    options = kit.lib.make("fm_filter_options", policy=3)
    return kit.handle("fm_filter_create", stats, options)


class Paired:
    """The paired filter in memory beside the paper's."""

    def __init__(self, space):
        self.space = space

    def __call__(self, kit, threads):
        masks, losses = world(self.space, 2 * threads)
        out = np.empty_like(masks)
        made = paired_filter(kit, self.space, masks, losses)
        calls, keep = [], []
        for i in range(threads):
            planes = [kit.plane(array) for array in (masks[i], losses[i], losses[i + threads], out[i])]
            extra = kit.lib.make("fm_extra_planes", reference=ctypes.pointer(planes[2]))
            keep += [*planes, extra]
            calls.append([(made, planes[0], planes[1], extra, planes[3], None, None)])
        return Work(kit.c_way("fm_filter_apply", calls, masks[0].size * threads),
                    keep=(masks, losses, out, keep))


COPY = Goal(bound=1 / 3)
ENTRIES = [
    Entry("window_few_cache", Map("window"), goal=COPY),
    Entry("window_many_cache", Map("window", "many"), goal=COPY),
    Entry("window_many_speckled_cache", Map("window", "many", "speckled")),
    Entry("strata_few_cache", Map("strata"), goal=COPY),
    Entry("strata_many_cache", Map("strata", "many"), goal=COPY),
    Entry("strata_many_speckled_cache", Map("strata", "many", "speckled")),
    Entry("filter_paired_few_cache", Paired("few")),
]
if camvid_masks():
    ENTRIES += [
        Entry("window_camvid", Map("window", "few", "camvid"), goal=COPY),
        Entry("strata_camvid", Map("strata", "few", "camvid"), goal=COPY),
    ]
