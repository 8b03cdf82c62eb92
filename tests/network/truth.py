# cross/truth.py - losses from network outputs as the formulas say, in float64.
"""Written from PyTorch's documentation of interpolate, softmax and cross_entropy; where PyTorch is
installed the test compares the two."""
import numpy as np

FLOOR = 1e-7


def axis(inner, outer, corners):
    """[outer, inner]: how much of each pixel of the output goes into one of the mask."""
    at = np.arange(outer, dtype=np.float64)
    if corners:
        at = at * (inner - 1) / (outer - 1) if outer > 1 else at * 0
    else:
        at = np.maximum((at + 0.5) * inner / outer - 0.5, 0)
    low = np.minimum(at.astype(np.int64), inner - 1)
    high = np.minimum(low + 1, inner - 1)
    weights = np.zeros((outer, inner))
    np.add.at(weights, (np.arange(outer), low), 1 - (at - low))
    np.add.at(weights, (np.arange(outer), high), at - low)
    return weights


def resize(output, size, corners):
    """[C, h, w] to [C, *size], bilinearly."""
    output = np.asarray(output, np.float64)
    down = axis(output.shape[1], size[0], corners)
    across = axis(output.shape[2], size[1], corners)
    return np.matmul(np.matmul(down, output), across.T)


def pick(values, channels):
    return np.take_along_axis(values, channels[None], 0)[0]


def log_sum_exp(z):
    top = z.max(0)
    return np.log(np.exp(z - top).sum(0)) + top


def of_share(share, floor):
    return np.maximum(-np.log(np.maximum(share, floor)), 0)


def logits(output, channels, corners=False):
    z = resize(output, channels.shape, corners)
    return log_sum_exp(z) - pick(z, channels)


def probs(output, channels, corners=False, floor=FLOOR):
    return of_share(pick(resize(output, channels.shape, corners), channels), floor)


def scores(output, channels, corners=False, floor=FLOOR):
    s = resize(output, channels.shape, corners)
    total = s.sum(0)
    return of_share(np.where(total > 0, pick(s, channels) / np.where(total > 0, total, 1), 0), floor)


def sigmoid(z):
    return np.exp(-np.logaddexp(0, -z))


def binary_logits(output, classes, corners=False):
    z = resize(output, classes.shape, corners)[0]
    return np.logaddexp(0, np.where(classes == 1, -z, z))


def binary_probs(output, classes, corners=False, floor=FLOOR):
    p = resize(output, classes.shape, corners)[0]
    return of_share(np.where(classes == 1, p, 1 - p), floor)


def queries(class_logits, mask_logits, channels, compose_first, corners=False, floor=FLOOR):
    z = np.asarray(class_logits, np.float64).T
    shares = np.exp(z - log_sum_exp(z))[:-1]
    masks = np.asarray(mask_logits, np.float64)
    if compose_first:
        s = resize(sigmoid(masks), channels.shape, corners)
    else:
        s = sigmoid(resize(masks, channels.shape, corners))
    composed = np.tensordot(shares, s, 1)
    return of_share(pick(composed, channels) / composed.sum(0), floor)
