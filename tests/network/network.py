# cross/network.py - network_loss.h from NumPy arrays, through ctypes.
import ctypes
import os

import tap
from freemask_ctypes import Interface

LIB = Interface(os.environ.get("FM_SHARED") or os.path.join(tap.BUILD, "lib", "libfreemask.so"))
ERROR = LIB.struct("fm_error")
LOGITS, PROBS, SCORES = 1, 2, 3
IGNORED = 65535


class Refused(Exception):
    """The library's message."""


def call(function, *arguments):
    err = ERROR()
    if function(*arguments, ctypes.byref(err)):
        raise Refused(err.message.decode())


def make(function, *arguments):
    handle = ctypes.c_void_p()
    call(function, *arguments, ctypes.byref(handle))
    return handle


def plane(array):
    return LIB.struct("fm_plane")(array.ctypes.data, LIB.dtype(array.dtype.name), 0, *array.shape,
                                  *array.strides)


def volume(array, bf16=False):
    """`bf16`: an array of uint16 that holds bfloat16."""
    dtype = LIB.FM_BF16 if bf16 else LIB.dtype(array.dtype.name)
    return LIB.struct("fm_volume")(array.ctypes.data, dtype, 0, *array.shape, *array.strides)


def levels():
    """The kernel levels of this build on this CPU, the best first, as 0."""
    found = [0]
    for level in range(1, 6):
        options = LIB.make("fm_context_options", kernels=level)
        try:
            LIB.fm_context_destroy(make(LIB.fm_context_create, ctypes.byref(options)))
            found.append(level)
        except Refused:
            pass
    return found


class NetworkLoss:
    """One fm_network_loss; the mask's labels are the classes."""

    def __init__(self, classes, kind, kernels=0, channels=None, **more):
        options = LIB.make("fm_context_options", kernels=kernels)
        context = make(LIB.fm_context_create, ctypes.byref(options))
        options = LIB.labels_options(classes, IGNORED)
        labels = make(LIB.fm_labels_create, context, ctypes.byref(options))
        options = LIB.make("fm_network_loss_options", kind=kind, **more)
        if channels is not None:
            table = (ctypes.c_int32 * classes)(*map(int, channels))
            options.channels = table
        self.handle = make(LIB.fm_network_loss_create, labels, ctypes.byref(options))
        LIB.fm_labels_destroy(labels)
        LIB.fm_context_destroy(context)

    def __del__(self):
        if hasattr(self, "handle"):
            LIB.fm_network_loss_destroy(self.handle)

    def map(self, output, mask, loss, bf16=False):
        return self.losses(LIB.make("fm_network_output", values=volume(output, bf16)), mask, loss)

    def queries(self, class_logits, mask_logits, mask, loss):
        return self.losses(LIB.make("fm_network_output", values=volume(mask_logits),
                                    class_logits=plane(class_logits)), mask, loss)

    def losses(self, output, mask, loss):
        call(LIB.fm_network_loss_map, self.handle, ctypes.byref(output), ctypes.byref(plane(mask)),
             ctypes.byref(plane(loss)))
        return loss
