# cli/network_truth.py - losses of networks' outputs in NumPy float64, as plainly as can be.
# SPDX-License-Identifier: MIT
import numpy as np

FLOOR = 1e-7


def _axis(count, size, corners):
    """For `size` places along an axis: the two neighbors and the second one's weight."""
    if corners:
        at = np.arange(size) * ((count - 1) / (size - 1) if size > 1 else 0.0)
    else:
        at = np.maximum((np.arange(size) + 0.5) * count / size - 0.5, 0)
    low = np.minimum(np.floor(at).astype(int), count - 1)
    return low, np.minimum(low + 1, count - 1), at - low


def resize(x, size, corners=False):
    """[C, h, w] to [C, *size], bilinear as PyTorch has it."""
    x = x.astype(np.float64)
    y0, y1, fy = _axis(x.shape[1], size[0], corners)
    x0, x1, fx = _axis(x.shape[2], size[1], corners)
    rows = x[:, y0] * (1 - fy)[None, :, None] + x[:, y1] * fy[None, :, None]
    return rows[:, :, x0] * (1 - fx) + rows[:, :, x1] * fx


def _own(values, classes, channels):
    """values[channel of the mask's class], 0 where ignored."""
    channel = np.asarray(channels)[np.maximum(classes, 0)]
    return np.take_along_axis(values, channel[None], 0)[0]


def _sigmoid(x):
    return np.where(x >= 0, 1 / (1 + np.exp(-np.abs(x))), np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x))))


def _masked(loss, classes):
    return np.where(classes >= 0, loss, 0)


def logits(x, classes, channels, corners=False):
    z = resize(x, classes.shape, corners)
    top = z.max(0)
    return _masked(top + np.log(np.exp(z - top).sum(0)) - _own(z, classes, channels), classes)


def probs(x, classes, channels, corners=False):
    p = _own(resize(x, classes.shape, corners), classes, channels)
    return _masked(-np.log(np.maximum(p, FLOOR)), classes)


def scores(x, classes, channels, corners=False):
    s = resize(x, classes.shape, corners)
    share = _own(s, classes, channels) / np.maximum(s.sum(0), 1e-300)
    return _masked(-np.log(np.maximum(share, FLOOR)), classes)


def binary(x, classes, last, corners=False):
    """One channel of logits; `last` is the class whose probability is its sigmoid."""
    z = resize(x, classes.shape, corners)[0]
    z = np.where(classes == last, z, -z)
    return _masked(np.logaddexp(0, -z), classes)


def binary_probs(x, classes, last, corners=False):
    p = resize(x, classes.shape, corners)[0]
    return _masked(-np.log(np.maximum(np.where(classes == last, p, 1 - p), FLOOR)), classes)


def queries(class_logits, mask_logits, classes, channels, corners=False, compose_first=False):
    e = np.exp(class_logits.astype(np.float64) - class_logits.max(1, keepdims=True))
    p = (e / e.sum(1, keepdims=True))[:, :-1]
    if compose_first:
        m = resize(_sigmoid(mask_logits.astype(np.float64)), classes.shape, corners)
    else:
        m = _sigmoid(resize(mask_logits, classes.shape, corners))
    s = np.einsum("qc,qhw->chw", p, m)
    share = _own(s, classes, channels) / s.sum(0)
    return _masked(-np.log(np.maximum(share, FLOOR)), classes)
