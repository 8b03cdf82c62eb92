# ablation/camvid_world.py - a world of CamVid's photographs with planted truth, as folders: the second one of doc/ablation.md.
# SPDX-License-Identifier: MIT
"""`python camvid_world.py CAMVID OUT SEED` takes CamVid in its 12-label form (train/ and trainannot/, val/ and valannot/).
36 images are the real set. The "generator" renders their masks: the image, whose classes take the colors of other
photographs, with regions that show another class, or are moved, and with a style of its own. Its textures come from 150 images, as
a generator has seen more than the set that is labelled. 60 images of val/ are the test set."""
from __future__ import annotations

import argparse
import os

import numpy as np
from PIL import Image
from restyle import restyled

CLASSES, IGNORED, SIZE = 11, 255, (160, 120)
LABELLED, SEEN, PER_MASK, TEST, STYLE = 36, 150, 5, 60, 0.4
ERRORS = 4.0  # of an image, on average


def pairs(camvid: str, part: str) -> list[tuple[str, str]]:
    names = sorted(os.listdir(os.path.join(camvid, part)))
    return [(f"{camvid}/{part}/{name}", f"{camvid}/{part}annot/{os.path.splitext(name)[0]}.png") for name in names]


def load(image: str, mask: str, size: tuple[int, int] = SIZE) -> tuple[str, np.ndarray, np.ndarray]:
    return (os.path.splitext(os.path.basename(image))[0],
            np.asarray(Image.open(image).convert("RGB").resize(size, Image.Resampling.BILINEAR)),
            np.asarray(Image.open(mask).resize(size, Image.Resampling.NEAREST)))


def blob(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """A ragged ellipse."""
    height, width = shape
    y, x = np.mgrid[:height, :width]
    cy, cx = rng.uniform(0, height), rng.uniform(0, width)
    ry, rx = rng.uniform(0.06, 0.3, 2) * height
    coarse = Image.fromarray(rng.normal(0, 0.35, (6, 8)).astype(np.float32))
    return ((y - cy) / ry)**2 + ((x - cx) / rx)**2 + np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC)) < 1


def fill(image: np.ndarray, where: np.ndarray, donor: np.ndarray, donor_mask: np.ndarray, label: int,
         rng: np.random.Generator) -> bool:
    """Texture of a class out of another photograph. False: that has too little of it."""
    rows, columns = np.nonzero(donor_mask == label)
    if len(rows) < 200:
        return False
    pick = rng.integers(len(rows))
    ys, xs = np.nonzero(where)
    sy = np.clip(rows[pick] + (ys - ys.mean()).astype(int), 0, donor.shape[0] - 1)
    sx = np.clip(columns[pick] + (xs - xs.mean()).astype(int), 0, donor.shape[1] - 1)
    beside = donor_mask[sy, sx] != label
    other = rng.integers(len(rows), size=beside.sum())
    sy[beside], sx[beside] = rows[other], columns[other]
    image[ys, xs] = donor[sy, sx]
    return True


def plant(image: np.ndarray, meant: np.ndarray, seen: list[tuple[str, np.ndarray, np.ndarray]],
          rng: np.random.Generator, errors: float = ERRORS) -> np.ndarray:
    """`errors` errors on average, in place; returns the class that is shown."""
    shown = meant.copy()
    for _ in range(rng.poisson(errors)):
        where = blob(meant.shape, rng) & (meant < IGNORED)
        if not where.any():
            continue
        kind, label = rng.random(), int(rng.choice(meant[where]))
        if kind < 0.6:  # a part of one thing
            where &= meant == label
        other = int(rng.choice([k for k in range(CLASSES) if k != label]))
        if kind > 0.8:  # misshapen: what is shown comes from beside
            shift = tuple(rng.integers(-14, 15, 2))
            moved = np.roll(shown, shift, (0, 1))
            image[where] = np.roll(image, shift, (0, 1))[where]
            shown[where] = np.where(moved[where] < IGNORED, moved[where], shown[where])
            continue
        _, donor, donor_mask = seen[rng.integers(len(seen))]
        if fill(image, where, donor, donor_mask, other, rng):
            shown[where] = other
    return shown


def plant_whole(image: np.ndarray, meant: np.ndarray, seen: list[tuple[str, np.ndarray, np.ndarray]],
                rng: np.random.Generator, classes: float, astray: float) -> np.ndarray:
    """Nothing of some classes (`classes` on average) is right, or, of a share `astray` of the images, nothing at all."""
    shown = meant.copy()
    if rng.random() < astray:  # another photograph, of which only what is meant there too is right
        _, donor, donor_mask = seen[rng.integers(len(seen))]
        image[:] = donor
        return np.where(donor_mask < CLASSES, donor_mask, shown)
    for _ in range(rng.poisson(classes)):
        label = int(rng.choice(np.unique(meant[meant < IGNORED])))
        other = int(rng.choice([k for k in range(CLASSES) if k != label]))
        _, donor, donor_mask = seen[rng.integers(len(seen))]
        where = (meant == label) & (shown == label)
        if where.any() and fill(image, where, donor, donor_mask, other, rng):
            shown[where] = other
    return shown


def render(image: np.ndarray, shown: np.ndarray, seen: list[tuple[str, np.ndarray, np.ndarray]],
           rng: np.random.Generator) -> None:
    """In place: classes take their colors from another photograph."""
    _, donor, donor_mask = seen[rng.integers(len(seen))]
    for label in range(CLASSES):
        here, there = shown == label, donor_mask == label
        if here.sum() > 50 and there.sum() > 50:
            a, b = image[here].astype(np.float64), donor[there].astype(np.float64)
            moved = (a - a.mean(0)) * np.minimum(2, (b.std(0) + 2) / (a.std(0) + 2)) + b.mean(0)
            image[here] = np.clip(0.4 * a + 0.6 * moved, 0, 255)


def generate(photograph: np.ndarray, mask: np.ndarray, seen: list[tuple[str, np.ndarray, np.ndarray]],
             rng: np.random.Generator, errors: float = ERRORS, whole: tuple[float, float] | None = None
             ) -> tuple[np.ndarray, np.ndarray]:
    """(an image of the mask, where it is wrong). With `whole`, the parameters of plant_whole, in place of parts."""
    meant, image = np.where(mask < CLASSES, mask, IGNORED), photograph.copy()
    shown = plant_whole(image, meant, seen, rng, *whole) if whole else plant(image, meant, seen, rng, errors)
    render(image, shown, seen, rng)
    return image, (shown != meant) & (meant < IGNORED)


def save(out: str, kind: str, name: str, array: np.ndarray) -> None:
    os.makedirs(os.path.join(out, kind), exist_ok=True)
    Image.fromarray(array.astype(np.uint8)).save(os.path.join(out, kind, name + ".png"))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("camvid")
    parser.add_argument("out")
    parser.add_argument("seed", type=int)
    options = parser.parse_args()
    out, rng = options.out, np.random.default_rng(7000 + options.seed)
    train, test = pairs(options.camvid, "train"), pairs(options.camvid, "val")
    seen = [load(*train[i]) for i in rng.choice(len(train), SEEN, replace=False)]
    for name, image, mask in seen[:LABELLED]:
        save(out, "real/images", name, image)
        save(out, "real/masks", name, mask)
        for seed in range(42, 42 + PER_MASK):
            own = int(rng.integers(1 << 30))
            made, wrong = generate(image, mask, seen, np.random.default_rng(own))
            save(out, "synthetic/images", f"{name}_seed_{seed}", restyled(made, STYLE, np.random.default_rng(own + 1)))
            save(out, "synthetic/masks", f"{name}_seed_{seed}", mask)
            save(out, "truth", f"{name}_seed_{seed}", wrong)
    for i in rng.choice(len(test), TEST, replace=False):
        name, image, mask = load(*test[i])
        save(out, "test/images", name, image)
        save(out, "test/masks", name, mask)


if __name__ == "__main__":
    main()
