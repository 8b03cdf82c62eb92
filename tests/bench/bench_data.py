# bench/bench_data.py - masks and losses to measure with, the same in every run.
"""Masks of 512x512: regions with curved borders, as in scenes. `few` has the 11 classes of
camvid, `many` 18 of ade20k's 150 classes in each image, all of them in the set. Losses vary
smoothly, a few pixels wide, as those that are enlarged from a network's output do; about a
fifth of the pixels lies above 1.25 times the mean. The kind `camvid` has real masks of 480x360, where
FREEMASK_TEST_DATA has them."""
import functools
import glob
import os

import numpy as np

SIZE = 512
CAMVID_COUNT = 48
BASE = 8  # images that are made; the others are these with other labels, mirrored
TOLERANCE = 1.25
SPACES = {"few": ("camvid", np.arange(11), 11), "many": ("ade20k", np.arange(1, 151), 0)}


def regions(rng, cell=48):
    """Numbers of the nearest of random points, one in each cell: [SIZE, SIZE], int32."""
    cells = SIZE // cell + 3
    points = (np.stack(np.mgrid[:cells, :cells]) - 1 + rng.random((2, cells, cells))) * cell
    y, x = np.mgrid[:SIZE, :SIZE]
    # Borders bend: each pixel looks from a place a little aside.
    bent = [axis + 6 * np.sin(other / 23 + phase)
            for axis, other, phase in zip((y, x), (x, y), rng.random(2) * 6)]
    row, column = y // cell + 1, x // cell + 1
    best, number = np.full((SIZE, SIZE), np.inf), np.zeros((SIZE, SIZE), np.int32)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            r, c = np.clip(row + dy, 0, cells - 1), np.clip(column + dx, 0, cells - 1)
            distance = (points[0][r, c] - bent[0])**2 + (points[1][r, c] - bent[1])**2
            nearer = distance < best
            best[nearer] = distance[nearer]
            number[nearer] = (r * cells + c)[nearer]
    return number


def field(rng, step):
    """Noise on a coarse grid, enlarged bilinearly."""
    coarse = rng.standard_normal((SIZE // step + 2, SIZE // step + 2)).astype(np.float32)
    at = np.arange(SIZE) / step
    low, part = at.astype(int), (at % 1).astype(np.float32)
    rows = coarse[low] * (1 - part)[:, None] + coarse[low + 1] * part[:, None]
    return rows[:, low] * (1 - part) + rows[:, low + 1] * part


def base_images(space, rng):
    """Masks [BASE, SIZE, SIZE] and losses with a mean of 1."""
    _, labels, ignored = SPACES[space]
    masks, losses = [], []
    for _ in range(BASE):
        number = regions(rng)
        chosen = rng.choice(labels, min(18, len(labels)), replace=False)
        table = rng.choice(chosen, number.max() + 1)
        table[rng.random(len(table)) < 0.03] = ignored
        loss = np.exp(0.6 * field(rng, 16) + 0.3 * field(rng, 4))
        masks.append(table[number].astype(np.uint8))
        losses.append((loss / loss.mean()).astype(np.float32))
    return np.stack(masks), np.stack(losses)


def speckle(masks, labels, share, rng):
    """A share of the pixels gets any label."""
    for mask in masks:
        hit = rng.random(mask.shape) < share
        mask[hit] = rng.choice(labels, int(hit.sum()))


def camvid_masks():
    """Masks of the real data set where it is at hand, else none."""
    folder = os.path.join(os.environ.get("FREEMASK_TEST_DATA", ""), "camvid", "trainannot")
    return sorted(glob.glob(os.path.join(folder, "*.png")))


def camvid(count):
    """Real masks, all of them or the number that is wanted, spread over the sequences."""
    from PIL import Image
    paths = camvid_masks()
    masks = np.stack([np.array(Image.open(path)) for path in paths[::max(1, len(paths) // count)][:count]])
    rng = np.random.default_rng(7)
    fields = [np.exp(0.6 * field(rng, 16) + 0.3 * field(rng, 4))[:masks.shape[1], :masks.shape[2]]
              for _ in range(BASE)]
    losses = np.stack([fields[i % BASE] / fields[i % BASE].mean() for i in range(len(masks))])
    return masks, np.ascontiguousarray(losses, np.float32)


@functools.lru_cache(maxsize=2)
def world(space, count, kind="clean"):
    """Masks and losses of `count` images, U8 and F32. `kind`: clean, speckled (a twentieth
    of the pixels has any label), noise (all have) or camvid (real ones, CAMVID_COUNT of them)."""
    if kind == "camvid":
        return camvid(CAMVID_COUNT)
    rng = np.random.default_rng(20231015)
    masks, losses = base_images(space, rng)
    _, labels, _ = SPACES[space]
    if kind != "clean":
        speckle(masks, labels, 1.0 if kind == "noise" else 0.05, rng)
    if count <= BASE:
        return masks[:count].copy(), losses[:count].copy()
    all_masks = np.empty((count, SIZE, SIZE), np.uint8)
    all_losses = np.empty((count, SIZE, SIZE), np.float32)
    for i in range(count):
        table = np.arange(256, dtype=np.uint8)
        table[labels] = rng.permutation(labels)
        mirrored = slice(None, None, -1 if i // BASE % 2 else 1)
        all_masks[i] = table[masks[i % BASE]][:, mirrored]
        all_losses[i] = losses[i % BASE][:, mirrored]
    return all_masks, all_losses


def class_means(kit, labels):
    """A mean loss of 1 in each class, and thresholds by label for NumPy."""
    count = kit.lib.fm_labels_class_count(labels)
    thresholds = np.full(256, np.inf, np.float32)
    for label in range(256):
        if kit.lib.fm_labels_class_of(labels, label) >= 0:
            thresholds[label] = TOLERANCE
    return np.ones(count), thresholds
