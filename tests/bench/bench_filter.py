# bench/bench_filter.py - the noise filter: with counts, the mask alone, weights; other dtypes.
import ctypes

import numpy as np
from bench_data import SPACES, TOLERANCE, camvid_masks, class_means, world
from bench_kit import Entry, Goal, Work, as_plane, halves

TITLE = "Filter"

DRAM_BYTES = 210e6  # beyond any cache
TORCH_SHARE = 8     # the class loop is slow: it gets every eighth image


def image_count(where, threads, bytes_per_pixel):
    if where == "cache":
        return threads
    return 2 * int(DRAM_BYTES / bytes_per_pixel / 512 / 512 / 2) + 2  # threads have as many each


class Filter:
    """One measurement: label space, kind of mask, where it lies, what is asked for. In DRAM all
    images make one mask, filtered by one call, unless each gets a call of its own."""

    def __init__(self, space, where, kind="clean", output="counts", labels=np.uint8,
                 losses=np.float32, one_call=True, filtered=None, strata=1):
        self.one_call, self.strata = one_call, strata
        self.space, self.where, self.kind, self.output = space, where, kind, output
        self.labels, self.losses = np.dtype(labels), np.dtype(losses)
        self.out = np.dtype(np.uint8) if output == "weights" else np.dtype(filtered or labels)

    def __call__(self, kit, threads):
        size = self.labels.itemsize + self.losses.itemsize + self.out.itemsize
        masks, losses = world(self.space, image_count(self.where, threads, size), self.kind)
        masks, losses = masks.astype(self.labels), losses.astype(self.losses)
        out = np.empty(masks.shape, self.out)
        if self.strata > 1:
            return self.with_strata(kit, masks, losses, out, threads)
        parts = [halves(array, threads) for array in (masks, losses, out)]
        labels = kit.handle("fm_labels_create_from_preset", kit.context, SPACES[self.space][0].encode())
        means, thresholds = class_means(kit, labels)
        self.filter = kit.handle("fm_filter_create_from_means", labels, kit.mean_table(means), None)
        pixels = masks.size
        return Work(self.ours(kit, parts, len(means), pixels), self.bound(kit, parts, pixels),
                    self.numpy(kit, parts, thresholds, pixels),
                    self.torch(kit, masks, losses, threads),
                    keep=(labels, means, masks, losses, out))

    def with_strata(self, kit, masks, losses, out, threads):
        """Strata in columns; every class has the same threshold in all."""
        strata = np.broadcast_to(np.arange(masks.shape[-1], dtype=np.uint8) // 5 % self.strata,
                                 masks.shape).copy()
        labels = kit.handle("fm_labels_create_from_preset", kit.context, SPACES[self.space][0].encode())
        means, thresholds = class_means(kit, labels)
        table = np.repeat(means, self.strata)
        self.filter = kit.handle("fm_filter_create_from_means", labels,
                                 kit.mean_table(table, self.strata), None)
        by_stratum = np.repeat(thresholds[:, None], self.strata, 1)
        parts = [halves(array, threads) for array in (masks, losses, out, strata)]
        calls = []
        for mask, loss, filtered, plane in zip(*parts):
            planes = [kit.plane(as_plane(array)) for array in (mask, loss, filtered, plane)]
            extra = kit.lib.make("fm_extra_planes", strata=ctypes.pointer(planes[3]))
            extra.keep = planes
            calls.append([(self.filter, planes[0], planes[1], extra, planes[2], None, None)])

        def run(mask, loss, filtered, plane):
            for m, l, f, s in zip(mask, loss, filtered, plane):
                f[...] = np.where(l > by_stratum[m, s], self.labels.type(SPACES[self.space][2]), m)
        return Work(kit.c_way("fm_filter_apply", calls, masks.size),
                    self.bound(kit, parts[:3], masks.size),
                    kit.python_way([lambda part=part: run(*part) for part in zip(*parts)], masks.size),
                    None, keep=(labels, table, masks, losses, out, strata, calls))

    def ours(self, kit, parts, classes, pixels):
        calls = []
        for part in zip(*parts):
            counts = [np.zeros(classes, np.int64) for _ in range(2)]
            arrays = [array.ctypes.data_as(ctypes.POINTER(ctypes.c_int64)) for array in counts]
            report = None
            if self.output != "mask":
                report = kit.lib.make("fm_filter_report", class_valid=arrays[0],
                                      class_dropped=arrays[1])
                report.keep = counts
            images = [[as_plane(array) for array in part]] if self.one_call else zip(*part)
            options = (None,) if self.output == "weights" else ()
            calls.append([(self.filter, mask, loss, None, *options, out, report, None)
                          for mask, loss, out in
                          ([kit.plane(array) for array in image] for image in images)])
        name = "fm_filter_weigh" if self.output == "weights" else "fm_filter_apply"
        return kit.c_way(name, calls, pixels)

    def bound(self, kit, parts, pixels):
        """The better of stores through and around the caches."""
        kind = type("bench_pass", (ctypes.Structure,), {"_fields_": [
            ("labels", ctypes.c_void_p), ("losses", ctypes.c_void_p), ("out", ctypes.c_void_p),
            ("pixels", ctypes.c_int64), ("label_size", ctypes.c_int32),
            ("loss_size", ctypes.c_int32), ("out_size", ctypes.c_int32),
            ("stream", ctypes.c_int32)]})
        ways = []
        for stream in (0, 1):
            calls = [[(kind(mask.ctypes.data, loss.ctypes.data, out.ctypes.data, mask.size,
                            mask.itemsize, loss.itemsize, out.itemsize, stream),)]
                     for mask, loss, out in zip(*parts)]
            ways.append(kit.c_way("bench_filter_bound", calls, pixels))
        times = [min(way.run()[0] / way.amount for _ in range(5)) for way in ways]
        return ways[times.index(min(times))]

    def numpy(self, kit, parts, thresholds, pixels):
        """Image by image, so that what is made in between stays in the caches."""
        ignored = self.labels.type(SPACES[self.space][2])

        def run(masks, losses, outs):
            for mask, loss, out in zip(masks, losses, outs):
                if self.output == "weights":
                    out[...] = (loss <= thresholds[mask]) & (mask != ignored)
                else:
                    out[...] = np.where(loss > thresholds[mask], ignored, mask)
        return kit.python_way([lambda part=part: run(*part) for part in zip(*parts)], pixels)

    def torch(self, kit, masks, losses, threads):
        """The class loop of the released script, on its dtypes."""
        if kit.torch is None or self.output == "weights":
            return None
        torch, ignored = kit.torch, SPACES[self.space][2]
        step = TORCH_SHARE if len(masks) > TORCH_SHARE else 1
        work = [(torch.from_numpy(mask.astype(np.int64))[None],
                 torch.from_numpy(loss.astype(np.float32))[None])
                for mask, loss in zip(masks[::step], losses[::step])]

        def run(images):
            for mask, loss in images:
                class_loop(torch, mask, loss, ignored)
        return kit.torch_way([lambda part=part: run(part) for part in halves(work, threads)],
                             len(work) * masks[0].size)


def class_loop(torch, mask, loss, ignored, mean=1.0):
    """Class after class over the whole image, as the released code filters."""
    present = torch.unique(mask).tolist()
    filtered = torch.zeros_like(mask)
    filtered[:] = mask[:]
    for label in present:
        if label != ignored:
            filtered[(mask == label) & (loss > mean * TOLERANCE)] = ignored
    return filtered


FEW = Goal(bound=0.6, numpy=9, torch=80)
ENTRIES = [
    Entry("filter_few_dram", Filter("few", "dram"), goal=FEW),
    Entry("filter_few_cache", Filter("few", "cache"), goal=Goal(numpy=9, torch=80)),
    Entry("filter_many_dram", Filter("many", "dram"), goal=Goal(numpy=8)),
    Entry("filter_many_cache", Filter("many", "cache"), goal=Goal(numpy=8)),
    Entry("filter_few_images_dram", Filter("few", "dram", one_call=False), goal=FEW),
    Entry("filter_many_images_dram", Filter("many", "dram", one_call=False), goal=Goal(numpy=8)),
    Entry("filter_few_mask_dram", Filter("few", "dram", output="mask"),
          goal=Goal(bound=0.9, numpy=9)),
    Entry("filter_few_mask_cache", Filter("few", "cache", output="mask"), goal=Goal(numpy=9)),
    Entry("filter_many_mask_dram", Filter("many", "dram", output="mask"),
          goal=Goal(bound=0.75, numpy=8)),
    Entry("filter_many_mask_cache", Filter("many", "cache", output="mask"),
          goal=Goal(bound=0.5, numpy=8)),
    Entry("filter_few_speckled_dram", Filter("few", "dram", "speckled")),
    Entry("filter_few_speckled_cache", Filter("few", "cache", "speckled")),
    Entry("filter_many_speckled_dram", Filter("many", "dram", "speckled")),
    Entry("filter_many_speckled_cache", Filter("many", "cache", "speckled")),
    Entry("filter_many_noise_cache", Filter("many", "cache", "noise")),
    Entry("filter_few_weights_dram", Filter("few", "dram", output="weights")),
    Entry("filter_many_weights_cache", Filter("many", "cache", output="weights")),
    Entry("filter_few_f16_dram", Filter("few", "dram", losses=np.float16)),
    Entry("filter_many_f16_cache", Filter("many", "cache", losses=np.float16)),
    Entry("filter_few_wide_cache", Filter("few", "cache", output="mask", filtered=np.int16)),
    Entry("filter_few_strata_cache", Filter("few", "cache", output="mask", strata=8)),
    Entry("filter_many_strata_cache", Filter("many", "cache", output="mask", strata=8)),
    Entry("filter_few_u16_dram", Filter("few", "dram", labels=np.uint16)),
    Entry("filter_many_u16_cache", Filter("many", "cache", labels=np.uint16)),
]
if camvid_masks():
    ENTRIES += [
        Entry("filter_camvid", Filter("few", "dram", "camvid", one_call=False)),
        Entry("filter_camvid_mask", Filter("few", "dram", "camvid", output="mask", one_call=False)),
        Entry("filter_camvid_weights", Filter("few", "dram", "camvid", output="weights", one_call=False)),
    ]
