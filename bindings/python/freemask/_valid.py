# freemask/_valid.py - losses of mask classification over the pixels that have a label.
# SPDX-License-Identifier: MIT
"""Mask2Former and its kin learn binary masks, which are 0 at ignored pixels: there every mask is trained as
background. Here v says which pixels have a label, and each sum of the losses has v as its weight. Where v is 1
everywhere, results are those of the original code, to the bit, and as many random numbers are drawn."""
from __future__ import annotations

from typing import Any

import torch
from torch.nn.functional import adaptive_max_pool2d, binary_cross_entropy_with_logits, grid_sample


def labelled(masks: Any) -> Any:
    """v [H, W] of binary masks [N, H, W]: the pixels that belong to one of them."""
    return (masks > 0).any(0) if len(masks) else masks.new_zeros(masks.shape[-2:], dtype=torch.bool)


def at_points(maps: Any, points: Any) -> Any:
    """Bilinear samples [R, P] of maps [R, h, w] at points [R, P, 2], which are 0 to 1."""
    return grid_sample(maps[:, None].float(), 2.0 * points[:, :, None] - 1.0, align_corners=False).squeeze(3).squeeze(1)


def labels_at_points(masks: Any, valid: Any, points: Any) -> tuple[Any, Any]:
    """(labels [R, P], weights [R, P]) at points [R, P, 2] of masks [R, H, W]: the mean of a mask, and the share of v
    [R, H, W], around each point. At the image's border a sample reaches beyond it, for all maps alike."""
    inside = at_points(torch.ones_like(valid, dtype=torch.float32), points)
    weight = torch.where(inside > 0, at_points(valid, points) / inside, 0.0)
    values = at_points(masks, points)
    return torch.where(weight > 0, values / weight.clamp(min=1e-6), 0.0), weight


def moved(points: Any, valid: Any) -> Any:
    """Points [R, P, 2] with those at pixels without a label moved to random ones that have one, of v [R, H, W].
    Random numbers are drawn only if there are such points."""
    height, width = valid.shape[-2:]
    x = (points[..., 0] * width).long().clamp(max=width - 1)
    y = (points[..., 1] * height).long().clamp(max=height - 1)
    astray = ~valid.flatten(1).gather(1, y * width + x)
    if not bool(astray.any()):
        return points
    points = points.clone()
    for row in astray.any(1).nonzero().flatten().tolist():
        pixels = valid[row].flatten().nonzero().flatten()
        count = int(astray[row].sum())
        if not len(pixels) or not count:
            continue
        chosen = pixels[torch.randint(len(pixels), (count,), device=pixels.device)]
        corner = torch.stack([chosen % width, chosen // width], 1).to(points.dtype) + torch.rand(count, 2, device=points.device)
        points[row, astray[row]] = corner / corner.new_tensor([width, height])
    return points


def without_gradient(logits: Any, valid: Any) -> Any:
    """Mask logits [R, h, w] whose elements that cover pixels without a label alone pass no gradient on. A
    valid pixel beside them is interpolated from them, too."""
    covers = adaptive_max_pool2d(valid[:, None].float(), logits.shape[-2:])[:, 0] > 0
    return torch.where(covers, logits, logits.detach())


def mean_of(values: Any, weight: Any) -> Any:
    """sum(v * x) / sum(v) of each row; 0 where no pixel is valid."""
    return (weight * values).mean(1) / weight.mean(1).clamp(min=1e-12)


def uncertain_points(logits: Any, valid: Any, count: int, oversampled: float, important: float) -> Any:
    """Points [R, count, 2]: the most uncertain of `oversampled` times as many random ones, and a share of 1 -
    `important` that is random. All are where v is 1."""
    rows, device = len(logits), logits.device
    points = moved(torch.rand(rows, int(count * oversampled), 2, device=device), valid)
    uncertain = int(important * count)
    chosen = (-at_points(logits, points).abs()).topk(uncertain, dim=1)[1]
    points = points.gather(1, chosen[..., None].expand(-1, -1, 2))
    rest = count - uncertain
    if rest > 0:
        points = torch.cat([points, moved(torch.rand(rows, rest, 2, device=device), valid)], 1)
    return points


def dice(probs: Any, labels: Any, weight: Any, eps: float = 1.0) -> Any:
    """1 - (2 sum(v p y) + eps) / (sum(v p) + sum(v y) + eps) of each row."""
    probs = probs * weight
    return 1 - (2 * (probs * labels).sum(-1) + eps) / (probs.sum(-1) + (labels * weight).sum(-1) + eps)


def pair_dice(probs: Any, labels: Any, weight: Any, eps: float = 1.0) -> Any:
    """`dice` of each of Q rows with each of N: [Q, N]; `weight` [P] is the image's."""
    probs = probs * weight
    return 1 - (2 * torch.matmul(probs, labels.T) + eps) / (probs.sum(-1)[:, None] + (labels * weight).sum(-1)[None, :] + eps)


def pair_mean(positive: Any, negative: Any, labels: Any, weight: Any) -> Any:
    """sum(v (y a + (1 - y) b)) / sum(v) of each of Q rows of losses with each of N labels: [Q, N]."""
    weight = weight / weight.mean().clamp(min=1e-12)
    count = positive.shape[1]
    return torch.matmul(positive * weight / count, labels.T) + torch.matmul(negative * weight / count, (1 - labels).T)


def pair_cross_entropy(logits: Any, labels: Any, weight: Any) -> Any:
    """Binary cross-entropy of each of Q rows with each of N."""
    return pair_mean(binary_cross_entropy_with_logits(logits, torch.ones_like(logits), reduction="none"),
                     binary_cross_entropy_with_logits(logits, torch.zeros_like(logits), reduction="none"), labels, weight)
