# freemask/_layouts.py - arrays of any library as numbers: address, element type, shape and strides, without copies.
# SPDX-License-Identifier: MIT
"""An array is looked at, in this order, as a NumPy array, a PyTorch tensor, through DLPack, through
__array_interface__, or as a buffer. What comes out is a Layout and what has to stay alive for it. Copied are only
broadcast views, whose pixels share memory, and foreign byte orders."""
from __future__ import annotations

import contextlib
import ctypes
import sys
import weakref
from ctypes import byref, py_object, pythonapi
from typing import Any, Optional

from . import _interface as c
from ._library import ArgumentError, UnsupportedError, lib
from ._unseen import OTHER_WAYS, address_of_tensor, refuse_export, refuse_masked, refuse_tensor, unseen

# ---- Element types ------------------------------------------------------------------------------------
BY_NAME = {"uint8": c.FM_U8, "bool": c.FM_U8, "int8": c.FM_I8, "uint16": c.FM_U16, "int16": c.FM_I16, "uint32": c.FM_U32,
           "int32": c.FM_I32, "uint64": c.FM_U64, "int64": c.FM_I64, "float16": c.FM_F16, "bfloat16": c.FM_BF16,
           "float32": c.FM_F32, "float64": c.FM_F64}
NAMES = {number: name for name, number in BY_NAME.items() if name != "bool"}
SIZES = {number: ctypes.c_size_t(lib.fm_dtype_size(number)).value for number in NAMES}
_BY_KIND = {"u1": c.FM_U8, "b1": c.FM_U8, "i1": c.FM_I8, "u2": c.FM_U16, "i2": c.FM_I16, "u4": c.FM_U32, "i4": c.FM_I32,
            "u8": c.FM_U64, "i8": c.FM_I64, "f2": c.FM_F16, "f4": c.FM_F32, "f8": c.FM_F64}
#: as __array_interface__ has them, without the byte order
KINDS = {number: kind for kind, number in _BY_KIND.items() if kind != "b1"}
_BY_FORMAT = {"?": "u1", "B": "u1", "b": "i1", "c": "u1", "e": "f2", "f": "f4", "d": "f8"}
numpy_dtypes: dict[Any, Optional[int]] = {}
torch_dtypes: dict[Any, Optional[int]] = {}


def numpy() -> Any:
    """NumPy if it is there, else None."""
    try:
        import numpy as module
    except ImportError:
        return None
    return module


def module_of(name: str) -> Any:
    """A module that the program has imported already."""
    return sys.modules.get(name)


def is_torch(array: Any) -> bool:
    torch = module_of("torch")
    return torch is not None and isinstance(array, torch.Tensor)


class Layout:
    """An array as numbers: address, fm_dtype, shape, strides in bytes, and what keeps it alive. `fixed` says why nothing
    may be written there, "" that it may."""

    __slots__ = ("address", "dtype", "fixed", "keep", "shape", "strides")

    def __init__(self, address: int, dtype: int, shape: tuple[int, ...], strides: tuple[int, ...], keep: Any, fixed: str = "") -> None:
        self.address, self.dtype, self.shape, self.strides, self.keep, self.fixed = address, dtype, shape, strides, keep, fixed


def _on_device(where: str) -> UnsupportedError:
    return UnsupportedError(f"the array is on {where}, expected memory of the CPU: compute the loss map there and move that (.cpu()), "
                            f"it is much smaller than the logits{_why_not_there()}", c.FM_ERR_UNSUPPORTED)


def _why_not_there() -> str:
    """Why what is on a CUDA device was not taken there, if it was asked for."""
    from . import _cuda
    return f"; with libfreemask-cuda some calls take arrays of a CUDA device ({_cuda.problem})" if _cuda.problem else ""


def _no_dtype(name: str) -> UnsupportedError:
    return UnsupportedError(f"elements of type {name} are not supported: {', '.join(BY_NAME)} are", c.FM_ERR_UNSUPPORTED)


def dtype_name(dtype: Any) -> str:
    """The name of an element type: a string, or what NumPy, PyTorch and others have for one."""
    name = dtype if isinstance(dtype, str) else getattr(dtype, "__name__", str(dtype).rpartition(".")[2])
    module = numpy()
    if name not in BY_NAME and module is not None:
        with contextlib.suppress(TypeError):
            name = module.dtype(dtype).name
    if name not in BY_NAME or name == "bool":
        raise _no_dtype(str(dtype))
    return str(name)


_READ_ONLY, _COPIED = "is read-only", "has pixels that share memory, a foreign byte order, or a sign that is a bit: a copy would be written"
_WRITEABLE = 0x400  # in NumPy's flags: asked for by name, NumPy 1 warns of arrays that may be shared


def _from_numpy(array: Any, written: bool = False) -> Layout:
    refuse_masked(array)
    dtype, fixed = array.dtype, "" if array.flags.num & _WRITEABLE else _READ_ONLY
    number = numpy_dtypes.get(dtype, 0)
    if number == 0:
        number = BY_NAME.get(dtype.name) if dtype.isnative else None
        if dtype.char != "?":  # which has no short way
            numpy_dtypes[dtype] = number
    if number is None:
        if dtype.isnative or BY_NAME.get(dtype.name) is None:
            raise _no_dtype(str(dtype))
        layout = _from_numpy(array.astype(dtype.newbyteorder("=")))
        layout.fixed = _COPIED
        return layout
    if not written and dtype.char == "?" and array.size and array.view("u1").max() > 1:  # Pillow's, of its mode 1
        array, fixed = array.view("u1") != 0, _COPIED
    strides = array.strides
    if 0 in strides and any(size > 1 and not stride for size, stride in zip(array.shape, strides)):
        array, fixed = array.copy(), _COPIED
        strides = array.strides
    return Layout(array.__array_interface__["data"][0], number, array.shape, strides, array, fixed)


def _from_torch(torch: Any, tensor: Any, written: bool) -> Layout:
    refuse_tensor(torch, tensor)
    if tensor.device.type != "cpu":
        raise _on_device(str(tensor.device))
    return _strided(torch, tensor, written)


def torch_layout(torch: Any, tensor: Any) -> Layout:
    """Of a tensor on any device."""
    refuse_tensor(torch, tensor)
    return _strided(torch, tensor, written=True)  # to look at booleans would be to wait for the device


def _strided(torch: Any, tensor: Any, written: bool) -> Layout:
    address_of_tensor(tensor)
    number = torch_dtypes.get(tensor.dtype, 0)
    if number == 0:
        number = BY_NAME.get(str(tensor.dtype).partition(".")[2])
        if tensor.dtype is not torch.bool:  # which has no short way
            torch_dtypes[tensor.dtype] = number
    if number is None:
        raise _no_dtype(str(tensor.dtype))
    fixed = ""
    if not written and tensor.dtype is torch.bool and tensor.numel() and int(tensor.view(torch.uint8).max()) > 1:
        tensor, fixed = tensor.view(torch.uint8) != 0, _COPIED
    if tensor.is_neg():
        tensor, fixed = tensor.resolve_neg(), _COPIED
    if any(size > 1 and not stride for size, stride in zip(tensor.shape, tensor.stride())):
        tensor, fixed = tensor.contiguous(), _COPIED
    size = SIZES[number]
    return Layout(tensor.data_ptr(), number, tuple(tensor.shape), tuple(stride * size for stride in tensor.stride()), tensor, fixed)


# ---- DLPack ------------------------------------------------------------------------------------------
class _DLTensor(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("device_type", ctypes.c_int32), ("device_id", ctypes.c_int32), ("ndim", ctypes.c_int32),
                ("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16),
                ("shape", ctypes.POINTER(ctypes.c_int64)), ("strides", ctypes.POINTER(ctypes.c_int64)),
                ("byte_offset", ctypes.c_uint64)]


class _DLManagedVersioned(ctypes.Structure):
    _fields_ = [("major", ctypes.c_uint32), ("minor", ctypes.c_uint32), ("manager", ctypes.c_void_p), ("deleter", ctypes.c_void_p),
                ("flags", ctypes.c_uint64), ("tensor", _DLTensor)]


_DL_CPU = (1, 3)  # kDLCPU, kDLCUDAHost
_DL_CUDA = 2
_DL_KINDS = {0: "int", 1: "uint", 2: "float", 4: "bfloat", 6: "bool"}
_is_valid = ctypes.PYFUNCTYPE(ctypes.c_int, py_object, ctypes.c_char_p)(("PyCapsule_IsValid", pythonapi))
capsule_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, py_object, ctypes.c_char_p)(("PyCapsule_GetPointer", pythonapi))


class _DLExchange(ctypes.Structure):
    """DLPackExchangeAPI of DLPack 1.3: functions that a type of arrays offers, looked up once."""

    _fields_ = [("major", ctypes.c_uint32), ("minor", ctypes.c_uint32), ("previous", ctypes.c_void_p),
                ("allocate", ctypes.c_void_p), ("managed_of", ctypes.c_void_p), ("array_of", ctypes.c_void_p),
                ("tensor_of", ctypes.c_void_p), ("stream", ctypes.c_void_p)]


_exchanges: weakref.WeakKeyDictionary[type, Any] = weakref.WeakKeyDictionary()


def _exchange(kind: type) -> Any:
    """dltensor_from_py_object_no_sync of a type of arrays: fills a _DLTensor that the array owns; None if it offers none."""
    if kind not in _exchanges:
        capsule = getattr(kind, "__dlpack_c_exchange_api__", None)
        found = None
        if capsule is not None and _is_valid(capsule, b"dlpack_exchange_api"):
            at = capsule_pointer(capsule, b"dlpack_exchange_api")
            while at:
                api = ctypes.cast(at, ctypes.POINTER(_DLExchange)).contents
                if api.major == 1:
                    if api.tensor_of:  # which is optional
                        found = ctypes.PYFUNCTYPE(ctypes.c_int, py_object, ctypes.POINTER(_DLTensor))(api.tensor_of)
                    break
                at = api.previous
        _exchanges[kind] = found
    return _exchanges[kind]


def _from_dlpack(array: Any) -> Layout:
    fill = _exchange(type(array))
    if fill is not None:
        tensor = _DLTensor()
        try:
            fill(array, byref(tensor))  # ctypes raises the exception of one that fails
        except Exception as error:
            raise refuse_export(array, "__dlpack_c_exchange_api__", error) from error
        _check_cpu(tensor.device_type, tensor.device_id)
        return _from_dltensor(tensor, array)
    try:
        device, ordinal = map(int, array.__dlpack_device__())
    except Exception as error:
        raise refuse_export(array, "__dlpack_device__", error) from error
    _check_cpu(device, ordinal)
    return dlpack_layout(array)


def _check_cpu(device: int, ordinal: int) -> None:
    if device not in _DL_CPU:
        raise _on_device(f"DLPack device {device}:{ordinal}")


def _capsule_of(array: Any, options: dict[str, Any]) -> Any:
    try:
        try:
            return array.__dlpack__(max_version=(1, 0), **options)
        except TypeError:  # a producer from before 1.0
            return array.__dlpack__(**options)
    except Exception as error:
        raise refuse_export(array, "__dlpack__", error) from error


def dlpack_layout(array: Any, **options: Any) -> Layout:
    """Of what `__dlpack__` gives for options; its memory is of any device, but only that of the CPU is copied."""
    capsule = _capsule_of(array, options)
    if _is_valid(capsule, b"dltensor_versioned"):
        managed = ctypes.cast(capsule_pointer(capsule, b"dltensor_versioned"), ctypes.POINTER(_DLManagedVersioned)).contents
        if managed.major != 1:
            raise UnsupportedError(f"DLPack {managed.major}.{managed.minor} is not known, 1.x is", c.FM_ERR_UNSUPPORTED)
        tensor, fixed = managed.tensor, _READ_ONLY if managed.flags & 1 else ""
    elif _is_valid(capsule, b"dltensor"):
        tensor, fixed = ctypes.cast(capsule_pointer(capsule, b"dltensor"), ctypes.POINTER(_DLTensor)).contents, ""
    else:
        raise unseen(f"{type(array).__name__}: its __dlpack__ gives no tensor of DLPack, or one that somebody has taken: {OTHER_WAYS}")
    return _from_dltensor(tensor, (capsule, array), fixed)


def _from_dltensor(tensor: _DLTensor, keep: Any, fixed: str = "") -> Layout:
    kind = _DL_KINDS.get(tensor.code, "?") + ("" if tensor.code == 6 else str(tensor.bits))
    number = BY_NAME.get(kind)
    if number is None or tensor.lanes != 1:
        raise _no_dtype(kind)
    size = SIZES[number]
    shape = tuple(tensor.shape[i] for i in range(tensor.ndim))
    if tensor.strides:
        strides = tuple(tensor.strides[i] * size for i in range(tensor.ndim))
    else:
        strides = packed(shape, size)
    layout = Layout((tensor.data or 0) + tensor.byte_offset, number, shape, strides, keep, fixed)
    if any(n > 1 and not stride for n, stride in zip(shape, strides)):
        if tensor.device_type not in _DL_CPU:
            raise UnsupportedError("the array is a broadcast view on a device, whose pixels share memory: write it out first",
                                   c.FM_ERR_UNSUPPORTED)
        return _copied(layout)
    return layout


def packed(shape: tuple[int, ...], size: int) -> tuple[int, ...]:
    strides = []
    for length in reversed(shape):
        strides.append(size)
        size *= length
    return tuple(reversed(strides))


def _copied(layout: Layout) -> Layout:
    """Broadcast axes written out; slow, and only where no array library can do it."""
    size, shape = SIZES[layout.dtype], layout.shape
    count = 1
    for length in shape:
        count *= length
    buffer = (ctypes.c_uint8 * (count * size))()
    at, source = ctypes.addressof(buffer), [layout.address]
    for length, stride in zip(shape, layout.strides):
        source = [one + i * stride for one in source for i in range(length)]
    for i, one in enumerate(source):
        ctypes.memmove(at + i * size, one, size)
    return Layout(at, layout.dtype, shape, packed(shape, size), buffer, _COPIED)


# ---- Buffers ------------------------------------------------------------------------------------------
class _PyBuffer(ctypes.Structure):
    _fields_ = [("buf", ctypes.c_void_p), ("obj", ctypes.c_void_p), ("len", ctypes.c_ssize_t), ("itemsize", ctypes.c_ssize_t),
                ("readonly", ctypes.c_int), ("ndim", ctypes.c_int), ("format", ctypes.c_char_p),
                ("shape", ctypes.POINTER(ctypes.c_ssize_t)), ("strides", ctypes.POINTER(ctypes.c_ssize_t)),
                ("suboffsets", ctypes.POINTER(ctypes.c_ssize_t)), ("internal", ctypes.c_void_p)]


_get_buffer = ctypes.PYFUNCTYPE(ctypes.c_int, py_object, ctypes.POINTER(_PyBuffer), ctypes.c_int)(("PyObject_GetBuffer", pythonapi))
_release_buffer = ctypes.PYFUNCTYPE(None, ctypes.POINTER(_PyBuffer))(("PyBuffer_Release", pythonapi))
_STRIDED_WITH_FORMAT = 0x0010 | 0x0008 | 0x0004  # PyBUF_STRIDES | PyBUF_ND | PyBUF_FORMAT


class _Buffer:
    """Holds an object's buffer until it goes."""

    def __init__(self, owner: Any) -> None:
        self.view = _PyBuffer()
        _get_buffer(owner, byref(self.view), _STRIDED_WITH_FORMAT)

    def __del__(self) -> None:
        if self.view.obj:
            _release_buffer(byref(self.view))


def _from_buffer(array: Any) -> Layout:
    try:
        buffer = _Buffer(array)
    except (TypeError, BufferError):
        raise UnsupportedError(f"{type(array).__name__} is no array: expected NumPy, PyTorch, DLPack, __array_interface__ or a "
                               "buffer of two dimensions", c.FM_ERR_UNSUPPORTED) from None
    view = buffer.view
    code = (view.format or b"B").decode().lstrip("@=" + ("<" if sys.byteorder == "little" else ">!"))
    kind = _BY_FORMAT.get(code) or (f"{'i' if code.islower() else 'u'}{view.itemsize}" if code in "hHiIlLqQnN" else code)
    number = _BY_KIND.get(kind)
    if number is None:
        raise _no_dtype(f"'{code}'")
    shape = tuple(view.shape[i] for i in range(view.ndim))
    strides = tuple(view.strides[i] for i in range(view.ndim)) if view.strides else packed(shape, view.itemsize)
    layout = Layout(view.buf or 0, number, shape, strides, buffer, _READ_ONLY if view.readonly else "")
    return _copied(layout) if any(n > 1 and not stride for n, stride in zip(shape, strides)) else layout


def _interface_of(array: Any) -> Layout:
    about = array.__array_interface__
    order, kind = about["typestr"][0], about["typestr"][1:]
    number, data = _BY_KIND.get(kind), about.get("data")
    if number is None or order not in ("|", "<" if sys.byteorder == "little" else ">") or data is None:
        raise _no_dtype(about["typestr"])
    shape = tuple(map(int, about["shape"]))
    strides = tuple(map(int, about.get("strides") or packed(shape, SIZES[number])))
    if isinstance(data, tuple):
        return Layout(int(data[0]), number, shape, strides, (array, about), _READ_ONLY if data[1] else "")
    start = int(about.get("offset", 0))  # in memory of another object: Pillow's, bytes
    if kind == "b1" and isinstance(data, bytes):
        data = data.translate(b"\0" + b"\1" * 255)  # Pillow's True is 255
    buffer = _Buffer(data)
    ends = [start + sum(bound(0, (size - 1) * stride) for size, stride in zip(shape, strides)) for bound in (min, max)]
    if 0 not in shape and (ends[0] < 0 or ends[1] + SIZES[number] > buffer.view.len):
        raise ValueError(f"{buffer.view.len} bytes are too few for shape {list(shape)}")
    return Layout((buffer.view.buf or 0) + start, number, shape, strides, (array, buffer), _READ_ONLY if buffer.view.readonly else "")


def _from_interface(array: Any) -> Layout:
    try:
        layout = _interface_of(array)
    except Exception as error:
        raise refuse_export(array, "__array_interface__", error) from error
    shape, strides = layout.shape, layout.strides
    return _copied(layout) if any(n > 1 and not stride for n, stride in zip(shape, strides)) else layout


# ---- Any of them --------------------------------------------------------------------------------------
def layout_of(array: Any, written: bool = False) -> Layout:
    """Any array as numbers; `written`: what it holds does not count. Raises UnsupportedError, with what to do, where it
    cannot be seen without a copy."""
    module = module_of("numpy")
    if module is not None and isinstance(array, module.ndarray):
        return _from_numpy(array, written)
    module = module_of("torch")
    if module is not None and isinstance(array, module.Tensor):
        return _from_torch(module, array, written)
    if hasattr(array, "__cuda_array_interface__"):
        raise _on_device("a GPU")
    if hasattr(array, "__dlpack__"):
        return _from_dlpack(array)
    if hasattr(array, "__array_interface__"):
        return _from_interface(array)
    return _from_buffer(array)


def words_layout(words: Any) -> Layout:
    """Of the words of a state: a packed array of int64."""
    layout = layout_of(words)
    if layout.dtype != c.FM_I64 or layout.strides != packed(layout.shape, 8) or len(layout.shape) != 1:
        raise ArgumentError(f"the state is {NAMES[layout.dtype]} of shape {list(layout.shape)} and strides {list(layout.strides)} bytes, expected "
                            "a packed array of int64 of one dimension")
    return layout


def cuda_ordinal(array: Any) -> Optional[int]:
    """The number of the CUDA device that an array is on; None: it is on none."""
    module = module_of("numpy")
    if module is not None and isinstance(array, module.ndarray):
        return None
    if is_torch(array):
        return int(array.device.index or 0) if array.is_cuda else None
    if not hasattr(array, "__dlpack_device__"):
        return None
    fill = _exchange(type(array))
    try:
        if fill is not None:
            tensor = _DLTensor()
            fill(array, byref(tensor))
            device, ordinal = tensor.device_type, tensor.device_id
        else:
            device, ordinal = map(int, array.__dlpack_device__())
    except Exception:  # what is wrong is said where its pixels are looked for
        return None
    return ordinal if device == _DL_CUDA else None
