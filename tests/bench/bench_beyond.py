# bench/bench_beyond.py - what the paper has not: calibrations, soft weights, hardness by shape, budgets that know
# yield, what a network sees in place of the mask.
import ctypes
import heapq

import numpy as np
from bench_data import SPACES, class_means, world
from bench_kit import Entry, Work
from bench_network import LOGITS, OUTER, logits, model_of, output_of
from bench_stats import read_bound

TITLE = "Beyond the paper"

HISTOGRAM = 32  # bins of a calibration, per factor of two
MASKS, CLASSES, N_MAX, BUDGET = 10_000, 19, 20, 30_000


def made_labels(kit, space):
    return kit.handle("fm_labels_create_from_preset", kit.context, SPACES[space][0].encode())


def calibration(space):
    """One image after the other: of each class the share of its pixels in higher bins."""
    def make(kit, threads):
        masks, losses = world(space, threads)
        labels, ignored = made_labels(kit, space), SPACES[space][2]
        stats = kit.handle("fm_class_stats_create", labels, kit.lib.make("fm_class_stats_options", histogram=HISTOGRAM))
        calls = [[(kit.handle("fm_calibration_create", stats), kit.plane(mask), kit.plane(loss), None, None)]
                 for mask, loss in zip(masks, losses)]
        bins = HISTOGRAM * 32 + 2
        sums = np.zeros((threads, 256, bins))

        def run(i):
            at = np.clip(np.log2(losses[i]) * HISTOGRAM + 24 * HISTOGRAM + 1, 0, bins - 1).astype(np.intp)
            counts = np.bincount((masks[i].astype(np.intp) * bins + at).ravel(), minlength=256 * bins).reshape(256, bins)
            for k in np.unique(masks[i]):
                if k != ignored:
                    sums[i, k] += 1 - counts[k].cumsum() / counts[k].sum()
        parts = list(zip(masks, losses))
        return Work(kit.c_way("fm_calibration_add", calls, masks.size), read_bound(kit, parts, masks.size),
                    kit.python_way([lambda i=i: run(i) for i in range(threads)], masks.size),
                    keep=(labels, stats, calls, masks, losses, sums))
    return make


def soft_weights(kind, **options):
    """Floats in place of masks, by the paper's thresholds."""
    def make(kit, threads):
        masks, losses = world("many", threads)
        labels, ignored = made_labels(kit, "many"), SPACES["many"][2]
        means, thresholds = class_means(kit, labels)
        judge = kit.handle("fm_filter_create_from_means", labels, kit.mean_table(means), None)
        out = np.empty(masks.shape, np.float32)
        soft = kit.lib.make("fm_weight_options", kind=kind, **options)
        calls = [[(judge, kit.plane(m), kit.plane(v), None, soft, kit.plane(o), None, None)]
                 for m, v, o in zip(masks, losses, out)]

        def run(mask, loss, weights):
            t = thresholds[mask]
            with np.errstate(divide="ignore"):
                part = np.clip(1.5 - loss / t, 0, 1) if kind == 1 else np.minimum(1, t / loss) ** 2
            weights[...] = np.where(mask == ignored, 0, part)
        parts = list(zip(masks, losses, out))
        return Work(kit.c_way("fm_filter_weigh", calls, masks.size), read_bound(kit, parts, masks.size),
                    kit.python_way([lambda part=part: run(*part) for part in parts], masks.size),
                    keep=(labels, judge, means, soft, calls, masks, losses, out))
    return make


def shapes(kit, threads):
    """Sides that a class shares with others, over those of a square as large."""
    masks, _ = world("many", threads)
    labels, ignored = made_labels(kit, "many"), SPACES["many"][2]
    found = np.zeros((threads, 256), np.int64)
    calls = [[(labels, kit.plane(mask), found[i], 150, None)] for i, mask in enumerate(masks)]

    def run(mask):
        pixels, sides = np.bincount(mask.ravel(), minlength=256), np.zeros(256, np.int64)
        for a, b in ((mask[:, 1:], mask[:, :-1]), (mask[1:], mask[:-1])):
            border = (a != b) & (a != ignored) & (b != ignored)
            for side in (a, b):
                sides += np.bincount(side[border], minlength=256)
        return sides / (4 * np.sqrt(np.maximum(pixels, 1)))
    return Work(kit.c_way("fm_shape_measure", calls, threads), read_bound(kit, [[mask] for mask in masks], threads),
                kit.python_way([lambda mask=mask: run(mask) for mask in masks], threads), keep=(labels, found, masks, calls))


def greedy(pixels, kept):
    """The mask whose next image adds most, from a heap: gains only fall, so an old one is looked at again before it counts."""
    added, counts, left = np.floor(pixels * kept + 0.5), np.zeros(len(pixels), np.uint32), BUDGET
    there = np.maximum(added.sum(0), 1)

    def gain(i):
        return float((added[i] / there).sum()) / (1 + counts[i]) if counts[i] < N_MAX else 0.0
    heap = [(-gain(i), i) for i in range(len(pixels))]
    heapq.heapify(heap)
    while left:
        before, i = heap[0]
        if -gain(i) == before:
            there += added[i]
            counts[i] += 1
            left -= 1
        heapq.heapreplace(heap, (-gain(i), i))
    return counts


def yields(kit, _threads):
    """Classes as in scenes: some everywhere, most in a few masks."""
    rng = np.random.default_rng(4)
    there = rng.random((MASKS, CLASSES)) < rng.uniform(.02, .9, CLASSES)
    pixels = (there * rng.gamma(1, 2e4, there.shape)).astype(np.int64)
    kept, counts = rng.uniform(.5, 1, CLASSES), np.zeros(MASKS, np.uint32)
    table = kit.lib.make("fm_yield_table", mask_count=MASKS, class_count=CLASSES, n_max=N_MAX, budget=BUDGET,
                         pixels=pixels.ctypes.data_as(ctypes.POINTER(ctypes.c_int64)),
                         kept_shares=kept.ctypes.data_as(ctypes.POINTER(ctypes.c_double)))
    return Work(kit.c_way("fm_yield_count_images", [[(kit.context, table, counts, None)]], 1),
                numpy=kit.python_way([lambda: greedy(pixels, kept)], 1), keep=(pixels, kept, counts, table))


def seen_classes(kit, threads):
    """Of logits of a quarter of the size: what a report's "road shown where the mask says pavement" counts."""
    inputs = [logits(OUTER // 4, seed) for seed in range(threads)]
    model = model_of(kit, kit.context, LOGITS)
    out = [np.empty((OUTER, OUTER), np.int32) for _ in inputs]
    calls = [[(model, output_of(kit, z), kit.plane(mask), kit.plane(o), None)] for (z, mask), o in zip(inputs, out)]
    torch = kit.torch

    def run(z):
        full = torch.nn.functional.interpolate(torch.from_numpy(z)[None], (OUTER, OUTER), mode="bilinear", align_corners=False)
        return full.argmax(1)
    return Work(kit.c_way("fm_network_class_map", calls, threads),
                torch=torch and kit.torch_way([lambda z=z: run(z) for z, _ in inputs], threads), keep=(inputs, model, out, calls))


ENTRIES = [
    Entry("calibration_few_cache", calibration("few")),
    Entry("calibration_many_cache", calibration("many")),
    Entry("weights_ramp_many_cache", soft_weights(1, width=0.5)),
    Entry("weights_power_many_cache", soft_weights(2, gamma=2.0)),
    Entry("shape_512", shapes, "ms"),
    Entry("plan_yield_1e4", yields, "ms", threads=(1,)),
    Entry("class_map_up4_c150", seen_classes, "ms"),
]
