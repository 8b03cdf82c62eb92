# bench/bench_hardness.py - hardness of a mask, the resize to 512x512 included.

import numpy as np
from bench_data import SPACES, camvid_masks, class_means, world
from bench_kit import Entry, Goal, Work
from bench_stats import read_bound

TITLE = "Hardness of masks"


def released_loop(image, means):
    """Resize by Pillow, then class after class, as the released code measures."""
    mask = np.array(image.resize((512, 512), 0))  # nearest
    total = valid = 0
    for label in np.unique(mask):
        if label:
            pixels = np.sum(mask == label)
            valid += pixels
            total += pixels * means[label - 1]
    return total / (valid + 1e-5)


class Hardness:
    """Masks of `height` x `width`, as they come from data sets; or real ones."""

    def __init__(self, height, width, real=False):
        self.height, self.width, self.real = height, width, real

    def mask(self, images, seed):
        """Cut out of some images side by side, each with regions of its own."""
        tall, wide = -(-self.height // 512), -(-self.width // 512)
        rows = [np.concatenate([images[(seed + r * wide + c) % len(images)] for c in range(wide)], 1)
                for r in range(tall)]
        return np.ascontiguousarray(np.concatenate(rows)[:self.height, :self.width])

    def __call__(self, kit, threads):
        from PIL import Image
        space = "few" if self.real else "many"
        images, _ = world(space, 8, "camvid" if self.real else "clean")
        masks = list(images[:8]) if self.real else [self.mask(images, seed) for seed in range(4)]
        labels = kit.handle("fm_labels_create_from_preset", kit.context, SPACES[space][0].encode())
        means, _ = class_means(kit, labels)
        hardness = kit.handle("fm_hardness_create_from_means", labels, kit.mean_table(means), None)
        results = np.zeros((threads, 8))
        calls = [[(hardness, kit.plane(mask), results[i], None, None) for mask in masks]
                 for i in range(threads)]
        pictures = [Image.fromarray(mask) for mask in masks]

        def run():
            for picture in pictures:
                released_loop(picture, means)
        amount = len(masks) * threads
        return Work(kit.c_way("fm_hardness_measure", calls, amount),
                    read_bound(kit, [masks] * threads, amount),
                    kit.python_way([run] * threads, amount),
                    keep=(labels, hardness, means, results, masks))


ENTRIES = [
    Entry("hardness_512", Hardness(512, 683), "ms", Goal(numpy=60)),
    Entry("hardness_1024", Hardness(1024, 2048), "ms"),
]
if camvid_masks():
    ENTRIES.append(Entry("hardness_camvid", Hardness(360, 480, real=True), "ms"))
