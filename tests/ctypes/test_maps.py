# ctypes/test_maps.py - resized and converted masks against Pillow and NumPy.
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


tap.equal(check_resize(), None, "resized masks are Pillow's, in every type and stride")
tap.equal(check_classes(), None, "classes are NumPy's, in every type and stride")
LIB.fm_context_destroy(CONTEXT)
tap.done()
