# freemask/_short.py - short ways for the common arrays: of small images, what a call costs is what comes before it.
# SPDX-License-Identifier: MIT
"""A NumPy array that is packed and may be written to is told by an address and its shape; a tensor, and other NumPy arrays,
by strides as well, and their addresses take longer to find. Whatever is not one of these goes the long way, by _arrays,
which also says what is wrong with it. The caller has to keep the array until the call returns."""
from __future__ import annotations

import ctypes
import struct
import sys
from ctypes import byref
from typing import Any, Optional

from . import _interface as c
from ._arrays import plane
from ._layouts import SIZES, capsule_pointer, numpy_dtypes, torch_dtypes
from ._library import ArgumentError

_ndarray: Any = None  # numpy.ndarray, once NumPy is there
_empty: Any = None
_tensor: Any = None  # torch.Tensor, once PyTorch is there
_strided: Any = None
_torch_bool: Any = None
_fm_plane = c.fm_plane
_addressof, _first_byte = ctypes.addressof, ctypes.c_char.from_buffer  # the latter of what is packed and may be written to
_NO_BUFFER = (TypeError, ValueError, BufferError)  # without a pixel, say
# Of an array's flags: C_CONTIGUOUS, WRITEABLE, and that NumPy 1 would warn of writing there, as it does where one asks by name.
_FLAGS, _PACKED = 0x80000401, 0x401


def _find_libraries() -> None:
    global _ndarray, _empty, _tensor, _strided, _torch_bool
    if _ndarray is None and "numpy" in sys.modules:
        module = sys.modules["numpy"]
        _empty, _ndarray = getattr(module, "empty", None), getattr(module, "ndarray", None)
    if _tensor is None and "torch" in sys.modules:
        module = sys.modules["torch"]
        _strided, _torch_bool = getattr(module, "strided", None), getattr(module, "bool", None)
        _tensor = getattr(module, "Tensor", None)


class _ArrayInterface(ctypes.Structure):
    """PyArrayInterface of NumPy: what `__array_struct__` has."""

    _fields_ = [("two", ctypes.c_int), ("nd", ctypes.c_int), ("typekind", ctypes.c_char), ("itemsize", ctypes.c_int),
                ("flags", ctypes.c_int), ("shape", ctypes.c_void_p), ("strides", ctypes.c_void_p), ("data", ctypes.c_void_p)]


_pointer_at, _DATA = ctypes.c_void_p.from_address, _ArrayInterface.data.offset


def _place(array: Any) -> tuple[int, int, int]:
    """(address, row stride, column stride) of a NumPy array [H, W]; address 0: it goes the long way."""
    strides = array.strides
    if len(strides) == 2 and strides[0] and strides[1] and array.size:
        interface = array.__array_struct__  # a third of what __array_interface__ takes
        return _pointer_at(capsule_pointer(interface, None) + _DATA).value or 0, strides[0], strides[1]
    return 0, 0, 0


def _tensor_place(tensor: Any, size: int) -> tuple[int, int, int]:
    """The same of a tensor whose elements have `size` bytes."""
    try:
        if tensor.is_cpu and tensor.layout is _strided and not tensor.is_neg():
            strides = tensor.stride()
            if len(strides) == 2 and strides[0] and strides[1]:
                return tensor.data_ptr(), strides[0] * size, strides[1] * size
    except RuntimeError:  # a nested one has no strides, and inside of vmap there is no address
        pass
    return 0, 0, 0


# ---- One array ----------------------------------------------------------------------------------------
def _short_view(array: Any) -> Any:
    """A view of the array itself, as a parameter; None: it goes the long way."""
    kind = type(array)
    if kind is _ndarray:
        number = numpy_dtypes.get(array.dtype)
        if not number:
            return None
        rows = columns = 0
        try:
            if array.flags.num & _FLAGS == _PACKED and array.ndim == 2:
                address = _addressof(_first_byte(array))
            else:
                address, rows, columns = _place(array)
        except _NO_BUFFER:
            return None
    elif kind is _tensor:
        number = torch_dtypes.get(array.dtype)
        if not number:
            return None
        address, rows, columns = _tensor_place(array, SIZES[number])
    else:
        if _ndarray is None or _tensor is None:
            _find_libraries()
        return None
    return byref(_fm_plane(address, number, 0, *array.shape, rows, columns)) if address else None


def at(array: Any) -> Any:
    """A view as a parameter of a call, which keeps alive what it made."""
    found = _short_view(array)
    if found is None:
        view = plane(array)
        view.view.keep, found = view.keep, view.at
    return found


def target(array: Any) -> Any:
    """As `at`, of an array to write to. Raises ArgumentError for what may not be written, or would not get there."""
    found = _short_view(array) if type(array) is not _ndarray or array.flags.writeable else None
    if found is None:
        view = plane(array, written=True)
        if view.fixed:
            raise ArgumentError(f"out {view.fixed}, expected an array to write to", c.FM_ERR_ARGUMENT)
        view.view.keep, found = view.keep, view.at
    return found


# ---- A mask and its losses ------------------------------------------------------------------------------
# A frame has what a call takes: the memory of three views, each as a parameter, and an fm_error with its parameter. It is
# taken from the list and put back after the call, so that none is in use twice: not by threads, signal handlers or finalizers.
_SIZE = ctypes.sizeof(_fm_plane)
_fill_two = struct.Struct("@" + 2 * "Piiqqqq").pack_into
_fill_three = struct.Struct("@" + 3 * "Piiqqqq").pack_into
frames: list[tuple[Any, Any, Any, Any, Any, Any]] = []


def taken_frame() -> tuple[Any, Any, Any, Any, Any, Any]:
    try:
        return frames.pop()
    except IndexError:
        pass
    memory, error = (_fm_plane * 3)(), c.fm_error()
    return memory, byref(memory), byref(memory, _SIZE), byref(memory, 2 * _SIZE), error, byref(error)


def fill(memory: Any, mask: Any, loss: Any, out: Any) -> Any:
    """Fills a frame's views with a mask [H, W], its losses, and where the call writes: `out`, which is returned; if that is
    None a new mask of the same kind; if it is ... nowhere. Returns None for what has to go the long way."""
    kind = type(mask)
    if kind is not type(loss):
        return None
    if kind is _ndarray:
        return _fill_from_numpy(memory, mask, loss, out)
    if kind is _tensor:
        return _fill_from_tensors(memory, mask, loss, out)
    if _ndarray is None or _tensor is None:
        _find_libraries()
    return None


def _fill_from_numpy(memory: Any, mask: Any, loss: Any, out: Any) -> Any:
    out_number: Optional[int]
    rows, columns, loss_rows, loss_columns, out_rows, out_columns = 0, 0, 0, 0, 0, 0
    dtype = mask.dtype
    number, loss_number = numpy_dtypes.get(dtype), numpy_dtypes.get(loss.dtype)
    if not number or not loss_number:
        return None
    shape, loss_shape = mask.shape, loss.shape
    if len(shape) != 2 or len(loss_shape) != 2:
        return None
    try:
        if mask.flags.num & _FLAGS == _PACKED:
            address = _addressof(_first_byte(mask))
        else:
            address, rows, columns = _place(mask)
        if loss.flags.num & _FLAGS == _PACKED:
            loss_address = _addressof(_first_byte(loss))
        else:
            loss_address, loss_rows, loss_columns = _place(loss)
    except _NO_BUFFER:
        return None
    if not address or not loss_address:
        return None
    if out is ...:
        _fill_two(memory, 0, address, number, 0, *shape, rows, columns, loss_address, loss_number, 0, *loss_shape, loss_rows, loss_columns)
        return out
    if out is None:
        if dtype.char == "?":
            return None
        out = _empty(shape, dtype)
        out_address, out_number, out_shape = _addressof(_first_byte(out)), number, shape
    elif type(out) is not _ndarray:
        return None
    else:
        flags, out_number, out_shape = out.flags, numpy_dtypes.get(out.dtype), out.shape
        if not flags.writeable or not out_number or len(out_shape) != 2:
            return None
        try:
            if flags.num & _FLAGS == _PACKED:
                out_address = _addressof(_first_byte(out))
            else:
                out_address, out_rows, out_columns = _place(out)
        except _NO_BUFFER:
            return None
        if not out_address:
            return None
    _fill_three(memory, 0, address, number, 0, *shape, rows, columns, loss_address, loss_number, 0, *loss_shape, loss_rows, loss_columns,
                out_address, out_number, 0, *out_shape, out_rows, out_columns)
    return out


def _fill_from_tensors(memory: Any, mask: Any, loss: Any, out: Any) -> Any:
    number, loss_number = torch_dtypes.get(mask.dtype), torch_dtypes.get(loss.dtype)
    if not number or not loss_number:
        return None
    address, rows, columns = _tensor_place(mask, SIZES[number])
    loss_address, loss_rows, loss_columns = _tensor_place(loss, SIZES[loss_number])
    if not address or not loss_address:
        return None
    if out is ...:
        _fill_two(memory, 0, address, number, 0, *mask.shape, rows, columns,
                  loss_address, loss_number, 0, *loss.shape, loss_rows, loss_columns)
        return out
    if out is None:
        if mask.dtype is _torch_bool:
            return None
        out = mask.new_empty(mask.shape)
    elif type(out) is not _tensor:
        return None
    out_number = torch_dtypes.get(out.dtype)
    if not out_number:
        return None
    out_address, out_rows, out_columns = _tensor_place(out, SIZES[out_number])
    if not out_address:
        return None
    _fill_three(memory, 0, address, number, 0, *mask.shape, rows, columns, loss_address, loss_number, 0, *loss.shape, loss_rows, loss_columns,
                out_address, out_number, 0, *out.shape, out_rows, out_columns)
    return out
