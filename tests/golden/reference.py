# golden/reference.py - the method in NumPy and Pillow, for comparing; shares no code with the library.
# SPDX-License-Identifier: MIT
"""FreeMask's formulas, as plainly as they can be written.

Means are sums of float64 values that are rounded once (math.fsum), so that a comparison may ask
for the same bits. Masks are resized by Pillow. Seeds follow the project's documented generator.
"""
import csv
import math
import os

import numpy as np
from PIL import Image

IGNORED = -1
INVALID = -2
EPSILON = 1e-5
TWO64 = (1 << 64) - 1


class Space:
    """A label space: `table` maps labels to classes; what it does not name is invalid."""

    def __init__(self, name, classes, written, table, class_names=None):
        self.name = name
        self.classes = classes
        self.written = written
        self.table = dict(table)
        self.table[written] = IGNORED
        self.class_names = class_names
        self.lookup = np.full(65536, INVALID, np.int32)
        for label, k in self.table.items():
            self.lookup[label] = k

    def labels_of_classes(self):
        return sorted(label for label, k in self.table.items() if k >= 0)

    def ignored_labels(self):
        return sorted(label for label, k in self.table.items() if k == IGNORED)

    def to_classes(self, mask):
        return self.lookup[np.asarray(mask, np.int64)]


def preset(name):
    """A preset, from labels.csv next to this file."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "labels.csv")
    table, names, facts = {}, {}, {}
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["preset"] != name:
                continue
            if row["label"] in ("classes", "written"):
                facts[row["label"]] = int(row["class"])
            else:
                table[int(row["label"])] = int(row["class"])
                names[int(row["class"])] = row["name"]
    if not table:
        raise KeyError(name)
    in_order = [names[k] for k in range(facts["classes"])]
    return Space(name, facts["classes"], facts["written"], table, in_order)


def as_float32(loss):
    """What the library sees of a loss map: float64 is rounded to float32."""
    return np.asarray(loss).astype(np.float32)


def class_means(space, pairs):
    """(h, pixels) over all (mask, loss) pairs."""
    losses = [[] for _ in range(space.classes)]
    for mask, loss in pairs:
        classes = space.to_classes(mask)
        loss = as_float32(loss).astype(np.float64)
        for k in np.unique(classes):
            if k >= 0:
                losses[k].append(loss[classes == k])
    means = np.zeros(space.classes)
    pixels = np.zeros(space.classes, np.int64)
    for k, parts in enumerate(losses):
        if parts:
            values = np.concatenate(parts)
            pixels[k] = len(values)
            means[k] = math.fsum(values.tolist()) / (len(values) + EPSILON)
    return means, pixels


def thresholds(means, tolerance=1.25):
    return (np.float64(tolerance) * np.asarray(means, np.float64)).astype(np.float32)


def filter_mask(space, mask, loss, limits):
    """(filtered mask, classes, dropped) for thresholds `limits`."""
    classes = space.to_classes(mask)
    valid = classes >= 0
    limit = np.where(valid, limits[np.maximum(classes, 0)], np.float32(np.inf))
    with np.errstate(invalid="ignore"):
        dropped = valid & (as_float32(loss) > limit)
    filtered = np.array(mask)
    filtered[dropped] = space.written
    return filtered, classes, dropped


def resized(mask, size):
    """The mask as Pillow's NEAREST makes it; `size` is (width, height) or None."""
    if size is None:
        return mask
    image = Image.fromarray(np.asarray(mask).astype(np.int32), mode="I")
    return np.asarray(image.resize(size, Image.NEAREST))


def hardness(space, mask, means, size=(512, 512)):
    """(H, valid pixels): sums run over the classes in ascending order, in float64."""
    classes = space.to_classes(resized(mask, size))
    counts = np.bincount(classes[classes >= 0].ravel(), minlength=space.classes)
    total = 0.0
    for k in range(space.classes):
        total += float(counts[k]) * float(means[k])
    valid = int(counts.sum())
    return (total / (valid + EPSILON) if valid else 0.0), valid


def count_at(place, masks, n_max):
    """Synthetic images for place `place` (from 0) of `masks`. Python rounds half to even."""
    return min(1 + round((place + 1) / masks * n_max), n_max)


def ranks(rows, n_max):
    """{mask: (rank, count)} from {mask: hardness}; ties go by the bytes of the id."""
    order = sorted(rows, key=lambda mask: (rows[mask], os.fsencode(mask)))
    return {mask: (i + 1, count_at(i, len(order), n_max)) for i, mask in enumerate(order)}


def _final(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & TWO64
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & TWO64
    return z ^ (z >> 31)


class Generator:
    """SplitMix64, keyed by the FNV-1a hash of a name and a seed."""

    def __init__(self, seed, name):
        key = 0xCBF29CE484222325
        for byte in os.fsencode(name):
            key = ((key ^ byte) * 0x100000001B3) & TWO64
        self.state = _final(key ^ _final(seed & TWO64))

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & TWO64
        return _final(self.state)

    def below(self, bound):
        while True:
            product = (self.next() >> 32) * bound
            if product & 0xFFFFFFFF >= ((1 << 32) - bound) % bound:
                return product >> 32


def chosen_seeds(plan_seed, mask, seeds, count):
    """The first `count` of a permutation of the seeds, ascending."""
    generator = Generator(plan_seed, mask)
    pool = list(seeds)
    for j in range(count):
        pick = j + generator.below(len(pool) - j)
        pool[j], pool[pick] = pool[pick], pool[j]
    return sorted(pool[:count])


def times(images, masks):
    """How often the real set is repeated."""
    return max(1, round(images / masks))
