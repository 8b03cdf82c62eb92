# ctypes/test_rounding.py - losses a hair below 0 are 0, for every kernel, type and layout.
import ctypes
import os

import tap
from freemask_ctypes import Interface

tap.need("numpy")
import numpy as np  # noqa: E402

LIB = Interface(os.environ["FM_SHARED"])
ERROR = LIB.struct("fm_error")
H, W, K = 9, 301, 4
rng = np.random.default_rng(17)


class Failure(Exception):
    pass


def call(function, *arguments):
    err = ERROR()
    if function(*arguments, ctypes.byref(err)):
        raise Failure(err.message.decode())


def made(function, *arguments):
    out = ctypes.c_void_p()
    call(function, *arguments, ctypes.byref(out))
    return out


def plane(array, dtype):
    view = LIB.fm_plane_make(array.ctypes.data, dtype, *array.shape)
    view.row_stride, view.col_stride = array.strides
    return view


def bfloat(values):
    return (values.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)


TYPES = {"f32": (LIB.FM_F32, lambda v: v.astype(np.float32)), "f64": (LIB.FM_F64, lambda v: v.astype(np.float64)),
         "f16": (LIB.FM_F16, lambda v: v.astype(np.float16)), "bf16": (LIB.FM_BF16, bfloat)}
LAYOUTS = {"packed": lambda a: a, "columns apart": lambda a: np.repeat(a, 2, 1)[:, ::2], "turned": lambda a: a[::-1, ::-1].copy()[::-1, ::-1]}


def outcome(context, mask, loss, mask_type, loss_type, strata):
    """Statistics and the filtered mask."""
    options = LIB.labels_options(K, 255)
    options.name = b"own"
    labels = made(LIB.fm_labels_create, context, options)
    more = LIB.make("fm_class_stats_options", strata=2 if strata is not None else 1, histogram=4)
    stats = made(LIB.fm_class_stats_create, labels, more)
    planes = plane(mask, mask_type), plane(loss, loss_type)
    extra = None
    if strata is not None:
        held = plane(strata, LIB.FM_U8)
        extra = LIB.make("fm_extra_planes", strata=ctypes.pointer(held))
    call(LIB.fm_class_stats_add, stats, *map(ctypes.byref, planes), extra)
    blob = ctypes.create_string_buffer(LIB.fm_class_stats_blob_size(stats))
    call(LIB.fm_class_stats_save, stats, blob, len(blob))
    handle = made(LIB.fm_filter_create, stats, None)
    out = mask.copy()
    target = plane(out, mask_type)
    call(LIB.fm_filter_apply, handle, *map(ctypes.byref, planes), extra, ctypes.byref(target), None)
    for destroy, what in ((LIB.fm_filter_destroy, handle), (LIB.fm_class_stats_destroy, stats),
                          (LIB.fm_labels_destroy, labels)):
        destroy(what)
    return blob.raw, out.tobytes()


def main():
    levels = {name[11:]: value for name, value in vars(LIB).items() if name.startswith("FM_KERNELS_")}
    masks = {"u8": (LIB.FM_U8, np.uint8), "u16": (LIB.FM_U16, np.uint16), "i64": (LIB.FM_I64, np.int64)}
    strata = rng.integers(0, 2, (H, W)).astype(np.uint8)
    for level, number in levels.items():
        try:
            context = made(LIB.fm_context_create, LIB.make("fm_context_options", kernels=number))
        except Failure:
            continue  # this machine does not have it
        for type_name, (dtype, convert) in TYPES.items():
            wrong = []
            for layout_name, layout in LAYOUTS.items():
                for mask_name, (mask_type, mask_dtype) in masks.items():
                    mask = rng.choice([0, 1, 2, 3, 255], (H, W)).astype(mask_dtype)
                    loss = rng.gamma(1, 1, (H, W))
                    low = rng.random((H, W)) < rng.choice([0.001, 0.3])
                    low[mask == 255] = False
                    few = np.where(low, rng.choice([-9.9e-6, -1e-7, -1e-30], (H, W)), loss)
                    none = np.where(low, 0, loss)
                    few[mask == 255] = none[mask == 255] = -7
                    for planes in (None, strata):
                        got, expected = (outcome(context, mask, layout(convert(values)), mask_type, dtype, planes)
                                         for values in (few, none))
                        if got != expected:
                            wrong.append((layout_name, mask_name, planes is not None))
                    bad = few.copy()
                    bad[4, 150], mask[4, 150] = -1.1e-5, 0
                    try:
                        outcome(context, mask, layout(convert(bad)), mask_type, dtype, None)
                        wrong.append((layout_name, mask_name, "-1.1e-5 was taken"))
                    except Failure as failure:
                        if "(x 150, y 4)" not in str(failure):
                            wrong.append((layout_name, mask_name, str(failure)))
            tap.ok(not wrong, f"{level}: {type_name}", wrong)
        LIB.fm_context_destroy(context)
    tap.done()


main()
