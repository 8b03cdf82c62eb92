# ctypes/test_png_size.py - masks as PNG: whole, and never larger than Pillow's default.
import ctypes
import glob
import io
import os

import tap
from freemask_ctypes import Interface

tap.need("numpy", "PIL")
import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402

LIB = Interface(os.environ["FM_SHARED"])
ERROR = LIB.struct("fm_error")
UNSUPPORTED = -3
PALETTE = 12 + 3 * 256  # bytes of a palette in the file
rng = np.random.default_rng(20231215)


def call(function, *arguments):
    err = ERROR()
    if function(*arguments, ctypes.byref(err)):
        if err.code == UNSUPPORTED:
            tap.skip_all(err.message.decode())
        raise RuntimeError(err.message.decode())


def handle(function, *arguments):
    out = ctypes.c_void_p()
    call(function, *arguments, ctypes.byref(out))
    return out


CONTEXT = handle(LIB.fm_context_create, None)


def ours(array, like=None):
    """The library's file; `like`: another file of the same kind."""
    parts = []

    def take(data, size, _):
        parts.append(ctypes.string_at(data, size))
        return 0
    raster = handle(LIB.fm_mask_decode, CONTEXT, like, len(like), None) if like else None
    options = LIB.make("fm_write_options", like=raster)
    height, width = array.shape
    plane = LIB.fm_plane_make(array.ctypes.data, LIB.dtype(array.dtype.name), height, width)
    call(LIB.fm_mask_encode, CONTEXT, ctypes.byref(plane), ctypes.byref(options),
         LIB.callback("fm_write_fn")(take), None)
    LIB.fm_raster_destroy(raster)
    return b"".join(parts)


def theirs(array, mode=None):
    image = Image.fromarray(array)
    if mode == "P":
        image = Image.fromarray(array, "P")
        image.putpalette([int(v) for v in rng.integers(0, 256, 768)])
    elif mode == "1":
        image = Image.fromarray(array > 0)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


# ---- Masks -----------------------------------------------------------------------------

def regions(height, width, labels, cell):
    """Numbers of the nearest of some points."""
    count = max(2, height * width // (cell * cell))
    points = rng.random((count, 2)) * (height, width)
    y, x = np.mgrid[:height, :width]
    bent = y + 4 * np.sin(x / 17), x + 4 * np.sin(y / 19)
    best, number = np.full((height, width), np.inf), np.zeros((height, width), int)
    for i, (py, px) in enumerate(points):
        distance = (bent[0] - py)**2 + (bent[1] - px)**2
        nearer = distance < best
        best[nearer], number[nearer] = distance[nearer], i
    return rng.choice(labels, count)[number].astype(np.uint8)


def blots(shape, share, step):
    """Smooth spots that take a share of the pixels, as the filter leaves them."""
    coarse = rng.standard_normal((shape[0] // step + 2, shape[1] // step + 2))
    rows, columns = np.arange(shape[0]) / step, np.arange(shape[1]) / step
    r, c = rows.astype(int), columns.astype(int)
    fr, fc = (rows % 1)[:, None], columns % 1
    down = coarse[r] * (1 - fr) + coarse[r + 1] * fr
    smooth = down[:, c] * (1 - fc) + down[:, c + 1] * fc
    return smooth > np.quantile(smooth, 1 - share)


def scenes():
    """(name, mask): clean scenes, filtered ones, speckled ones."""
    for name, labels, cell, shape in (("few", np.arange(11), 60, (180, 240)),
                                      ("many", rng.choice(150, 18, False), 48, (256, 256)),
                                      ("small", np.arange(5), 20, (37, 53))):
        mask = regions(*shape, labels, cell)
        yield f"{name}, clean", mask
        for share, step in ((0.1, 8), (0.3, 4), (0.5, 12)):
            filtered = mask.copy()
            filtered[blots(shape, share, step)] = 255
            yield f"{name}, filtered {share}/{step}", filtered
        speckled = mask.copy()
        speckled[rng.random(shape) < 0.05] = 255
        yield f"{name}, speckled", speckled


def patterns():
    """(name, mask): what no scene looks like."""
    y, x = np.mgrid[:200, :300]
    yield "one label", np.full((200, 300), 7, np.uint8)
    yield "stripes", (x // 5 % 7).astype(np.uint8)
    yield "bars", (y // 5 % 7).astype(np.uint8)
    yield "chessboard", ((x // 8 + y // 8) % 2).astype(np.uint8)
    yield "fine chessboard", ((x + y) % 2).astype(np.uint8)
    yield "tiles", ((x % 40 * 3 + y % 25 * 5) % 11).astype(np.uint8)
    yield "discs", ((x - 150)**2 + (y - 100)**2 >> 9).astype(np.uint8)
    yield "dither", (rng.random((200, 300)) < x / 300).astype(np.uint8)
    yield "noise of 150", rng.integers(0, 150, (200, 300)).astype(np.uint8)
    yield "noise of 2", rng.integers(0, 2, (200, 300)).astype(np.uint8)


def check(name, array, file, pillow, slack=0):
    """Pillow reads the file, which is no larger than its own (and `slack` bytes)."""
    back = np.array(Image.open(io.BytesIO(file)))
    tap.ok(np.array_equal(back, array), f"{name}: Pillow reads it back")
    tap.ok(len(file) <= len(pillow) + slack, f"{name}: {len(file)} bytes, Pillow's {len(pillow)}")


def check_kinds(name, mask, slack):
    """As grey, with a palette (against grey with room for one), and of two labels."""
    check(f"grey, {name}", mask, ours(mask), theirs(mask), slack)
    check(f"palette, {name}", mask, ours(mask, theirs(mask, "P")), theirs(mask) + bytes(PALETTE),
          slack)
    binary = (mask % 2).astype(np.uint8)
    file = theirs(binary, "1")
    check(f"1 bit, {name}", binary.astype(bool), ours(binary, file), file, slack)


for name, mask in scenes():
    check_kinds(name, mask, 0)
    wide = mask.astype(np.uint16) * 257 + 3
    wide[mask == 255] = 65535
    check(f"16 bits, {name}", wide, ours(wide), theirs(wide))
for name, mask in patterns():
    check_kinds(name, mask, 128)
real = sorted(glob.glob(os.path.join(os.environ.get("FREEMASK_TEST_DATA", ""), "camvid", "*annot",
                                     "*.png")))[::30]
for path in real:
    mask = np.array(Image.open(path))
    name = os.path.basename(path)
    check(name, mask, ours(mask), theirs(mask))
    mask[blots(mask.shape, 0.2, 6)] = 11
    check(f"{name}, filtered", mask, ours(mask), theirs(mask))
if not real:
    tap.skip("masks of CamVid", "FREEMASK_TEST_DATA is not set", excused=True)
tap.done()
