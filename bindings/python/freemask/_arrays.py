# freemask/_arrays.py - arrays as the C interface sees them, and new ones.
# SPDX-License-Identifier: MIT
from __future__ import annotations

import ctypes
import sys
from ctypes import byref
from typing import Any

from . import _interface as c
from ._layouts import BY_NAME, KINDS, NAMES, SIZES, Layout, dtype_name, is_torch, layout_of, module_of, numpy
from ._library import ArgumentError, ShapeError, UnsupportedError
from ._unseen import is_nested, told


# ---- Views --------------------------------------------------------------------------------------------
class Plane:
    """A mask, loss map or weight map as the C interface sees it: a view that keeps its array alive."""

    __slots__ = ("at", "fixed", "keep", "view")
    ndim = 2

    def __init__(self, view: Any, keep: Any, fixed: str = "") -> None:
        self.view, self.keep, self.at, self.fixed = view, keep, byref(view), fixed

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width)."""
        return self.view.height, self.view.width

    @property
    def __array_interface__(self) -> dict[str, Any]:
        """For numpy.asarray(), without a copy; there is none of bfloat16."""
        view = self.view
        if view.dtype not in KINDS:
            raise AttributeError("__array_interface__")
        order = "|" if SIZES[view.dtype] == 1 else "<" if sys.byteorder == "little" else ">"
        return {"version": 3, "shape": self.shape, "typestr": order + KINDS[view.dtype], "data": (view.data, bool(self.fixed)),
                "strides": (view.row_stride, view.col_stride)}

    @property
    def dtype(self) -> str:
        """The name of the element type, such as "uint8"."""
        return NAMES[self.view.dtype]

    def __repr__(self) -> str:
        return f"<freemask.Plane [{self.view.height}, {self.view.width}] of {self.dtype}>"


def _shape_error(layout: Layout, what: str) -> ShapeError:
    return ShapeError(f"the array has shape {list(layout.shape)}, expected {what}", c.FM_ERR_SHAPE)


def _check_pixels(layout: Layout) -> None:
    """Empty tensors have no address, of which the library would speak first."""
    if 0 in layout.shape:
        raise ArgumentError(f"the array has shape {list(layout.shape)}, has no pixel", c.FM_ERR_ARGUMENT)


def _plane_of(layout: Layout) -> Plane:
    shape, strides = layout.shape, layout.strides
    while len(shape) > 2 and shape[0] == 1:
        shape, strides = shape[1:], strides[1:]
    if len(shape) != 2:
        raise _shape_error(layout, "[height, width]")
    _check_pixels(layout)
    return Plane(c.fm_plane(layout.address, layout.dtype, 0, shape[0], shape[1], strides[0], strides[1]), layout.keep, layout.fixed)


def plane(array: Any, written: bool = False) -> Plane:
    """Views an array of two dimensions [height, width] (or more, of which the leading ones are 1), without a
    copy; the view keeps the array alive. Every call that takes a mask or a loss map takes a Plane as well.

    Args:
        written: it is to be written to, so what it holds does not count.
    """
    if type(array) is Plane:
        return array
    return _plane_of(layout_of(array, written))


def shape_of(array: Any) -> tuple[int, int]:
    """[height, width] of a mask."""
    shape: tuple[int, ...] = told(array, "shape") or ()
    if len(shape) < 2:  # which says what is wrong with it
        shape = plane(array).shape
    return int(shape[-2]), int(shape[-1])


def dtype_of(array: Any) -> str:
    """The name of an array's element type, uint8 for bool."""
    name = str(told(array, "dtype")).rpartition(".")[2]
    if name not in BY_NAME:
        name = plane(array).dtype
    return "uint8" if name == "bool" else name


def volume(array: Any) -> tuple[Any, Any]:
    """Views [channels, height, width] as an fm_volume; returns it and what keeps it alive."""
    layout = layout_of(array)
    shape, strides = layout.shape, layout.strides
    while len(shape) > 3 and shape[0] == 1:
        shape, strides = shape[1:], strides[1:]
    if len(shape) == 2:  # one channel
        shape, strides = (1, *shape), (0, *strides)
    if len(shape) != 3:
        raise _shape_error(layout, "[channels, height, width]")
    _check_pixels(layout)
    return c.fm_volume(layout.address, layout.dtype, 0, *shape, *strides), layout.keep


def dimensions(array: Any) -> int:
    """How many dimensions an array has; leading ones of size 1 count."""
    if is_nested(array):
        layout_of(array)  # which refuses it
    found = told(array, "ndim")
    return int(found) if found is not None else len(told(array, "shape") or layout_of(array).shape)


# ---- New arrays ---------------------------------------------------------------------------------------
_CTYPES: dict[int, Any] = {c.FM_U8: ctypes.c_uint8, c.FM_I8: ctypes.c_int8, c.FM_U16: ctypes.c_uint16, c.FM_I16: ctypes.c_int16,
           c.FM_U32: ctypes.c_uint32, c.FM_I32: ctypes.c_int32, c.FM_U64: ctypes.c_uint64, c.FM_I64: ctypes.c_int64,
           c.FM_F16: ctypes.c_uint16, c.FM_BF16: ctypes.c_uint16, c.FM_F32: ctypes.c_float, c.FM_F64: ctypes.c_double}
_FORMATS: dict[int, Any] = {c.FM_U8: "B", c.FM_I8: "b", c.FM_U16: "H", c.FM_I16: "h", c.FM_U32: "I", c.FM_I32: "i", c.FM_U64: "Q", c.FM_I64: "q",
            c.FM_F16: "H", c.FM_BF16: "H", c.FM_F32: "f", c.FM_F64: "d"}


def new(like: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """An empty array: a tensor where `like` is one, else a NumPy array, else a memoryview."""
    dtype = dtype_name(dtype)
    if is_torch(like):
        torch = module_of("torch")
        return torch.empty(shape, dtype=getattr(torch, dtype), device="cpu")  # whatever the program's default is
    module = numpy()
    if dtype == "bfloat16" or (module is None and dtype == "float16"):
        raise UnsupportedError(f"{'a memoryview' if module is None else 'NumPy'} has no {dtype}: expected another type, or a tensor as the mask",
                               c.FM_ERR_UNSUPPORTED)
    if module is not None:
        return module.empty(shape, dtype=dtype)
    number = BY_NAME[dtype]
    count = 1
    for length in shape:
        count *= length
    buffer = (_CTYPES[number] * count)()
    return memoryview(buffer).cast("B").cast(_FORMATS[number], shape)


def numbers(kind: Any, count: int, name: str) -> tuple[Any, Any]:
    """(array, pointer): `count` numbers for the library to fill, as NumPy or a ctypes array. The pointer keeps the array."""
    module = numpy()
    if module is None:
        array = (kind * count)()
        return array, array
    array = module.zeros(count, dtype=name)
    return array, ctypes.pointer(kind.from_buffer(array) if count else kind())  # data_as() would make a cycle
