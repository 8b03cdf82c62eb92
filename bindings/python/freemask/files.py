# freemask/files.py - masks, images and loss maps in files, as the tool reads and writes them.
# SPDX-License-Identifier: MIT
from __future__ import annotations

import ctypes
import os
from ctypes import byref
from typing import Any, Union

from . import _interface as c
from ._arrays import plane
from ._layouts import NAMES, numpy, packed
from ._library import Handle, call, context, encoded, lib, make, path_of

Path = Union[str, os.PathLike[str]]
Bytes = Union[bytes, bytearray, memoryview]
_TYPES = {c.FM_U8: "|u1", c.FM_I8: "|i1", c.FM_U16: "u2", c.FM_I16: "i2", c.FM_U32: "u4", c.FM_I32: "i4", c.FM_U64: "u8",
          c.FM_I64: "i8", c.FM_F16: "f2", c.FM_F32: "f4", c.FM_F64: "f8"}


class _Raster(Handle):
    """Pixels in the library's memory; an array over them keeps this alive."""

    _destroy = "fm_raster_destroy"
    __array_interface__: dict[str, Any]

    def array(self, view: Any, shape: tuple[int, ...], strides: tuple[int, ...]) -> Any:
        kind = _TYPES[view.dtype]
        order = "" if kind[0] == "|" else "<" if _little() else ">"
        if not any(strides):
            strides = packed(shape, lib.fm_dtype_size(view.dtype))
        self.__array_interface__ = {"version": 3, "shape": shape, "typestr": order + kind, "data": (view.data, False),
                                    "strides": strides}
        module = numpy()
        return self if module is None else module.asarray(self)


def _read(function: Any, path: Path) -> _Raster:
    raster = _Raster()
    raster._create(function, context._pointer, path_of(path), None)
    return raster


def _decode(function: Any, data: Bytes) -> _Raster:
    data, raster = data if isinstance(data, bytes) else bytes(memoryview(data)), _Raster()
    raster._create(function, context._pointer, data, len(data), None)
    return raster


def _little() -> bool:
    import sys
    return sys.byteorder == "little"


def _plane_of(raster: _Raster) -> Any:
    view = lib.fm_raster_plane(raster._pointer)
    return raster.array(view, (view.height, view.width), (view.row_stride, view.col_stride))


def read_mask(path: Path) -> Any:
    """A mask's labels [H, W], from PNG, TIFF, NPY or NPZ: the stored numbers, never colors. A NumPy array where
    NumPy is installed, else an object with __array_interface__."""
    return _plane_of(_read(lib.fm_mask_read, path))


def read_loss(path: Path) -> Any:
    """A loss map [H, W] from NPY or NPZ."""
    return _plane_of(_read(lib.fm_loss_read, path))


def read_image(path: Path) -> Any:
    """A photograph as RGB [H, W, 3], uint8, upright: JPEG, PNG and, where they are built in, WebP and TIFF."""
    return _interleaved(_read(lib.fm_image_read, path))


def _interleaved(raster: _Raster) -> Any:
    view = lib.fm_raster_volume(raster._pointer)
    return raster.array(view, (view.height, view.width, view.channels), (view.row_stride, view.col_stride, view.channel_stride))


def decode_mask(data: Bytes) -> Any:
    """`read_mask` of a file's bytes."""
    return _plane_of(_decode(lib.fm_mask_decode, data))


def decode_loss(data: Bytes) -> Any:
    """`read_loss` of a file's bytes."""
    return _plane_of(_decode(lib.fm_loss_decode, data))


def decode_image(data: Bytes) -> Any:
    """`read_image` of a file's bytes."""
    return _interleaved(_decode(lib.fm_image_decode, data))


def decode_output(data: Bytes) -> Any:
    """What a network put out, [C, h, w], of the bytes of an NPY or NPZ file."""
    raster = _decode(lib.fm_output_decode, data)
    view = lib.fm_raster_volume(raster._pointer)
    return raster.array(view, (view.channels, view.height, view.width), (view.channel_stride, view.row_stride, view.col_stride))


def encode_mask(mask: Any) -> bytes:
    """The bytes that `write_mask` writes."""
    return encoded(lib.fm_mask_encode, context._pointer, plane(mask).at, byref(make(c.fm_write_options)))


def write_mask(path: Path, mask: Any) -> None:
    """Writes a uint8 or uint16 mask as PNG, whole or not at all."""
    options = make(c.fm_write_options)
    call(lib.fm_mask_write, context._pointer, path_of(path), plane(mask).at, byref(options))


def write_array(path: Path, array: Any) -> None:
    """Writes an array of two dimensions as NPY, whole or not at all."""
    call(lib.fm_npy_write, context._pointer, path_of(path), plane(array).at, None)


def write_bytes(path: Path, data: bytes) -> None:
    """Writes a file, whole or not at all."""
    buffer = ctypes.create_string_buffer(data, len(data)) if data else None
    call(lib.fm_file_write, context._pointer, path_of(path), buffer, len(data))


assert set(_TYPES) < set(NAMES)
