"""policies/worlds.py - synthetic images with planted truth: the demo's streets, and CamVid's."""
import os
import subprocess

import numpy as np
from PIL import Image

CLASSES = 11


class World:
    """Real images and masks by name; triples of real name, synthetic image and truth (0: clean)."""

    def __init__(self):
        self.real, self.masks, self.made = {}, {}, []


def restyle(image, strength, rng):
    """A style of its own: tint, contrast, saturation, brightness by places, blur. The mask stays right."""
    values = image.astype(np.float64) / 255
    gray = values.mean(-1, keepdims=True)
    values = gray + (values - gray) * (1 + strength * rng.uniform(-.5, .7))
    values = .5 + (values - .5) * (1 + strength * rng.uniform(-.35, .35))
    values *= 1 + strength * rng.normal(0, .09, 3)
    coarse = rng.normal(0, .10 * strength, (4, 5))
    light = np.asarray(Image.fromarray(coarse.astype(np.float32)).resize(image.shape[1::-1], Image.BICUBIC))
    return (np.clip(values + light[..., None], 0, 1) * 255).astype(np.uint8)


# ---- The demo's world ---------------------------------------------------------------------------------


def demo_world(folder, seed, strength, errors=1.0, shared=False, scenes=36, per_mask=3):
    if not os.path.exists(f"{folder}/demo.json"):
        flags = ["--surplus"] + (["--shared-errors"] if shared else [])
        subprocess.run([os.environ["FREEMASK_TOOL"], "demo", folder, "--seed", str(seed), "--size", "240x180",
                        "--scenes", str(scenes), "--per-mask", str(per_mask), "--errors", str(errors), "-q", *flags],
                       check=True, stdout=subprocess.DEVNULL)
    world, rng = World(), np.random.default_rng(1000 + seed)

    def load(path):
        for end in (".jpg", ".png"):
            if os.path.exists(path + end):
                return np.asarray(Image.open(path + end))
        raise FileNotFoundError(path)
    for scene in range(1, scenes + 1):
        name = f"scene_{scene:04d}"
        world.real[name], world.masks[name] = load(f"{folder}/real/images/{name}"), load(f"{folder}/real/masks/{name}")
        for made in range(42, 42 + per_mask):
            image = load(f"{folder}/synthetic/images/{name}_seed_{made}")
            world.made.append((name, restyle(image, strength, rng) if strength else image,
                               load(f"{folder}/truth/{name}_seed_{made}")))
    return world


# ---- CamVid's -----------------------------------------------------------------------------------------

SIZE = (240, 180)


def camvid_files(data):
    """Pairs of image and mask (labels 0 to 10; others are ignored)."""
    found = []
    for base, _, names in sorted(os.walk(data)):
        for name in sorted(names):
            path = os.path.join(base, name)
            mask = f"{base}annot/{os.path.splitext(name)[0]}.png"
            if not base.endswith("annot") and os.path.exists(mask):
                found.append((path, mask))
    return found


def blob(shape, rng, low, high):
    """A ragged ellipse."""
    height, width = shape
    y, x = np.mgrid[:height, :width]
    cy, cx = rng.uniform(0, height), rng.uniform(0, width)
    ry, rx = rng.uniform(low, high, 2) * height
    coarse = rng.normal(0, .35, (6, 8)).astype(np.float32)
    ragged = np.asarray(Image.fromarray(coarse).resize((width, height), Image.BICUBIC))
    return ((y - cy) / ry)**2 + ((x - cx) / rx)**2 + ragged < 1


def fill(image, where, donor, donor_mask, label, rng):
    """Texture of a class out of another image, tiled over `where`. False: there is too little."""
    rows, columns = np.nonzero(donor_mask == label)
    if len(rows) < 200:
        return False
    pick = rng.integers(len(rows))
    y0, x0 = rows[pick], columns[pick]
    ys, xs = np.nonzero(where)
    sy = np.clip(y0 + (ys - ys.mean()).astype(int), 0, donor.shape[0] - 1)
    sx = np.clip(x0 + (xs - xs.mean()).astype(int), 0, donor.shape[1] - 1)
    wrong = donor_mask[sy, sx] != label  # outside of the region: any pixel of it
    other = rng.integers(len(rows), size=wrong.sum())
    sy[wrong], sx[wrong] = rows[other], columns[other]
    image[ys, xs] = donor[sy, sx]
    return True


def generate(name, world, rng, rate):
    """An image that shows the mask, but for missing, misshapen, swapped and surplus things."""
    names = list(world.real)
    mask, image = world.masks[name], world.real[name].copy()
    meant = np.where(mask < CLASSES, mask, 255)
    shown = meant.copy()
    for _ in range(rng.poisson(4 * rate)):
        where = blob(mask.shape, rng, .06, .3) & (meant < 255)
        if not where.any():
            continue
        kind, label = rng.random(), int(rng.choice(meant[where]))
        if kind < .6:  # a part of one class is shown as another: missing, or swapped
            where &= meant == label
        other = int(rng.choice([k for k in range(CLASSES) if k != label]))
        if kind > .8:  # misshapen: what is shown comes from beside
            dy, dx = rng.integers(-14, 15, 2)
            moved = np.roll(shown, (dy, dx), (0, 1))
            image[where] = np.roll(image, (dy, dx), (0, 1))[where]
            shown[where] = np.where(moved[where] < 255, moved[where], shown[where])
            continue
        donor = names[rng.integers(len(names))]
        if fill(image, where, world.real[donor], world.masks[donor], other, rng):
            shown[where] = other
    # The generator's own rendering: the colors of each class come from another photograph.
    donor = names[rng.integers(len(names))]
    for label in range(CLASSES):
        here, there = shown == label, world.masks[donor] == label
        if here.sum() > 50 and there.sum() > 50:
            a, b = image[here].astype(np.float64), world.real[donor][there].astype(np.float64)
            moved = (a - a.mean(0)) * np.minimum(2, (b.std(0) + 2) / (a.std(0) + 2)) + b.mean(0)
            image[here] = np.clip(.4 * a + .6 * moved, 0, 255)
    return image, np.where((shown != meant) & (meant < 255), 1, 0)


def camvid_world(data, seed, strength, errors=1.0, shared=False, scenes=60, per_mask=2):
    rng, world = np.random.default_rng(2000 + seed), World()
    files = camvid_files(data)
    for pick in rng.choice(len(files), min(scenes, len(files)), replace=False):
        image, mask = files[pick]
        name = os.path.basename(image)
        world.real[name] = np.asarray(Image.open(image).convert("RGB").resize(SIZE, Image.BILINEAR))
        world.masks[name] = np.asarray(Image.open(mask).resize(SIZE, Image.NEAREST))
    for name in world.real:
        seeds = rng.integers(1 << 30, size=per_mask)
        for each in seeds:
            image, truth = generate(name, world, np.random.default_rng(seeds[0] if shared else each), errors)
            world.made.append((name, restyle(image, strength, np.random.default_rng(each + 1)), truth))
    return world
