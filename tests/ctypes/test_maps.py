# ctypes/test_maps.py - resized and converted masks against Pillow and NumPy; strata and means over
# windows against slow loops.
import ctypes
import os

import tap
from freemask_ctypes import Interface

tap.need("numpy", "PIL")
import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402

LIB = Interface(os.environ["FM_SHARED"])
CONTEXT = ctypes.c_void_p()
LIB.fm_context_create(None, ctypes.byref(CONTEXT), None)
INTEGERS = ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"]
rng = np.random.default_rng(20)


def call(function, *arguments):
    err = LIB.struct("fm_error")()
    if function(*arguments, ctypes.byref(err)):
        raise RuntimeError(err.message.decode())


def view(array):
    plane = LIB.fm_plane_make(array.ctypes.data, LIB.dtype(array.dtype.name), *array.shape)
    plane.row_stride, plane.col_stride = array.strides
    return plane


def cut(shape, dtype):
    """An array of this shape, packed or a window on another, flipped or not."""
    whole = np.zeros((2 * shape[0], 3 * shape[1] + 1), dtype)
    choice = rng.integers(0, 4)
    return [whole[:shape[0], :shape[1]], whole[::-2][:shape[0], 1::3][:, :shape[1]],
            np.zeros(shape, dtype), np.zeros(shape[::-1], dtype).T][choice]


def check_resize():
    for _ in range(300):
        h, w, height, width = rng.integers(1, 90, 4)
        if rng.random() < .3:
            height, width = rng.choice([64, 128, 512], 2)
        source, target = rng.choice(INTEGERS, 2)
        mask = cut((h, w), source)
        mask[...] = rng.integers(0, 128, (h, w))
        out = cut((height, width), target)
        call(LIB.fm_map_resize_nearest, CONTEXT, view(mask), view(out))
        truth = Image.fromarray(mask.astype(np.uint8)).resize((int(width), int(height)),
                                                              Image.NEAREST)
        if not np.array_equal(out, np.asarray(truth)):
            return f"{w}x{h} {source} -> {width}x{height} {target}"
    return None


def check_classes():
    for _ in range(100):
        count = int(rng.integers(1, 60))
        table = rng.permutation(128)[:count]
        classes = np.full(128, -2, np.int32)
        classes[table] = np.arange(count)
        ignored = int(np.flatnonzero(classes == -2)[0])
        options = LIB.labels_options(count, ignored, label_count=128,
                                     classes=classes.ctypes.data_as(ctypes.POINTER(ctypes.c_int32)))
        labels = ctypes.c_void_p()
        call(LIB.fm_labels_create, CONTEXT, options, ctypes.byref(labels))
        shape = tuple(rng.integers(1, 70, 2))
        mask = cut(shape, rng.choice(INTEGERS))
        mask[...] = rng.choice(np.append(table, ignored), shape)
        out = cut(shape, rng.choice(["int16", "int32", "int64"]))
        call(LIB.fm_labels_to_classes, labels, view(mask), -100, view(out))
        truth = np.where(mask == ignored, -100, classes[mask.astype(np.int64)])
        LIB.fm_labels_destroy(labels)
        if not np.array_equal(out, truth):
            return f"{shape} {mask.dtype} -> {out.dtype}"
    return None


def masks_of_all_kinds():
    """Large regions, thin ones, noise, one label, odd shapes; all types and strides."""
    for i in range(60):
        h, w = [(1, 1), (1, 40), (37, 1), (2, 3)][i] if i < 4 else rng.integers(3, 60, 2)
        dtype = rng.choice(INTEGERS)
        mask = cut((int(h), int(w)), dtype)
        count = int(rng.choice([1, 2, 5, 100]))
        if i % 3 == 0:
            mask[...] = rng.integers(0, count, (h, w))
        else:
            size = int(rng.integers(1, 12))
            tiles = rng.integers(0, count, (h // size + 1, w // size + 1))
            mask[...] = np.kron(tiles, np.ones((size, size), int))[:h, :w]
        yield mask
    for w in [64, 100, 130, 190]:  # longer than the vectors of all kernels
        mask = cut((int(rng.integers(20, 30)), w), "uint8")
        mask[...] = np.sort(rng.integers(0, 4, mask.shape), 1) if w % 100 else rng.random(mask.shape) < .1
        yield mask


def king_distances(mask):
    """To the nearest pixel of another label, by looking at all of them."""
    h, w = mask.shape
    rows, columns = np.mgrid[:h, :w]
    out = np.full((h, w), 10**6)
    for y in range(h):
        for x in range(w):
            others = mask != mask[y, x]
            if others.any():
                out[y, x] = np.maximum(abs(rows - y), abs(columns - x))[others].min()
    return out


def default_edges(height):
    edges = []
    for edge in [2, 3, 4, 6, 9, 14, 20]:
        scaled = int(np.floor(edge * height / 240 + .5))
        edges.append(max(scaled, edges[-1] + 1 if edges else 2))
    return edges


def check_strata():
    for mask in masks_of_all_kinds():
        distances, out = king_distances(mask), cut(mask.shape, "uint8")
        own = np.sort(rng.choice(np.arange(2, 40), int(rng.integers(1, 9)), replace=False))
        own = np.ascontiguousarray(own, np.int32)
        options = LIB.make("fm_boundary_options", edge_count=len(own), edges=own.ctypes.data_as(
            ctypes.POINTER(ctypes.c_int32)))
        for given, edges in [(None, default_edges(mask.shape[0])), (ctypes.byref(options), own)]:
            call(LIB.fm_map_boundary_strata, CONTEXT, view(mask), given, view(out))
            truth = sum((distances >= edge).astype(int) for edge in edges)
            if not np.array_equal(out, truth):
                return f"{mask.shape} {mask.dtype} {edges}"
    return None


def check_high_images():
    """Edges grow with the height: a column of 1,200 rows, the boundary in its middle."""
    mask, out = np.zeros((1200, 2), np.uint8), np.zeros((1200, 2), np.uint8)
    mask[600:] = 1
    call(LIB.fm_map_boundary_strata, CONTEXT, view(mask), None, view(out))
    distances = np.concatenate([np.arange(600, 0, -1), np.arange(1, 601)])
    truth = sum((distances >= edge).astype(int) for edge in [10, 15, 20, 30, 45, 70, 100])
    return np.array_equal(out, np.stack([truth, truth], 1))


def mean_around(mask, values, radius, y, x):
    """In whole steps of 2^-12, rounded to float where the header says so."""
    rows = slice(max(0, y - radius), y + radius + 1)
    columns = slice(max(0, x - radius), x + radius + 1)
    same = mask[rows, columns] == mask[y, x]
    steps = np.rint(np.clip(values[rows, columns][same].astype(np.float64), -256, 256) * 4096)
    return np.float32(int(steps.sum())) / np.float32(same.sum()) / np.float32(4096)


def check_windows():
    for i, mask in enumerate(masks_of_all_kinds()):
        values = cut(mask.shape, rng.choice(["float16", "float32", "float64"]))
        values[...] = rng.normal(0, [1, 5, 300][i % 3], mask.shape)
        if i % 5 == 0:  # halves of steps, which are rounded to even
            values[...] = rng.integers(-9, 9, mask.shape) / 8192
        radius = int(rng.choice([0, 1, 2, 7, 40, 1023]))
        out = cut(mask.shape, "float32")
        call(LIB.fm_map_window_mean, CONTEXT, view(mask), view(values), radius, view(out))
        single = values.astype(np.float32)
        for y, x in np.ndindex(*mask.shape):
            if out[y, x] != mean_around(mask, single, radius, y, x):
                return f"{mask.shape} {mask.dtype} {values.dtype} radius {radius} at {y}, {x}"
        if values.dtype == np.float32:
            call(LIB.fm_map_window_mean, CONTEXT, view(mask), view(values), radius, view(values))
            if not np.array_equal(values, out):
                return f"{mask.shape} in place"
    return None


def refusal(*arguments):
    try:
        call(*arguments)
    except RuntimeError as error:
        return str(error)
    return None


def check_refusals():
    mask, values = np.zeros((2, 3), np.uint8), np.ones((2, 3), np.float32)
    strata, edges = np.full((2, 3), 7, np.uint8), (ctypes.c_int32 * 2)(5, 5)
    window, boundary = LIB.fm_map_window_mean, LIB.fm_map_boundary_strata
    options = LIB.make("fm_boundary_options", edges=edges, edge_count=2)
    values[1, 2] = np.nan
    told = [refusal(window, CONTEXT, view(mask), view(values), 1, view(values)),
            refusal(window, CONTEXT, view(mask), view(values), 1024, view(values)),
            refusal(window, CONTEXT, view(mask), view(values), 1, view(values[:1])),
            refusal(boundary, CONTEXT, view(mask), ctypes.byref(options), view(strata)),
            refusal(boundary, CONTEXT, view(mask), None, view(mask))]
    words = ["(x 2, y 1)", "radius is 1024", "means", "edges[1] is 5, expected 6", "overlap"]
    if (strata != 7).any() or (values[0] != 1).any():
        return "an output was touched"
    return [t for t, w in zip(told, words) if not t or w not in t] or None


tap.equal(check_strata(), None, "strata are those of a slow search, in every type and stride")
tap.ok(check_high_images(), "edges are in proportion to the height")
tap.equal(check_windows(), None, "means over windows are those of a slow loop, to the bit")
tap.equal(check_refusals(), None, "refusals of strata and windows name what is wrong")
tap.equal(check_resize(), None, "resized masks are Pillow's, in every type and stride")
tap.equal(check_classes(), None, "classes are NumPy's, in every type and stride")
LIB.fm_context_destroy(CONTEXT)
tap.done()
