#!/usr/bin/env python3
# golden/make_golden.py - small random worlds with what the formulas say about them.
# SPDX-License-Identifier: MIT
"""usage: make_golden.py FOLDER

Writes FOLDER/<world>.golden for every world below; unit/test_golden.c reads them. The random
numbers are seeded: the files come out the same with the same NumPy.

All numbers are little-endian. text: u32 length, bytes. A file:
  "FMGOLD1\\n", text name of the preset ("" for an own table), u32 classes, i32 written label,
  u32 length of the label table, i32 class of each label (only used for own tables),
  f64 tolerance, u32 n_max, u64 plan seed, u32 real images, u32 synthetic images,
  real image:      text id, u32 height, u32 width, u16 mask[h w], u32 bytes per loss (2, 4, 8),
                   loss[h w], f64 hardness at 512x512, i64 valid, f64 hardness unresized,
                   u32 rank, u32 count, i64 seeds[count]
  f64 mean[classes], i64 pixels[classes], i64 images of the plan, i64 times,
  synthetic image: text id, u32 height, u32 width, u16 mask, u32 bytes per loss, loss,
                   u16 filtered[h w], i64 valid, i64 dropped
"""
import os
import struct
import sys

import numpy as np
import reference as ref

SEEDS = range(42, 62)


def own_space():
    """300 classes at labels 7, 9, 11, ...: masks need 16 bits; 1,000 is written, 3 ignored too."""
    table = {7 + 2 * k: k for k in range(300)}
    table.update({3: ref.IGNORED, 700: 5})
    return ref.Space("", 300, 1000, table)


def random_mask(rng, space, height, width, present):
    """Blocks of labels with some noise, ignored pixels among them."""
    labels = np.array([label for label in space.labels_of_classes()
                       if space.table[label] in present] + space.ignored_labels())
    coarse = rng.integers(0, len(labels), (height // 5 + 2, width // 7 + 2))
    block = np.kron(coarse, np.ones((5, 7), int))[:height, :width]
    noise = rng.integers(0, len(labels), (height, width))
    return labels[np.where(rng.random((height, width)) < 0.1, noise, block)].astype(np.uint16)


def random_loss(rng, space, mask, dtype):
    """Class-dependent losses; zeros, denormals, huge ones; rubbish where it must not matter."""
    classes = space.to_classes(mask)
    loss = rng.gamma(1.5, 0.2 + (classes % 7) * 0.3)
    odd = rng.random(mask.shape)
    loss = np.where(odd < 0.02, 0.0, loss)
    loss = np.where((odd >= 0.02) & (odd < 0.03), -0.0, loss)
    loss = np.where((odd >= 0.03) & (odd < 0.04), 6e-8, loss)
    if dtype != np.float16:
        loss = np.where((odd >= 0.04) & (odd < 0.045), 1e-42, loss)
        loss = np.where((odd >= 0.045) & (odd < 0.047), 3e4, loss)
    rubbish = rng.choice([np.nan, np.inf, -1.0], mask.shape)
    return np.where(classes < 0, rubbish, loss).astype(dtype)


def text(value):
    data = value.encode("utf-8")
    return struct.pack("<I", len(data)) + data


def image_bytes(name, mask, loss):
    head = text(name) + struct.pack("<II", *mask.shape) + mask.astype("<u2").tobytes()
    return head + struct.pack("<I", loss.itemsize) + loss.astype(loss.dtype.newbyteorder("<")).tobytes()


def world(name, space, seed, tolerance, n_max, dtypes):
    rng = np.random.default_rng(seed)
    present = set(range(0, space.classes, 2)) | {space.classes - 1}  # odd classes are unseen
    real = []
    for i in range(9):
        height, width = rng.integers(9, 33, 2)
        mask = random_mask(rng, space, height, width, present)
        if i == 4:
            mask[:] = space.ignored_labels()[0]
        if i == 6:
            mask = real[2][1].copy()  # equal hardness: a tie
        real.append((f"real/{name} {(i * 5) % 9}", mask, random_loss(rng, space, mask, dtypes[i % len(dtypes)])))
    means, pixels = ref.class_means(space, [(mask, loss) for _, mask, loss in real])
    hard = {mask_id: ref.hardness(space, mask, means) for mask_id, mask, _ in real}
    rank = ref.ranks({mask_id: h for mask_id, (h, _) in hard.items()}, n_max)

    table = [space.table.get(label, ref.INVALID) for label in range(max(space.table) + 1)]
    out = [b"FMGOLD1\n", text(space.name), struct.pack("<Ii", space.classes, space.written),
           struct.pack("<I", len(table)), np.array(table, "<i4").tobytes(),
           struct.pack("<dIQII", tolerance, n_max, seed, len(real), 6)]
    images = 0
    for mask_id, mask, loss in real:
        place, count = rank[mask_id]
        images += count
        seeds = ref.chosen_seeds(seed, mask_id, SEEDS, count)
        out.append(image_bytes(mask_id, mask, loss))
        out.append(struct.pack("<dqd", *hard[mask_id], ref.hardness(space, mask, means, None)[0]))
        out.append(struct.pack("<II", place, count) + np.array(seeds, "<i8").tobytes())
    out += [means.astype("<f8").tobytes(), pixels.astype("<i8").tobytes()]
    out.append(struct.pack("<qq", images, ref.times(images, len(real))))

    limits = ref.thresholds(means, tolerance)
    for i in range(6):
        height, width = rng.integers(9, 33, 2)
        mask = random_mask(rng, space, height, width, range(space.classes))
        loss = random_loss(rng, space, mask, dtypes[i % len(dtypes)])
        classes = space.to_classes(mask)
        if loss.dtype == np.float32:  # at the threshold itself a pixel is kept
            exact = (classes >= 0) & (rng.random(mask.shape) < 0.1)
            loss[exact] = limits[classes[exact]]
        filtered, classes, dropped = ref.filter_mask(space, mask, loss, limits)
        out.append(image_bytes(f"synthetic/{i}", mask, loss) + filtered.astype("<u2").tobytes())
        out.append(struct.pack("<qq", int((classes >= 0).sum()), int(dropped.sum())))
    return b"".join(out)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    f2, f4, f8 = np.float16, np.float32, np.float64
    worlds = [("ade20k", ref.preset("ade20k"), 1, 1.25, 20, [f4, f2]),
              ("cityscapes_ids", ref.preset("cityscapes-ids"), 2, 0.7, 6, [f4]),
              ("camvid", ref.preset("camvid"), 3, 1.25, 13, [f2, f8, f4]),
              ("cocostuff_raw", ref.preset("cocostuff164k-raw"), 4, 2.5, 20, [f8, f4]),
              ("own_16_bit", own_space(), 5, 1.0, 3, [f4, f2, f8])]
    for name, space, *rest in worlds:
        with open(os.path.join(sys.argv[1], name + ".golden"), "wb") as file:
            file.write(world(name, space, *rest))


main()
