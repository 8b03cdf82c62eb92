# ctypes/kit.py - what tests of the shared library share: calls that raise, handles, planes of NumPy arrays.
import ctypes
import os
import sys

import tap
from freemask_ctypes import Interface

tap.need("numpy")
sys.path.insert(0, os.path.join(os.environ["FM_SOURCE"], "tests", "golden"))

LIB = Interface(os.environ["FM_SHARED"])
CONTEXT = ctypes.c_void_p()
LIB.fm_context_create(None, ctypes.byref(CONTEXT), None)


def call(function, *arguments):
    err = LIB.struct("fm_error")()
    if function(*arguments, ctypes.byref(err)):
        raise RuntimeError(err.message.decode())


def made(function, *arguments):
    """The handle that a creator makes."""
    out = ctypes.c_void_p()
    call(function, *arguments, ctypes.byref(out))
    return out


def refusal(function, *arguments):
    """The message of a call that fails."""
    try:
        call(function, *arguments)
    except RuntimeError as error:
        return str(error)
    return "nothing was refused"


def view(array):
    plane = LIB.fm_plane_make(array.ctypes.data, LIB.dtype(array.dtype.name), *array.shape)
    plane.row_stride, plane.col_stride = array.strides
    return plane


def encoded(function, handle):
    """The bytes that an _encode call hands over."""
    parts = []
    write = function.argtypes[1](lambda data, size, user: parts.append(ctypes.string_at(data, size)) or 0)
    call(function, handle, write, None)
    return b"".join(parts)
