"""ctypes face of libfreemask's network losses, as much as the cross-check needs.
SPDX-License-Identifier: MIT"""
import ctypes as C
import os

import numpy as np

U8, U16, I16, I32, I64, F32, F16, BF16 = range(1, 9)
LOGITS, PROBS, SCORES = 2, 3, 4
TYPES = {'uint8': U8, 'uint16': U16, 'int16': I16, 'int32': I32, 'int64': I64,
         'float32': F32, 'float16': F16}

lib = C.CDLL(os.environ['FREEMASK_LIBRARY'])


class Plane(C.Structure):
    _fields_ = [('data', C.c_void_p), ('dtype', C.c_int32), ('reserved', C.c_int32),
                ('height', C.c_int64), ('width', C.c_int64), ('row_stride', C.c_int64),
                ('col_stride', C.c_int64)]


class Volume(C.Structure):
    _fields_ = [('data', C.c_void_p), ('dtype', C.c_int32), ('reserved', C.c_int32),
                ('channels', C.c_int64), ('height', C.c_int64), ('width', C.c_int64),
                ('channel_stride', C.c_int64), ('row_stride', C.c_int64),
                ('col_stride', C.c_int64)]


class Error(C.Structure):
    _fields_ = [('code', C.c_int32), ('host_code', C.c_int32), ('message', C.c_char * 504)]


class LabelsOptions(C.Structure):
    _fields_ = [('size', C.c_size_t), ('name', C.c_char_p), ('class_count', C.c_int32),
                ('label_count', C.c_int32), ('ignore_label', C.c_int64),
                ('classes', C.c_void_p), ('class_names', C.c_void_p)]


class ContextOptions(C.Structure):
    _fields_ = [('size', C.c_size_t), ('allocate', C.c_void_p), ('release', C.c_void_p),
                ('allocator_user', C.c_void_p), ('log', C.c_void_p), ('log_user', C.c_void_p),
                ('log_level', C.c_int32), ('kernels', C.c_uint32)]


class Options(C.Structure):
    _fields_ = [('size', C.c_size_t), ('kind', C.c_int32), ('align_corners', C.c_int32),
                ('channel_count', C.c_int32), ('binary', C.c_int32), ('channels', C.c_void_p),
                ('floor', C.c_double), ('trust_kind', C.c_int32), ('compose_first', C.c_int32)]


def plane(a, dtype=None):
    return Plane(a.ctypes.data, dtype or TYPES[a.dtype.name], 0, a.shape[0], a.shape[1],
                 a.strides[0], a.strides[1])


def volume(a, dtype=None):
    return Volume(a.ctypes.data, dtype or TYPES[a.dtype.name], 0, *a.shape, *a.strides)


def check(status, err):
    if status:
        raise ValueError('%d: %s' % (status, err.message.decode()))


class NetworkLoss:
    def __init__(self, classes, kind, ignore=None, kernels=0, channels=None, **more):
        err = Error()
        context, labels, self.handle = C.c_void_p(), C.c_void_p(), C.c_void_p()
        co = ContextOptions(size=C.sizeof(ContextOptions), kernels=kernels)
        check(lib.fm_context_create(C.byref(co), C.byref(context), C.byref(err)), err)
        lo = LabelsOptions(size=C.sizeof(LabelsOptions), class_count=classes,
                           ignore_label=65535 if ignore is None else ignore)
        check(lib.fm_labels_create(context, C.byref(lo), C.byref(labels), C.byref(err)), err)
        o = Options(size=C.sizeof(Options), kind=kind, **more)
        if channels is not None:
            table = np.asarray(channels, np.int32)
            o.channels = table.ctypes.data
        check(lib.fm_network_loss_create(labels, C.byref(o), C.byref(self.handle),
                                         C.byref(err)), err)
        lib.fm_labels_destroy(labels)
        lib.fm_context_destroy(context)

    def __del__(self):
        lib.fm_network_loss_destroy(self.handle)

    def map(self, output, mask, dtype=None, loss=None):
        err = Error()
        loss = np.full(mask.shape, -7, np.float32) if loss is None else loss
        check(lib.fm_network_loss_map(self.handle, C.byref(volume(output, dtype)),
                                      C.byref(plane(mask)), C.byref(plane(loss)),
                                      C.byref(err)), err)
        return loss

    def queries(self, classes, masks, mask, loss=None):
        err = Error()
        loss = np.full(mask.shape, -7, np.float32) if loss is None else loss
        check(lib.fm_network_loss_queries(self.handle, C.byref(plane(classes)),
                                          C.byref(volume(masks)), C.byref(plane(mask)),
                                          C.byref(plane(loss)), C.byref(err)), err)
        return loss
