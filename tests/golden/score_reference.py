"""golden/score_reference.py - FM_SCORE_RANK as class_stats.h defines it, and strata by the distance to
the boundary, in NumPy. Images are triples of classes (class_count and above: ignored), losses, strata."""
import numpy as np


def bins_of(loss, per_octave=32):
    exponent = np.frexp(np.maximum(loss, 2.0**-30).astype(np.float64))[1] - 1
    part = np.maximum(loss, 2.0**-30) / np.exp2(exponent) - 1
    bins = 1 + np.floor(per_octave * (24 + exponent + part))
    bins[loss < 2.0**-24] = 0
    return np.minimum(bins, 32 * per_octave + 1).astype(int)


def steps(below, total):
    rank = -np.log((total - below) / total + .002)
    return np.floor(rank * 4096 + .5).astype(int)


class Ranks:
    def __init__(self, images, classes, strata=1):
        self.classes, self.strata, count = classes, strata, 32 * 32 + 2
        counts = np.zeros((classes, strata, count))
        for mask, loss, planes in images:
            valid = mask < classes
            s = planes[valid] if strata > 1 else 0
            np.add.at(counts, (mask[valid], s, bins_of(loss[valid])), 1)
        whole = counts.sum(1)
        middle = np.cumsum(counts, -1) - counts / 2
        class_middle, n = np.cumsum(whole, -1) - whole / 2, whole.sum(-1, keepdims=True)
        share = np.where(n > 0, class_middle / np.maximum(n, 1), 1)
        self.own = steps(share, 1)
        self.within = steps(middle + 200 * share[:, None], counts.sum(-1, keepdims=True) + 200)
        if strata == 1:
            self.within = self.own[:, None]

    def table(self, mask, loss, strata):
        bins, k = bins_of(np.where(mask < self.classes, loss, 0)), np.minimum(mask, self.classes - 1)
        return self.own[k, bins], self.within[k, strata if self.strata > 1 else 0, bins]

    def take_levels(self, mask, own, within):
        """The tenth quantile of each class in the image, in 1/128 nats, drawn towards that of all pixels."""
        def tenth(steps):
            return 32 * int(np.sort(steps // 32)[-(-len(steps) // 10) - 1]) + 16
        valid = mask < self.classes
        typical, weight = tenth(own[valid]) if valid.any() else 0, int(valid.sum()) // 32
        levels = {}
        for k in np.unique(mask[valid]):
            n = int((mask == k).sum())
            levels[k] = min(6144, (n * tenth(own[mask == k]) + weight * typical) // (n + weight))
        for k, level in levels.items():
            for part in (own, within):
                part[mask == k] = np.clip(part[mask == k] - level, -32767, 32767)

    def scores(self, mask, loss, strata, reference=None, siblings=()):
        own, within = self.table(mask, loss, strata)
        if reference is not None:
            expected = self.table(mask, reference, strata)
            if len(siblings):
                others = np.array([self.table(mask, sibling, strata) for sibling in siblings]).sum(0)
                means = np.sign(others) * ((2 * abs(others) + len(siblings)) // (2 * len(siblings)))
                expected = np.minimum(expected, means)
            for got, hard in zip((own, within), expected):
                got -= np.where(hard < 0, -((2 - 4 * hard) // 5), (4 * hard + 2) // 5)
        self.take_levels(mask, own, within)
        out, radius = np.zeros(mask.shape, np.float32), max(1, mask.shape[0] // 8)
        for y, x in np.argwhere(mask < self.classes):
            rows, columns = slice(max(0, y - radius), y + radius + 1), slice(max(0, x - radius),
                                                                           x + radius + 1)
            same = mask[rows, columns] == mask[y, x]
            total = np.float32(int(within[rows, columns][same].sum()))
            mean = total / np.float32(same.sum())
            out[y, x] = max(np.float32(0), (np.float32(own[y, x]) + mean) * np.float32(1 / 4096))
        return out


EDGES = [2, 3, 4, 6, 9, 14, 20]  # of an image that is 240 high


def boundary_strata(labels):
    """By the chessboard distance to another label."""
    height, width = labels.shape
    distance = np.full(labels.shape, 10**6)
    rows, columns = np.mgrid[:height, :width]
    for y in range(height):
        for x in range(width):
            others = labels != labels[y, x]
            if others.any():
                distance[y, x] = np.maximum(abs(rows - y), abs(columns - x))[others].min()
    strata, before = np.zeros(labels.shape, int), 1
    for edge in EDGES:
        before = max(int(np.floor(edge * height / 240 + .5)), before + 1)
        strata += distance >= before
    return strata
