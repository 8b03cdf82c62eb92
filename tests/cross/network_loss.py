"""Losses from network outputs against PyTorch in float64, over sizes, scales, kinds, dtypes
and memory orders. Prints the largest error of each case; exits 1 if one is too large.

    FREEMASK_LIBRARY=build/lib/libfreemask.so python3 tests/cross/network_loss.py

SPDX-License-Identifier: MIT"""
import sys

import numpy as np
import torch
import torch.nn.functional as F

import fm

rng = np.random.default_rng(5)
worst = {}


def judge(name, loss, truth, valid):
    truth = truth.numpy()
    assert np.all(loss[~valid] == 0), name + ': ignored pixels are not 0'
    loss, truth = loss[valid].astype(np.float64), truth[valid]
    error = np.abs(loss - truth)
    bound = np.where(truth < 20, 5e-6, 1e-5 * truth)
    share = float((error / bound).max()) if error.size else 0.0
    worst[name] = max(worst.get(name, 0), share)
    return share


def resized(x, size, corners):
    return F.interpolate(torch.from_numpy(x.astype(np.float64))[None], size, mode='bilinear',
                         align_corners=corners)[0]


def mask_of(classes, size):
    coarse = rng.integers(0, classes, (max(1, size[0] // 8), max(1, size[1] // 8)))
    y = np.arange(size[0]) * coarse.shape[0] // size[0]
    x = np.arange(size[1]) * coarse.shape[1] // size[1]
    mask = coarse[y][:, x].astype(np.uint16)
    mask[rng.random(size) < 0.1] = rng.integers(0, classes)
    mask[rng.random(size) < 0.05] = 65535
    return mask


def smooth(shape, sigma):
    """Low-resolution logits with the spatial coherence of a network's."""
    c, h, w = shape
    x = rng.normal(size=(c, h, w)).astype(np.float32) * sigma
    return np.ascontiguousarray(x)


def cross_entropy(z, mask, valid):
    target = torch.from_numpy(np.where(valid, mask, 0).astype(np.int64))
    return F.cross_entropy(z[None], target[None], reduction='none')[0]


SIZES = [((16, 16), (64, 64)), ((16, 16), (16, 16)), ((13, 9), (37, 31)), ((17, 23), (46, 62)),
         ((10, 12), (30, 36)), ((8, 8), (16, 16)), ((31, 29), (12, 7)), ((1, 1), (9, 5)),
         ((1, 7), (4, 30)), ((6, 5), (96, 80)), ((40, 41), (43, 41)), ((5, 3), (1, 1)),
         ((9, 1100), (20, 2201)), ((33, 33), (33, 34)), ((12, 9), (12, 9))]


def layouts(x):
    hwc = np.ascontiguousarray(x.transpose(1, 2, 0)).transpose(2, 0, 1)
    wide = np.zeros((x.shape[0], x.shape[1] + 1, 2 * x.shape[2]), x.dtype)
    wide[:, :-1, ::2] = x
    flipped = np.ascontiguousarray(x[:, ::-1])[:, ::-1]
    return {'chw': x, 'hwc': hwc, 'strided': wide[:, :-1, ::2], 'flipped': flipped}


def bfloat(x):
    return (torch.from_numpy(x).to(torch.bfloat16).view(torch.int16).numpy(),
            torch.from_numpy(x).to(torch.bfloat16).float().numpy())


def try_logits(kernels):
    for inner, outer in SIZES:
        for classes in (1, 2, 3, 19, 150, 847):
            if classes * outer[0] * outer[1] > 8_000_000:
                continue
            for sigma in (1, 6, 30):
                x = smooth((classes, *inner), sigma)
                mask = mask_of(classes, outer)
                valid = mask != 65535
                for corners in (0, 1):
                    n = fm.NetworkLoss(classes, fm.LOGITS, align_corners=corners,
                                       kernels=kernels)
                    truth = cross_entropy(resized(x, outer, bool(corners)), mask, valid)
                    judge('logits k%d sigma %d' % (kernels, sigma), n.map(x, mask), truth, valid)
                if sigma != 6:
                    continue
                n = fm.NetworkLoss(classes, fm.LOGITS, kernels=kernels)
                truth = cross_entropy(resized(x, outer, False), mask, valid)
                for name, v in layouts(x).items():
                    judge('logits k%d %s' % (kernels, name), n.map(v, mask), truth, valid)
                h = x.astype(np.float16)
                truth = cross_entropy(resized(h, outer, False), mask, valid)
                for name, v in layouts(h).items():
                    judge('logits k%d f16 %s' % (kernels, name), n.map(v, mask), truth, valid)
                bits, value = bfloat(x)
                truth = cross_entropy(resized(value, outer, False), mask, valid)
                judge('logits k%d bf16' % kernels, n.map(bits, mask, fm.BF16), truth, valid)


def try_offsets(kernels):
    for offset in (0, 100, -5000):
        x = smooth((19, 12, 14), 5) + np.float32(offset)
        mask = mask_of(19, (48, 50))
        valid = mask != 65535
        truth = cross_entropy(resized(x, (48, 50), False), mask, valid)
        n = fm.NetworkLoss(19, fm.LOGITS, kernels=kernels)
        judge('logits k%d offset %d' % (kernels, offset), n.map(x, mask), truth, valid)


def try_shares(kernels):
    floor = 1e-7
    for inner, outer in SIZES:
        for classes in (2, 19, 150):
            x = np.exp(smooth((classes, *inner), 3))
            p = (x / x.sum(0)).astype(np.float32)
            s = (p * rng.random((1, *inner)) * 1.2).astype(np.float32)
            mask = mask_of(classes, outer)
            valid = mask != 65535
            target = torch.from_numpy(np.where(valid, mask, 0).astype(np.int64))[None]
            for corners in (0, 1):
                for kind, v in ((fm.PROBS, p), (fm.SCORES, s)):
                    z = resized(v, outer, bool(corners))
                    if kind == fm.SCORES:
                        z = z / z.sum(0, keepdim=True)
                    truth = -torch.log(z.gather(0, target)[0].clamp(min=floor))
                    n = fm.NetworkLoss(classes, kind, align_corners=corners, kernels=kernels)
                    for name, w in layouts(v).items():
                        judge('kind %d k%d %s' % (kind, kernels, name), n.map(w, mask),
                              truth.clamp(min=0), valid)


def try_binary(kernels):
    for inner, outer in SIZES:
        z = smooth((1, *inner), 8)
        mask = mask_of(2, outer)
        valid = mask != 65535
        n = fm.NetworkLoss(2, fm.LOGITS, binary=1, kernels=kernels)
        r = resized(z, outer, False)[0]
        truth = F.softplus(torch.from_numpy(np.where(mask == 1, -1.0, 1.0)) * r)
        judge('binary logits', n.map(z, mask), truth, valid)
        p = (1 / (1 + np.exp(-z))).astype(np.float32)
        n = fm.NetworkLoss(2, fm.PROBS, binary=1, kernels=kernels)
        r = resized(p, outer, False)[0]
        r = torch.where(torch.from_numpy(mask == 1), r, 1 - r)
        judge('binary probs', n.map(p, mask), -torch.log(r.clamp(min=1e-7)).clamp(max=0), valid)


def try_channels(kernels):
    x = smooth((21, 16, 16), 4)
    table = rng.permutation(21)[:19].astype(np.int32)
    mask = mask_of(19, (50, 61))
    valid = mask != 65535
    mapped = np.where(valid, table[np.where(valid, mask, 0)], 0)
    truth = cross_entropy(resized(x, (50, 61), False), mapped, valid)
    n = fm.NetworkLoss(19, fm.LOGITS, channel_count=21, channels=table, kernels=kernels)
    judge('channel map', n.map(x, mask), truth, valid)


def try_queries(kernels):
    for inner, outer in SIZES:
        for q, classes in ((100, 150), (7, 2), (33, 19), (200, 847)):
            cls = rng.normal(size=(q, classes + 1)).astype(np.float32) * 3
            masks = smooth((q, *inner), 7)
            mask = mask_of(classes, outer)
            valid = mask != 65535
            p = torch.from_numpy(cls.astype(np.float64)).softmax(-1)[:, :-1]
            target = torch.from_numpy(np.where(valid, mask, 0).astype(np.int64))[None]
            for first in (0, 1):
                if first:
                    s = resized(1 / (1 + np.exp(-masks.astype(np.float64))), outer, False)
                else:
                    s = resized(masks, outer, False).sigmoid()
                if classes * outer[0] * outer[1] > 8_000_000:
                    continue
                z = torch.einsum('qc,qhw->chw', p, s)
                z = z / z.sum(0, keepdim=True)
                truth = -torch.log(z.gather(0, target)[0].clamp(min=1e-7))
                n = fm.NetworkLoss(classes, fm.SCORES, compose_first=first, kernels=kernels)
                judge('queries k%d first %d' % (kernels, first), n.queries(cls, masks, mask),
                      truth.clamp(min=0), valid)


for kernels in (0, 1):
    try_logits(kernels)
    try_offsets(kernels)
    try_shares(kernels)
    try_binary(kernels)
    try_channels(kernels)
    try_queries(kernels)
for name, share in worst.items():
    print('%-28s %6.3f of the bound%s' % (name, share, '' if share <= 1 else '   TOO LARGE'))
sys.exit(any(not share <= 1 for share in worst.values()))
