# freemask/_cuda.py - arrays on a CUDA device: libfreemask-cuda, where it is, on the caller's stream.
# SPDX-License-Identifier: MIT
"""The library is found as libfreemask is: FREEMASK_CUDA_LIBRARY names a file, else it lies beside libfreemask, in the package,
or in the system. Memory that a call needs is made as its arrays are: by PyTorch, or by the array's namespace (the array API
standard), on the same device. Calls run on PyTorch's current stream; of arrays of others on the default stream, for which
DLPack makes the data ready. Nothing waits: what is bad in an image is in a status on the device, which is read later."""
from __future__ import annotations

import contextlib
import ctypes
import ctypes.util
import glob
import os
import threading
from collections import deque
from ctypes import byref
from typing import Any, Callable, Iterator, Optional

from . import _interface as c
from ._layouts import Layout, cuda_ordinal, dlpack_layout, dtype_name, is_torch, torch_layout
from ._library import Error, Handle, ShapeError, UnsupportedError, _local, call, lib, raise_error

# Why the library is not used; "": it is, or nobody has asked yet.
problem = ""
_library: Any = None
_lock = threading.Lock()
_devices: dict[int, Device] = {}


# ---- The library ------------------------------------------------------------------------------------
def _candidates() -> Iterator[str]:
    chosen = os.environ.get("FREEMASK_CUDA_LIBRARY")
    if chosen:
        yield chosen
        return
    pattern = f"libfreemask-cuda*.so.{c.CUDA_ABI_VERSION}*"
    beside = os.path.dirname(os.path.abspath(lib.path))
    for folder in (beside, os.path.join(beside, "cuda")):
        yield from sorted(glob.glob(os.path.join(glob.escape(folder), pattern)))
    found = ctypes.util.find_library("freemask-cuda")
    if found:
        yield found


class _Library:
    """The functions of freemask/cuda.h with their types."""

    def __init__(self, path: str) -> None:
        self._library = ctypes.CDLL(path)
        abi = self._library.fm_cuda_abi_version()
        if abi != c.CUDA_ABI_VERSION:
            raise OSError(f"{path} has ABI {abi}, expected {c.CUDA_ABI_VERSION}")

    def __getattr__(self, name: str) -> Any:
        if name not in c.CUDA_FUNCTIONS:
            raise AttributeError(name)
        function = getattr(self._library, name)
        function.restype, function.argtypes = c.CUDA_FUNCTIONS[name]
        setattr(self, name, function)
        return function


def _load() -> Any:
    global problem
    problem = "which is not here"
    for path in _candidates():
        try:
            return _Library(path)
        except (OSError, AttributeError) as error:
            problem = str(error)
    return None


class _CudaHandle(Handle):
    """A handle of libfreemask-cuda."""

    def __init__(self, destroy: str, function: Callable[..., int], *arguments: Any) -> None:
        self._destroy, self._library = destroy, _library
        self._create(function, *arguments)

    def __del__(self) -> None:
        pointer, self._pointer = self._pointer, None
        if pointer:
            getattr(self._library, self._destroy)(pointer)


class Device(_CudaHandle):
    """One device with the library's kernels."""

    def __init__(self, ordinal: int) -> None:
        super().__init__("fm_cuda_destroy", _library.fm_cuda_create, ordinal)
        self.ordinal = ordinal


def device_of(array: Any) -> Optional[Device]:
    """The device that an array is on, if the library is there for it; None: `array` is the CPU's, or is to be refused."""
    global _library, problem
    ordinal = cuda_ordinal(array)
    if ordinal is None:
        return None
    device = _devices.get(ordinal)
    if device is not None:
        return device
    with _lock:
        if _library is None:
            _library = _load()
        if _library is None:
            return None
        try:
            device = _devices.setdefault(ordinal, Device(ordinal))
        except UnsupportedError as error:
            problem = str(error)
            return None
    problem = ""
    return device


class Twins:
    """A handle's counterparts on devices, made when they are first needed, which may wait for the device."""

    def __init__(self, name: str) -> None:
        self.name, self.known, self.lock = name, dict[int, _CudaHandle](), threading.Lock()

    def of(self, device: Device, pointer: Any) -> Any:
        """The pointer of the one on `device`."""
        twin = self.known.get(device.ordinal)
        if twin is None:
            with self.lock:
                twin = self.known.get(device.ordinal)
                if twin is None:
                    twin = _CudaHandle(f"fm_cuda_{self.name}_destroy", getattr(_library, f"fm_cuda_{self.name}_create"), device._pointer,
                                       pointer)
                    self.known[device.ordinal] = twin
        return twin._pointer


# ---- Memory -----------------------------------------------------------------------------------------
def empty(like: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """An array on the device of `like`, of its kind."""
    dtype = dtype_name(dtype)
    if is_torch(like):
        import torch
        return torch.empty(shape, dtype=getattr(torch, dtype), device=like.device)
    try:
        space = like.__array_namespace__()
        return space.empty(shape, dtype=getattr(space, dtype), device=like.device)
    except AttributeError:
        raise UnsupportedError(f"{type(like).__name__} on a CUDA device: no memory can be made there without PyTorch or "
                               f"__array_namespace__; torch.from_dlpack() makes a tensor of it", c.FM_ERR_UNSUPPORTED) from None


def zeros(like: Any, shape: tuple[int, ...], dtype: str) -> Any:
    if is_torch(like):
        import torch
        return torch.zeros(shape, dtype=getattr(torch, dtype), device=like.device)
    space = like.__array_namespace__()
    return space.zeros(shape, dtype=getattr(space, dtype), device=like.device)


def stack(like: Any, arrays: Any, what: str) -> Any:
    """Arrays of one shape in one, a copy on the device."""
    shapes = {tuple(one.shape) for one in arrays}
    if len(shapes) != 1:
        raise ShapeError(f"{what}: on a CUDA device those of one call have one shape, not {', '.join(map(str, sorted(shapes)))}", c.FM_ERR_SHAPE)
    space = __import__("torch") if is_torch(like) else like.__array_namespace__()
    return space.stack(list(arrays))


def flags(like: Any, values: list[bool]) -> Any:
    """Made on the device: nothing is copied to it."""
    made = zeros(like, (len(values),), "uint8")
    for i, value in enumerate(values):
        if value:
            made[i] = 1
    return made


def host_bytes(array: Any) -> bytes:
    """What a packed array on the device holds; waits for it."""
    layout = torch_layout(__import__("torch"), array.cpu()) if is_torch(array) else dlpack_layout(array, dl_device=(1, 0), copy=True)
    size = ctypes.sizeof(ctypes.c_int64) if layout.dtype == c.FM_I64 else 1
    for length in layout.shape:
        size *= length
    return ctypes.string_at(layout.address, size)


# ---- A call -----------------------------------------------------------------------------------------
class Stream:
    """Where the work of a call goes, and views of its arrays, which it keeps until it has been put there."""

    def __init__(self, device: Device, like: Any) -> None:
        self.device, self.keep = device, list[Any]()
        self.number = 0
        if is_torch(like):
            import torch
            self.number = int(torch.cuda.current_stream(like.device).cuda_stream)

    def layout(self, array: Any, what: str) -> Layout:
        ordinal = cuda_ordinal(array)
        if ordinal != self.device.ordinal:
            raise UnsupportedError(f"{what}: is {'not on a CUDA device' if ordinal is None else f'on cuda:{ordinal}'}, but the mask is on "
                                   f"cuda:{self.device.ordinal}: all arrays have to be on one", c.FM_ERR_UNSUPPORTED)
        if is_torch(array):
            found = torch_layout(__import__("torch"), array)
        else:  # 1: DLPack's number of the default stream
            found = dlpack_layout(array, stream=self.number or 1)
        self.keep.append(found.keep)
        return found

    def images(self, array: Any, what: str) -> Any:
        """[H, W] or [N, H, W] as an fm_volume; axes of length 1 before the last two do not count."""
        found = self.layout(array, what)
        return c.fm_volume(found.address, found.dtype, c.FM_DEVICE_CUDA, *self._axes(found, 3, what))

    def siblings(self, given: Any, like: Any, images: int) -> tuple[Any, int]:
        """[S, H, W], or of a batch [N, S, H, W], or lists of such planes, as an fm_volume [N * S, H, W], and S."""
        if isinstance(given, (list, tuple)):
            given = stack(like, [stack(like, one, "siblings") if isinstance(one, (list, tuple)) else one for one in given], "siblings")
        found = self.layout(given, "siblings")
        axes = list(zip(found.shape, found.strides))
        if len(axes) == 3 and images == 1:
            axes.insert(0, (1, 0))
        if len(axes) != 4 or axes[0][0] != images:
            raise ShapeError(f"siblings: have shape {list(found.shape)}, expected [N, S, H, W] of {images} masks", c.FM_ERR_SHAPE)
        (_, step), (count, stride), (height, row), (width, col) = axes
        if images > 1 and count > 1 and step != count * stride:
            raise UnsupportedError("siblings: those of a mask do not follow those of the one before: make the array contiguous",
                                   c.FM_ERR_UNSUPPORTED)
        return c.fm_volume(found.address, found.dtype, c.FM_DEVICE_CUDA, images * count, height, width, stride if count > 1 else step, row,
                           col), count

    def output(self, array: Any, images: int) -> Any:
        """[C, h, w] or [N, C, h, w] as an fm_cuda_output."""
        found = self.layout(array, "output")
        axes = self._axes(found, 4, "output")
        values = c.fm_volume(found.address, found.dtype, c.FM_DEVICE_CUDA, *axes[1:4], *axes[5:])
        made = c.fm_cuda_output(size=ctypes.sizeof(c.fm_cuda_output), values=values, image_count=axes[0], image_stride=axes[4])
        if axes[0] != images:
            raise ShapeError(f"output: is of {axes[0]} images, but there are {images} masks", c.FM_ERR_SHAPE)
        return made

    def queries(self, twin: Any, class_logits: Any, mask_logits: Any, images: int) -> Any:
        """[Q, C + 1] and [Q, h, w], or batches of them, as an fm_cuda_output with a workspace."""
        made = self.output(mask_logits, images)
        made.class_logits = self.images(class_logits, "class logits")
        made.workspace_size = _library.fm_cuda_queries_workspace(twin, images, made.values.channels)
        if made.workspace_size:
            space = empty(mask_logits, (made.workspace_size,), "uint8")
            made.workspace = self.memory(space)
        return made

    @staticmethod
    def _axes(found: Layout, count: int, what: str) -> tuple[int, ...]:
        """`count` lengths and as many strides."""
        axes = list(zip(found.shape, found.strides))
        while len(axes) > count and any(length == 1 for length, _ in axes[:-2]):
            del axes[next(i for i, (length, _) in enumerate(axes) if length == 1)]
        if len(axes) == count - 1:
            axes.insert(0, (1, 0))
        if len(axes) != count:
            raise ShapeError(f"{what}: has shape {list(found.shape)}, expected {'[N, C, h, w]' if count == 4 else '[N, H, W]'}",
                             c.FM_ERR_SHAPE)
        return (*(length for length, _ in axes), *(stride for _, stride in axes))

    def memory(self, array: Any) -> Any:
        """The address of what `empty` made."""
        return self.layout(array, "memory").address

    def run(self, function: str, *arguments: Any) -> None:
        """`arguments` are those before the stream; structures go by reference."""
        given = [byref(one) if isinstance(one, ctypes.Structure) else one for one in arguments]
        call(getattr(_library, function), *given, self.number or None)
        self.keep.clear()


def workspace_size(name: str, twin: Any, masks: Any) -> int:
    return int(getattr(_library, f"fm_cuda_{name}_workspace")(twin, masks.channels, masks.height, masks.width))


def pointer(address: Any, kind: Any) -> Any:
    """Device memory as a parameter."""
    return ctypes.cast(address, ctypes.POINTER(kind)) if address else None


# ---- What was bad -----------------------------------------------------------------------------------
STATUS_SIZE = ctypes.sizeof(c.fm_cuda_status)


def new_status(like: Any, images: int) -> Any:
    return empty(like, (images, STATUS_SIZE), "uint8")


class Statuses:
    """Of the last calls, whose images have not been looked at yet."""

    MOST = 1024  # calls

    def __init__(self) -> None:
        self.waiting: deque[tuple[Any, Any]] = deque(maxlen=self.MOST)

    def add(self, status: Any, labels: Any) -> None:
        """Of a call that has been put on its stream: one that was refused has written none."""
        self.waiting.append((status, labels))

    def check(self) -> None:
        """Waits, forgets them, and raises the first error."""
        found = []
        with contextlib.suppress(IndexError):
            while True:
                found.append(self.waiting.popleft())
        for status, labels in found:
            check_statuses(host_bytes(status), labels)


def check_statuses(data: bytes, labels: Any) -> None:
    """Raises what the first bad image's status says."""
    count = len(data) // STATUS_SIZE
    for i in range(count):
        status = c.fm_cuda_status.from_buffer_copy(data, i * STATUS_SIZE)
        if status.code:
            local = _local
            _library.fm_cuda_status_read(byref(status), labels._pointer, local.at)
            try:
                raise_error(local.error)
            except Error as error:
                where = f"image {i} of {count}: " if count > 1 else ""
                raise type(error)(f"{where}{error}", error.code, error.host_code) from None


loss_statuses = Statuses()


def check() -> None:
    """Waits for the loss maps (and class maps) that were computed on CUDA devices, and raises what was bad in one of them
    since the last check: LabelError, LossError. (An image with a bad pixel has no losses: all are 0.) Of the last 1,024 calls."""
    loss_statuses.check()
