#!/usr/bin/env python3
"""golden/make_io_golden.py - files by NumPy and Pillow that the readers must agree with.

Run in this folder: python3 make_io_golden.py. It writes io/mask_* and io/image_* and, next to
each, NAME.expected.npy: a mask's numbers, or an image's as [height, 3 * width]; and archives of
arrays. What is there already changes only if NumPy's or Pillow's encoders do; the expectations
never do.
"""
import pathlib

import numpy as np
from PIL import Image

OUT = pathlib.Path(__file__).parent / "io"


def expect(name, array):
    np.save(OUT / (name + ".expected.npy"), np.ascontiguousarray(array))


def blocks(height, width, labels, rng):
    """A mask with regions and some noise."""
    coarse = rng.integers(0, labels, (height // 4 + 1, width // 4 + 1))
    mask = coarse.repeat(4, 0).repeat(4, 1)[:height, :width]
    noise = rng.random(mask.shape) < 0.05
    return np.where(noise, rng.integers(0, labels, mask.shape), mask)


def masks(rng):
    mask = blocks(19, 27, 2, rng)
    Image.fromarray(mask.astype(bool)).save(OUT / "mask_grey1.png")
    expect("mask_grey1", mask.astype(np.uint8))

    mask = blocks(21, 30, 256, rng).astype(np.uint8)
    Image.fromarray(mask).save(OUT / "mask_grey8.png")
    expect("mask_grey8", mask)

    mask = blocks(20, 23, 40000, rng).astype(np.uint16)
    Image.fromarray(mask).save(OUT / "mask_grey16.png")
    expect("mask_grey16", mask)

    for bits in (1, 2, 4, 8):
        labels = min(1 << bits, 200)
        mask = blocks(18, 29, labels, rng).astype(np.uint8)
        image = Image.fromarray(mask, "P")
        image.putpalette(rng.integers(0, 256, 3 * labels).astype(np.uint8).tobytes())
        name = f"mask_palette{bits}"
        image.save(OUT / (name + ".png"), bits=bits)
        expect(name, mask)

    mask = blocks(17, 26, 60000, rng) - 30000
    for dtype in ("<i2", ">i4", "<i8"):
        name = "mask_" + dtype.replace("<", "le_").replace(">", "be_")
        np.save(OUT / (name + ".npy"), mask.astype(dtype))
        expect(name, mask.astype("<i4"))
    np.save(OUT / "mask_fortran.npy", np.asfortranarray(mask.astype("<i4")))
    expect("mask_fortran", mask.astype("<i4"))


def archives():
    """What np.savez writes of arrays whose numbers follow from their indices: test_io_npz.c knows
    the formulas."""
    q, c = np.mgrid[0:6, 0:5]
    classes = 4.0 * q + c / 2.0 - 3
    q, y, x = np.mgrid[0:6, 0:3, 0:7]
    masks = 32.0 * q + 8 * y + x + 0.5
    np.savez(OUT / "queries_stored.npz", class_logits=classes.astype("<f4"),
             mask_logits=masks.astype("<f2"))
    np.savez_compressed(OUT / "queries_packed.npz", other=np.array(["text"]),
                        masks_queries_logits=np.asfortranarray(masks.astype(">f4")),
                        class_queries_logits=classes.astype("<f2"))
    np.savez_compressed(OUT / "queries_wide.npz", pred_masks=masks[None], pred_logits=classes[None])

    y, x = np.mgrid[0:4, 0:9]
    np.savez(OUT / "one.npz", (7 * y + x).astype("<i4"))
    np.savez_compressed(OUT / "several.npz", mask=(7 * y + x).astype(">u2"),
                        loss=(x / 8 + y).astype("<f4"), output=masks[:2].astype("<f4"))


def images(rng):
    y, x = np.mgrid[0:37, 0:45]
    rgb = np.stack([3 * x + y, 5 * y, 2 * x + 3 * y], -1).clip(0, 255).astype(np.uint8)
    image = Image.fromarray(rgb)

    def both(name, saved, **options):
        path = OUT / name
        saved.save(path, **options)
        pixels = np.asarray(Image.open(path).convert("RGB"))
        expect(path.stem, pixels.reshape(37, -1))

    both("image_rgb.png", image)
    both("image_rgba.png", Image.fromarray(np.dstack([rgb, 255 - rgb[..., :1]])))
    both("image_grey.png", image.convert("L"))
    both("image_palette.png", image.quantize(16))
    both("image_rgb420.jpg", image, quality=85, subsampling=2)
    both("image_rgb444.jpg", image, quality=90, subsampling=0)
    both("image_progressive.jpg", image, quality=80, progressive=True, optimize=True)
    both("image_luma.jpg", image.convert("L"), quality=80)
    image.convert("CMYK").save(OUT / "refused_cmyk.jpg", quality=80)


if __name__ == "__main__":
    OUT.mkdir(exist_ok=True)
    generator = np.random.default_rng(20260101)
    masks(generator)
    images(generator)
    archives()
