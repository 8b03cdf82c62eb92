# bench/bench_stats.py - class statistics and label counts.
import ctypes

import numpy as np
from bench_data import SPACES, camvid_masks, world
from bench_filter import TORCH_SHARE, image_count
from bench_kit import Entry, Goal, Work, as_plane, halves

TITLE = "Class statistics and counts of labels"


def read_bound(kit, arrays_of_threads, pixels):
    """Every array read once."""
    sums = np.zeros((len(arrays_of_threads), 8), np.uint64)  # apart by cache lines
    calls = [[(array, array.nbytes, sums[i]) for array in arrays]
             for i, arrays in enumerate(arrays_of_threads)]
    way = kit.c_way("bench_read_bound", calls, pixels)
    way.sums = sums
    return way


class Stats:
    """fm_class_stats_add. `bins`: of the histogram, per factor of two."""

    def __init__(self, space, where, kind="clean", bins=0, labels=np.uint8, losses=np.float32):
        self.space, self.where, self.kind, self.bins = space, where, kind, bins
        self.labels, self.losses = np.dtype(labels), np.dtype(losses)

    def __call__(self, kit, threads):
        size = self.labels.itemsize + self.losses.itemsize
        masks, losses = world(self.space, image_count(self.where, threads, size), self.kind)
        masks, losses = masks.astype(self.labels), losses.astype(self.losses)
        parts = list(zip(halves(masks, threads), halves(losses, threads)))
        labels = kit.handle("fm_labels_create_from_preset", kit.context, SPACES[self.space][0].encode())
        options = kit.lib.make("fm_class_stats_options", histogram=self.bins)
        calls, keep = [], [labels, masks, losses]
        for mask, loss in parts:
            stats = kit.handle("fm_class_stats_create", labels, ctypes.byref(options))
            keep.append(stats)
            calls.append([(stats, kit.plane(as_plane(mask)), kit.plane(as_plane(loss)), None, None)])
        return Work(kit.c_way("fm_class_stats_add", calls, masks.size),
                    read_bound(kit, parts, masks.size), self.numpy(kit, parts, masks.size),
                    self.torch(kit, masks, losses, threads), keep)

    def numpy(self, kit, parts, pixels):
        """Two bincounts for each image; a third over class and bin for the histogram."""
        bins = self.bins * 32 + 2

        def run(masks, losses):
            for mask, loss in zip(masks, losses):
                labels, values = mask.ravel(), loss.ravel()
                np.bincount(labels, minlength=256)
                np.bincount(labels, weights=values, minlength=256)
                if self.bins:
                    at = np.clip(np.log2(values) * self.bins + 24 * self.bins + 1, 0, bins - 1)
                    np.bincount(labels * np.intp(bins) + at.astype(np.intp), minlength=256 * bins)
        return kit.python_way([lambda part=part: run(*part) for part in parts], pixels)

    def torch(self, kit, masks, losses, threads):
        """The class loop of the released script, on its dtypes."""
        if kit.torch is None or self.bins:
            return None
        torch, ignored = kit.torch, SPACES[self.space][2]
        step = TORCH_SHARE if len(masks) > TORCH_SHARE else 1
        work = [(torch.from_numpy(mask.astype(np.int64))[None],
                 torch.from_numpy(loss.astype(np.float32))[None])
                for mask, loss in zip(masks[::step], losses[::step])]

        def run(images):
            pixels, sums = [0] * 256, [0.0] * 256
            for mask, loss in images:
                for label in torch.unique(mask).tolist():
                    if label != ignored:
                        pixels[label] += torch.sum(mask == label).item()
                        sums[label] += torch.sum(loss[mask == label]).item()
        return kit.torch_way([lambda part=part: run(part) for part in halves(work, threads)],
                             len(work) * masks[0].size)


def count_labels(where, labels, space="many", kind="clean"):
    """fm_labels_count: what `check` and the planner's host need."""
    def make(kit, threads):
        masks = world(space, image_count(where, threads, 6), kind)[0].astype(labels)
        parts = halves(masks, threads)
        meaning = kit.handle("fm_labels_create_from_preset", kit.context, SPACES[space][0].encode())
        counts = np.zeros((threads, 160), np.int64)
        calls = [[(meaning, kit.plane(as_plane(mask)), counts[i], None, None)]
                 for i, mask in enumerate(parts)]

        def run(images):
            for mask in images:
                np.bincount(mask.ravel(), minlength=256)
        return Work(kit.c_way("fm_labels_count", calls, masks.size),
                    read_bound(kit, [[part] for part in parts], masks.size),
                    kit.python_way([lambda part=part: run(part) for part in parts], masks.size),
                    keep=(meaning, counts, masks))
    return make


DRAM = Goal(bound=1 / 2.0, numpy=9, torch=60)
CACHE = Goal(bound=1 / 4.5, numpy=9, torch=60)
ENTRIES = [
    Entry("stats_exact_dram", Stats("many", "dram"), goal=DRAM),
    Entry("stats_exact_cache", Stats("many", "cache"), goal=CACHE),
    Entry("stats_hist_dram", Stats("many", "dram", bins=8)),
    Entry("stats_few_dram", Stats("few", "dram"), goal=DRAM),
    Entry("stats_few_cache", Stats("few", "cache"), goal=CACHE),
    Entry("stats_speckled_dram", Stats("many", "dram", "speckled")),
    Entry("stats_speckled_cache", Stats("many", "cache", "speckled")),
    Entry("stats_noise_cache", Stats("many", "cache", "noise")),
    Entry("stats_f16_dram", Stats("many", "dram", losses=np.float16)),
    Entry("stats_u16_dram", Stats("many", "dram", labels=np.uint16)),
    Entry("labels_count_dram", count_labels("dram", np.uint8)),
    Entry("labels_count_cache", count_labels("cache", np.uint8)),
    Entry("labels_count_u16_cache", count_labels("cache", np.uint16)),
]
if camvid_masks():
    ENTRIES += [
        Entry("stats_camvid", Stats("few", "dram", "camvid")),
        Entry("labels_count_camvid", count_labels("dram", np.uint8, "few", "camvid")),
    ]
