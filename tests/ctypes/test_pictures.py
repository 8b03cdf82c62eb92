# ctypes/test_pictures.py - TIFF, WebP and orientation against NumPy and Pillow.
import ctypes
import io
import os
import struct
import zlib

import tap
from freemask_ctypes import Interface
from tiff import LONG, SHORT, tiff

tap.need("numpy", "PIL")
import numpy as np  # noqa: E402
import PIL.Image  # noqa: E402
import PIL.ImageOps  # noqa: E402

LIB = Interface(os.environ["FM_SHARED"])
ERROR = LIB.struct("fm_error")
OPTIONS = LIB.struct("fm_read_options")
CONTEXT = ctypes.c_void_p()
LIB.fm_context_create(None, ctypes.byref(CONTEXT), None)
rng = np.random.default_rng(7)
TYPES = {LIB.FM_U8: "u1", LIB.FM_I8: "i1", LIB.FM_U16: "u2", LIB.FM_I16: "i2", LIB.FM_U32: "u4", LIB.FM_I32: "i4"}


class Failure(Exception):
    pass


def decode(function, data, **options):
    raster, err = ctypes.c_void_p(), ERROR()
    o = OPTIONS(size=ctypes.sizeof(OPTIONS), **options)
    if function(CONTEXT, data, len(data), ctypes.byref(o), ctypes.byref(raster), ctypes.byref(err)):
        raise Failure(err.message.decode())
    return raster


def mask(data, **options):
    """Pixels and palette of a mask."""
    raster = decode(LIB.fm_mask_decode, data, **options)
    plane = LIB.fm_raster_plane(raster)
    pixels = np.frombuffer(ctypes.string_at(plane.data, plane.height * plane.width
                                            * np.dtype(TYPES[plane.dtype]).itemsize), TYPES[plane.dtype])
    palette, rgb = [], (ctypes.c_uint8 * 3)()
    for i in range(LIB.fm_raster_palette_size(raster)):
        LIB.fm_raster_palette_entry(raster, i, rgb, None)
        palette.append(tuple(rgb))
    shape = plane.height, plane.width
    LIB.fm_raster_destroy(raster)
    return pixels.reshape(shape), palette


def image(data, **options):
    """Pixels and orientation of an image."""
    raster = decode(LIB.fm_image_decode, data, **options)
    volume = LIB.fm_raster_volume(raster)
    assert (volume.channel_stride, volume.col_stride, volume.row_stride) == (1, 3, 3 * volume.width)
    pixels = np.frombuffer(ctypes.string_at(volume.data, 3 * volume.height * volume.width), np.uint8)
    shape, way = (volume.height, volume.width, 3), LIB.fm_raster_orientation(raster)
    LIB.fm_raster_destroy(raster)
    return pixels.reshape(shape), way


def lacks(part):
    """Why this build cannot read it, or None."""
    kind = PIL.Image.new("RGB", (4, 4))
    try:
        image(saved(kind, part))
    except Failure as failure:
        return str(failure) if "built without" in str(failure) else None
    return None


def saved(picture, kind, **more):
    out = io.BytesIO()
    picture.save(out, kind, **more)
    return out.getvalue()


def refuses(name, says, function, data, **options):
    try:
        function(data, **options)
        tap.ok(False, name, "was read")
    except Failure as failure:
        tap.ok(says in str(failure), name, f"says {failure}")


# ---- TIFF masks ---------------------------------------------------------------------------------

def whole(bits, signed, shape):
    lowest = -(1 << bits - 1) if signed else 0
    highest = (1 << bits - 1 if signed else 1 << bits) - 1
    dtype = f"{'i' if signed else 'u'}{max(1, bits // 8)}"
    return rng.integers(lowest, highest, shape, endpoint=True).astype(dtype)


def tiff_masks():
    layouts = [{}, {"rows_per_strip": 7}, {"tile": 16}, {"rows_per_strip": 1, "deflate": True},
               {"tile": 32, "deflate": True}]
    for bits, signed in ((1, False), (2, False), (4, False), (8, False), (8, True), (16, False), (16, True),
                         (32, False), (32, True)):
        for order, big in (("<", False), (">", False), ("<", True), (">", True)):
            good = True
            for layout in layouts:
                pixels = whole(bits, signed, (37, 51))
                got, _ = mask(tiff(pixels, bits, order, big, **layout))
                good = good and got.dtype == pixels.dtype and np.array_equal(got, pixels)
            tap.ok(good, f"TIFF mask: {bits} bits, {'signed' if signed else 'unsigned'}, order {order}, "
                   f"{'BigTIFF' if big else 'classic'}, strips and tiles")
    for bits in (2, 4, 8):
        colors = [tuple(int(v) for v in rng.integers(0, 256, 3)) for _ in range(1 << bits)]
        pixels = whole(bits, False, (20, 33))
        got, palette = mask(tiff(pixels, bits, palette=colors))
        tap.ok(np.array_equal(got, pixels) and palette == colors, f"TIFF mask: palette of {bits} bits")
    for packed in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"):
        pixels = np.repeat(whole(8, False, (30, 5)), 9, axis=1)
        got, _ = mask(saved(PIL.Image.fromarray(pixels), "TIFF", compression=packed))
        tap.ok(np.array_equal(got, pixels), f"TIFF mask as Pillow writes it: {packed}")
    pixels = whole(8, False, (20, 30))
    got, _ = mask(tiff(pixels, tags=[(33550, LONG, [1, 1, 0]), (42112, SHORT, [65])]))
    tap.ok(np.array_equal(got, pixels), "tags of maps do not matter")


def tiff_refusals():
    gray = whole(8, False, (20, 30))
    cases = [
        ("colors", "holds colors, pixel (x 0, y 0) is #010203",
         saved(PIL.Image.new("RGB", (5, 4), (1, 2, 3)), "TIFF")),
        ("floating-point numbers", "holds floating-point numbers", tiff(gray.astype("f4"), 32)),
        ("counted from white", "MinIsWhite", tiff(gray, tags=[(262, SHORT, [0])])),
        ("several pages", "several pages", tiff(gray, pages=2)),
        ("compressed with losses", "compressed with losses",
         saved(PIL.Image.fromarray(gray), "TIFF", compression="jpeg")),
        ("turned", "orientation 6", tiff(gray, tags=[(274, SHORT, [6])])),
        ("64 bits", "64 bits", tiff(gray.astype("u8"), 64)),
        ("complex numbers", "complex", tiff(gray.astype("u4"), 32, tags=[(339, SHORT, [5])])),
        ("an unknown codec", "does not know", tiff(gray, tags=[(259, SHORT, [60000])])),
        ("a lie about its size", "cannot hold them", tiff(gray, tags=[(256, LONG, [16000]), (257, LONG, [16000])])),
        ("too many pixels", "TIFF",
         tiff(gray, tags=[(256, LONG, [2**31 - 1]), (257, LONG, [2**31 - 1])])),
        ("a strip that is not there", "TIFF is damaged", tiff(gray, tags=[(273, LONG, [10**6])])),
        ("a huge tile", "TIFF", tiff(gray, tile=16, tags=[(322, LONG, [2**31 - 16]), (323, LONG, [2**31 - 16])])),
        ("no size", "TIFF is damaged", tiff(gray, tags=[(256, LONG, [0])])),
    ]
    for name, says, data in cases:
        refuses(f"TIFF mask refused: {name}", says, mask, data)
    got, _ = mask(tiff(gray, tags=[(274, SHORT, [6])]), orientation=LIB.FM_ORIENTATION_KEEP)
    tap.ok(np.array_equal(got, gray), "a turned mask is read as stored where that is asked for")
    good = tiff(gray, deflate=True, rows_per_strip=5)
    for size in range(4, len(good)):
        try:
            mask(good[:size])
        except Failure:
            continue
        tap.ok(size > len(good) - 8, "a TIFF that was cut off is refused", f"{size} of {len(good)} bytes")
        break
    crashed = 0
    for _ in range(3000):
        data = bytearray(good)
        for at in rng.integers(2, len(data), 3):
            data[at] = int(rng.integers(0, 256))
        for read in (mask, image):
            try:
                read(bytes(data), max_pixels=10**6)
            except Failure:
                crashed += 1
    tap.ok(crashed > 0, "damaged TIFF is refused or read, and nothing worse")


# ---- Images ---------------------------------------------------------------------------------------

def smooth(width, height):
    y, x = np.mgrid[0:height, 0:width]
    planes = [4 * x, 5 * y, 2 * x + 3 * y]
    return np.stack([plane % 256 for plane in planes], -1).astype(np.uint8)


def close(got, expected, most):
    return got.shape == expected.shape and np.abs(got.astype(int) - expected.astype(int)).max() <= most


def tiff_images():
    pixels = smooth(40, 25)
    for packed in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"):
        got, _ = image(saved(PIL.Image.fromarray(pixels), "TIFF", compression=packed))
        tap.ok(np.array_equal(got, pixels), f"TIFF image: RGB, {packed}")
    got, _ = image(saved(PIL.Image.fromarray(pixels), "TIFF", compression="jpeg", quality=95))
    tap.ok(close(got, pixels, 40), "TIFF image: compressed as JPEG")
    gray = pixels[..., 0]
    got, _ = image(saved(PIL.Image.fromarray(gray), "TIFF"))
    tap.ok(np.array_equal(got, np.repeat(gray[..., None], 3, -1)), "TIFF image: gray")
    palette = PIL.Image.fromarray(pixels).quantize(16)
    got, _ = image(saved(palette, "TIFF"))
    tap.ok(np.array_equal(got, np.array(palette.convert("RGB"))), "TIFF image: palette")
    deep = gray.astype(np.uint16) * 257
    got, _ = image(tiff(deep, 16))
    tap.ok(np.array_equal(got, np.repeat(gray[..., None], 3, -1)), "TIFF image: 16 bits")
    refuses("TIFF image refused: floating-point numbers", "TIFF is not of a kind", image,
            tiff(gray.astype("f4"), 32))


def webp_images():
    pixels = smooth(40, 25)
    got, _ = image(saved(PIL.Image.fromarray(pixels), "WEBP", lossless=True))
    tap.ok(np.array_equal(got, pixels), "WebP image: lossless")
    lossy = saved(PIL.Image.fromarray(pixels), "WEBP", quality=90)
    got, _ = image(lossy)
    tap.ok(close(got, np.array(PIL.Image.open(io.BytesIO(lossy)).convert("RGB")), 0), "WebP image: lossy")
    clear = np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
    got, _ = image(saved(PIL.Image.fromarray(clear), "WEBP", lossless=True))
    tap.ok(np.array_equal(got, pixels), "WebP image: alpha is dropped")
    frames = [PIL.Image.fromarray(smooth(20 + i, 20 + i)).resize((20, 20)) for i in range(2)]
    refuses("WebP refused: an animation", "animation", image,
            saved(frames[0], "WEBP", save_all=True, append_images=frames[1:]))
    refuses("WebP refused: a mask", "compression changes numbers", mask, lossy)
    refuses("WebP refused: larger than the limit", "more than the limit", image, lossy, max_pixels=999)
    for size in (13, 20, 30, len(lossy) // 2):
        refuses(f"WebP refused: cut off after {size} bytes", "WebP is damaged", image, lossy[:size])


# ---- Orientation ------------------------------------------------------------------------------------

def exif(way, order="<", before=0):
    """EXIF data that hold an orientation, after some other entries."""
    entries = [(256 + i, SHORT, 1, 0) for i in range(before)] + [(0x0112, SHORT, 1, way)]
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    body = struct.pack(order + "H", len(entries))
    for number, kind, count, value in entries:
        body += struct.pack(order + "HHIHH", number, kind, count, value, 0)
    return b"Exif\0\0" + head + body + b"\0\0\0\0"


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_with(picture, data, behind):
    """eXIf may stand before the pixels or behind them."""
    png = saved(picture, "PNG")
    at = len(png) - 12 if behind else 33
    return png[:at] + chunk(b"eXIf", data[6:]) + png[at:]


def orientation():
    stored = PIL.Image.fromarray(smooth(40, 25))
    for way in range(1, 9):
        for order in "<>":
            data = exif(way, order, before=way % 3)
            files = {"JPEG": saved(stored, "JPEG", quality=95, exif=data),
                     "PNG": png_with(stored, data, False), "PNG, behind the pixels": png_with(stored, data, True)}
            if not lacks("WEBP"):
                files["WebP"] = saved(stored, "WEBP", lossless=True, exif=data)
            if not lacks("TIFF"):
                files["TIFF"] = saved(stored, "TIFF", tiffinfo={274: way})
            good, told = [], []
            for name, file in files.items():
                plain = PIL.Image.open(io.BytesIO(file)).convert("RGB") if name == "JPEG" else stored
                tagged = plain.copy()
                tagged.getexif()[0x0112] = way
                upright, told_way = image(file)
                kept, _ = image(file, orientation=LIB.FM_ORIENTATION_KEEP)
                if not np.array_equal(upright, np.array(PIL.ImageOps.exif_transpose(tagged))):
                    good.append(f"{name} is not upright")
                if not np.array_equal(kept, np.array(plain)):
                    good.append(f"{name} is not as stored")
                if told_way != way:
                    told.append(f"{name} tells {told_way}")
            tap.ok(not good and not told, f"orientation {way}, bytes {order}: {', '.join(files)}",
                   "\n".join(good + told))
    for name, data in (("0", exif(0)), ("9", exif(9)), ("cut off", exif(6)[:20]), ("empty", b"Exif\0\0"),
                       ("a circle", b"Exif\0\0II*\0\xff\xff\xff\xff"),
                       ("many entries", exif(6)[:14] + b"\xff\xff" + exif(6)[16:18])):
        _, way = image(saved(stored, "JPEG", exif=data))
        tap.equal(way, 1, f"an orientation that makes no sense is none: {name}")
    refuses("options: orientation", "orientation is 7", image, saved(stored, "PNG"), orientation=7)


# ---- Memory ------------------------------------------------------------------------------------------

def memory():
    """Each allocation fails in turn: the call says so, and nothing is lost."""
    libc = ctypes.CDLL(None)
    libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
    left, held = [0], set()

    def allocate(size, user):
        left[0] -= 1
        if left[0] < 0:
            return None
        address = libc.malloc(size)
        held.add(address)
        return address

    def release(address, user):
        held.discard(address)
        libc.free(address)

    calls = LIB.callback("fm_allocate_fn")(allocate), LIB.callback("fm_release_fn")(release)
    left[0] = 1000
    options = LIB.make("fm_context_options", allocate=calls[0], release=calls[1])
    context, picture = ctypes.c_void_p(), PIL.Image.fromarray(smooth(20, 30))
    LIB.fm_context_create(options, ctypes.byref(context), None)
    files = {"JPEG, turned": (LIB.fm_image_decode, saved(picture, "JPEG", exif=exif(6))),
             "PNG, turned": (LIB.fm_image_decode, png_with(picture, exif(6), True))}
    if not lacks("TIFF"):
        gray = whole(8, False, (20, 30))
        files |= {"TIFF, turned": (LIB.fm_image_decode, saved(picture, "TIFF", tiffinfo={274: 5})),
                  "TIFF, strips": (LIB.fm_mask_decode, tiff(gray, rows_per_strip=4)),
                  "TIFF, tiles": (LIB.fm_mask_decode, tiff(gray, tile=16))}
    if not lacks("WEBP"):
        files["WebP, turned"] = (LIB.fm_image_decode, saved(picture, "WEBP", exif=exif(6)))
    before = len(held)
    for name, (function, data) in files.items():
        wrong, count = [], 0
        while True:
            raster, err = ctypes.c_void_p(), ERROR()
            left[0] = count
            status = function(context, data, len(data), None, ctypes.byref(raster), ctypes.byref(err))
            if not status:
                LIB.fm_raster_destroy(raster)
            if len(held) != before or raster.value and status or status not in (0, LIB.FM_ERR_MEMORY):
                wrong.append((count, status, len(held), err.message))
            if not status or count > 200:
                break
            count += 1
        tap.ok(not wrong and count >= 2, f"{name}: {count} allocations, each of which fails", wrong)
    left[0] = 1000
    LIB.fm_context_destroy(context)
    tap.equal(len(held), 0, "nothing is left")


if lacks("TIFF"):
    tap.skip("TIFF", lacks("TIFF"))
else:
    tiff_masks()
    tiff_refusals()
    tiff_images()
if lacks("WEBP"):
    tap.skip("WebP", lacks("WEBP"))
else:
    webp_images()
orientation()
memory()
tap.done()
