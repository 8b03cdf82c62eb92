# network/test_class_map.py - which class an output shows, against the largest resized value.
import ctypes
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "ctypes"))

import tap

tap.need("numpy")
import numpy as np  # noqa: E402
import truth  # noqa: E402
from network import IGNORED, LIB, LOGITS, PROBS, SCORES, NetworkLoss, Refused, call, plane, volume  # noqa: E402

RNG = np.random.default_rng(20234)
SIZES = [((5, 7), (5, 7)), ((6, 9), (23, 35)), ((8, 8), (3, 5)), ((1, 1), (4, 4)), ((4, 600), (9, 1500))]


def class_map(model, output, mask):
    classes = np.full(mask.shape, 99, np.int32)
    call(LIB.fm_network_class_map, model.handle, ctypes.byref(output), ctypes.byref(plane(mask)),
         ctypes.byref(plane(classes)))
    return classes


def mask_of(count, size):
    mask = RNG.integers(0, count, size).astype(np.uint16)
    mask[RNG.random(size) < 0.2] = IGNORED
    return mask


def judge(name, found, values, mask):
    """`values` [class, H, W] in float64: rounding may decide between nearly equal ones."""
    valid = mask != IGNORED
    own = np.take_along_axis(values, np.maximum(found, 0)[None], 0)[0]
    slack = 1e-6 * (1 + np.abs(values).max(0))
    good = bool(np.all(found[~valid] == -1)) and bool(np.all((found >= 0)[valid]))
    tap.ok(good and bool(np.all((own >= values.max(0) - slack)[valid])), name)


def out(values, **more):
    return LIB.make("fm_network_output", values=volume(values), **more)


def test_channels():
    for inner, outer in SIZES:
        for corners in (0, 1):
            for dtype in (np.float32, np.float16):
                z = (4 * RNG.normal(size=(9, *inner))).astype(dtype)
                mask, channels = mask_of(5, outer), [8, 0, 3, 1, 7]
                model = NetworkLoss(5, LOGITS, channels=channels, channel_count=9, align_corners=corners)
                judge(f"logits {inner} to {outer}, {dtype.__name__}, corners {corners}", class_map(model, out(z), mask),
                      truth.resize(z, outer, corners)[channels], mask)
        p = RNG.random((5, *inner)).astype(np.float32)
        for kind, values in ((PROBS, p / p.sum(0)), (SCORES, p * 3)):
            values = values.astype(np.float32)
            judge(f"kind {kind} {inner} to {outer}", class_map(NetworkLoss(5, kind, trust_kind=1), out(values), mask),
                  truth.resize(values, outer, False), mask)


def test_one_channel():
    for inner, outer in SIZES:
        mask = mask_of(2, outer)
        z = RNG.normal(size=(1, *inner)).astype(np.float32)
        both = truth.resize(z, outer, False)[0]
        judge(f"binary {inner} to {outer}", class_map(NetworkLoss(2, LOGITS, binary=1), out(z), mask),
              np.stack([-both, both]), mask)
        p = truth.sigmoid(z).astype(np.float32)
        both = truth.resize(p, outer, False)[0]
        judge(f"binary probabilities {inner} to {outer}",
              class_map(NetworkLoss(2, PROBS, binary=1, trust_kind=1), out(p), mask), np.stack([1 - both, both]), mask)


def test_queries():
    for inner, outer in SIZES:
        for first in (0, 1):
            logits = (3 * RNG.normal(size=(11, 7))).astype(np.float32)
            masks = (8 * RNG.normal(size=(11, *inner))).astype(np.float32)
            mask = mask_of(6, outer)
            z = logits.astype(np.float64).T
            shares = np.exp(z - truth.log_sum_exp(z))[:-1]
            s = truth.resize(truth.sigmoid(masks.astype(np.float64)), outer, False) if first \
                else truth.sigmoid(truth.resize(masks, outer, False))
            model = NetworkLoss(6, SCORES, compose_first=first)
            judge(f"queries {inner} to {outer}, compose_first {first}",
                  class_map(model, out(masks, class_logits=plane(logits)), mask), np.einsum("qk,qhw->khw", shares.T, s), mask)


def test_edges():
    z = np.zeros((3, 2, 2), np.float32)
    mask = np.zeros((2, 2), np.uint16)
    tap.ok(np.all(class_map(NetworkLoss(3, LOGITS), out(z), mask) == 0), "of equal ones the first")
    z[0], z[2, 0, 0] = np.nan, 5
    found = class_map(NetworkLoss(3, LOGITS), out(z), mask)
    tap.ok(found.tolist() == [[2, 1], [1, 1]], "what is not a number is not the largest", str(found))
    z[:] = np.nan
    tap.ok(np.all(class_map(NetworkLoss(3, LOGITS), out(z), mask) == -1), "no number, no class")
    model = NetworkLoss(3, LOGITS)
    try:
        wrong = np.zeros((2, 3), np.int32)
        call(LIB.fm_network_class_map, model.handle, ctypes.byref(out(z)), ctypes.byref(plane(mask)),
             ctypes.byref(plane(wrong)))
        tap.ok(False, "a class map of another size is refused")
    except Refused as refused:
        tap.ok("class map" in str(refused), "a class map of another size is refused", str(refused))


def test_low_losses():
    """Where the loss is below log 2, the class is the mask's own: filters need not look there."""
    z = (4 * RNG.normal(size=(6, 20, 20))).astype(np.float32)
    mask = mask_of(6, (37, 41))
    model = NetworkLoss(6, LOGITS)
    loss = model.map(z, mask, np.zeros(mask.shape, np.float32))
    low = (loss < np.log(2)) & (mask != IGNORED)
    tap.ok(low.any() and np.array_equal(class_map(model, out(z), mask)[low], mask[low]), "low losses show the mask's class")


for test in (test_channels, test_one_channel, test_queries, test_edges, test_low_losses):
    test()
tap.done()
