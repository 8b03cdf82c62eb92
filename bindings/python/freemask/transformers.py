# freemask/transformers.py - SegFormer, Mask2Former and their kin in Hugging Face's transformers.
# SPDX-License-Identifier: MIT
"""`true_ignore` makes Mask2Former, MaskFormer and EoMT ignore what is to be ignored, `Collator` makes batches of
images and filtered masks, `loss_map` turns outputs into losses. Imported by name: `import freemask.transformers`."""
from __future__ import annotations

import importlib
from typing import Any, Optional, Sequence, Union

import torch
from scipy.optimize import linear_sum_assignment
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, interpolate

from . import _interface as c
from . import _valid as valid_losses
from ._library import ArgumentError, UnsupportedError, is_whole
from .labels import Labels, as_labels
from .network import NetworkLoss

__all__ = ["Collator", "loss_map", "true_ignore"]
_FOCAL_ALPHA, _FOCAL_GAMMA = 0.25, 2.0  # MaskFormer's


# ---- Losses that ignore ------------------------------------------------------------------------------
def _assigned(costs: Any) -> tuple[Any, Any]:
    worst = torch.finfo(costs.dtype).max
    rows, columns = linear_sum_assignment(torch.nan_to_num(costs, nan=worst, posinf=worst, neginf=worst).cpu())
    return torch.as_tensor(rows, dtype=torch.int64), torch.as_tensor(columns, dtype=torch.int64)


class _Matcher:
    """Costs over valid pixels; `_costs` has what differs."""

    cost_class: float
    cost_mask: float
    cost_dice: float

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def forward(self, masks_queries_logits: Any, class_queries_logits: Any, mask_labels: Any, class_labels: Any) -> list[Any]:
        pairs = []
        with torch.autocast(masks_queries_logits.device.type, enabled=False):  # half a precision is too little for costs
            for logits, classes, masks, labels in zip(masks_queries_logits, class_queries_logits, mask_labels, class_labels):
                mask_cost, dice_cost = self._costs(logits.float(), masks)
                class_cost = -classes.float().softmax(-1)[:, labels]
                pairs.append(_assigned(self.cost_mask * mask_cost + self.cost_class * class_cost + self.cost_dice * dice_cost))
        return pairs

    def _costs(self, logits: Any, masks: Any) -> tuple[Any, Any]:
        raise NotImplementedError


class _PointMatcher(_Matcher):
    num_points: int

    def _costs(self, logits: Any, masks: Any) -> tuple[Any, Any]:
        points = torch.rand(1, self.num_points, 2, device=logits.device)
        if not len(masks):
            return logits.new_zeros(len(logits), 0), logits.new_zeros(len(logits), 0)
        valid = valid_losses.labelled(masks)[None]
        points = valid_losses.moved(points, valid)
        labels, weight = valid_losses.labels_at_points(masks, valid.expand(len(masks), -1, -1), points.repeat(len(masks), 1, 1))
        values = valid_losses.at_points(logits, points.repeat(len(logits), 1, 1))
        return (valid_losses.pair_cross_entropy(values, labels, weight[0]), valid_losses.pair_dice(values.sigmoid(), labels, weight[0]))


class _DenseMatcher(_Matcher):
    def _costs(self, logits: Any, masks: Any) -> tuple[Any, Any]:
        masks = interpolate(masks[:, None].to(logits.dtype), size=logits.shape[-2:], mode="nearest")[:, 0]
        weight = valid_losses.labelled(masks).flatten().to(logits.dtype)
        values, labels = logits.flatten(1), masks.flatten(1)
        probs = values.sigmoid()
        positive = ((1 - probs) ** _FOCAL_GAMMA) * binary_cross_entropy_with_logits(values, torch.ones_like(values), reduction="none")
        negative = (probs ** _FOCAL_GAMMA) * binary_cross_entropy_with_logits(values, torch.zeros_like(values), reduction="none")
        focal = valid_losses.pair_mean(positive * _FOCAL_ALPHA, negative * (1 - _FOCAL_ALPHA), labels, weight)
        return focal, valid_losses.pair_dice(probs, labels, weight)


class _Loss:
    """The criterion's own code but for the masks, and for images that have no label at all."""

    num_labels: int
    empty_weight: Any

    def loss_labels(self, class_queries_logits: Any, class_labels: Any, indices: Any) -> dict[str, Any]:
        if all(len(labels) for labels in class_labels):
            return super().loss_labels(class_queries_logits, class_labels, indices)  # type: ignore[misc, no-any-return]
        known = [i for i, labels in enumerate(class_labels) if len(labels)]
        if not known:
            return {"loss_cross_entropy": class_queries_logits.sum() * 0.0}
        # Where nothing is labelled, "no object" is not what is there either.
        target = torch.full(class_queries_logits.shape[:2], self.num_labels, dtype=torch.int64, device=class_queries_logits.device)
        for i in known:
            rows, columns = indices[i]
            target[i, rows] = class_labels[i][columns]
        logits = class_queries_logits[known].transpose(1, 2)
        return {"loss_cross_entropy": cross_entropy(logits, target[known], self.empty_weight)}

    def loss_masks(self, masks_queries_logits: Any, mask_labels: Any, indices: Any, num_masks: Any) -> dict[str, Any]:
        if not sum(len(rows) for rows, _ in indices):
            return {"loss_mask": masks_queries_logits.sum() * 0.0, "loss_dice": masks_queries_logits.sum() * 0.0}
        image = torch.cat([torch.full_like(rows, i) for i, (rows, _) in enumerate(indices)])
        logits = masks_queries_logits[image, torch.cat([rows for rows, _ in indices])].float()
        padded, _ = self._pad_images_to_max_in_batch(mask_labels)  # type: ignore[attr-defined]
        masks = padded[image, torch.cat([columns for _, columns in indices])]
        valid = torch.stack([valid_losses.labelled(one) for one in padded])[image]
        values, labels, weight, mask_loss = self._parts(valid_losses.without_gradient(logits, valid), masks, valid)
        return {"loss_mask": valid_losses.mean_of(mask_loss, weight).sum() / num_masks,
                "loss_dice": valid_losses.dice(values.sigmoid(), labels, weight).sum() / num_masks}

    def _parts(self, logits: Any, masks: Any, valid: Any) -> tuple[Any, Any, Any, Any]:
        """(logits, labels, v, the loss of each), all [R, P]."""
        raise NotImplementedError


class _PointLoss(_Loss):
    num_points: int
    oversample_ratio: float
    importance_sample_ratio: float

    def _parts(self, logits: Any, masks: Any, valid: Any) -> tuple[Any, Any, Any, Any]:
        with torch.no_grad():
            points = valid_losses.uncertain_points(logits, valid, self.num_points, self.oversample_ratio, self.importance_sample_ratio)
            labels, weight = valid_losses.labels_at_points(masks, valid, points)
        values = valid_losses.at_points(logits, points)
        return values, labels, weight, binary_cross_entropy_with_logits(values, labels, reduction="none")


class _DenseLoss(_Loss):
    def _parts(self, logits: Any, masks: Any, valid: Any) -> tuple[Any, Any, Any, Any]:
        values = interpolate(logits[:, None], size=masks.shape[-2:], mode="bilinear", align_corners=False)[:, 0].flatten(1)
        labels, weight = masks.flatten(1).to(values.dtype), valid.flatten(1).to(values.dtype)
        probs = values.sigmoid()
        right = probs * labels + (1 - probs) * (1 - labels)
        loss = binary_cross_entropy_with_logits(values, labels, reduction="none") * (1 - right) ** _FOCAL_GAMMA
        return values, labels, weight, (_FOCAL_ALPHA * labels + (1 - _FOCAL_ALPHA) * (1 - labels)) * loss


# The class of each criterion and matcher that `true_ignore` takes, with what replaces it.
_REPLACED: dict[type, type] = {}


def _derive(family: str, name: str, loss: type, matcher: type) -> None:
    """Classes at module level, so that models with them pickle."""
    try:
        module = importlib.import_module(f"transformers.models.{family}.modeling_{family}")
    except ImportError:  # this release of transformers does not have it
        return
    for ours, original in ((loss, f"{name}Loss"), (matcher, f"{name}HungarianMatcher")):
        base = getattr(module, original)
        derived = type(f"TrueIgnore{original}", (ours, base), {"__module__": __name__, "__doc__": f"{original} over valid pixels."})
        globals()[derived.__name__] = _REPLACED[base] = derived


def _replacement(kind: type) -> Optional[type]:
    """What replaces a class: of a subclass, such as lightly-train's, one whose super() is ours."""
    if kind not in _REPLACED:
        base = next((one for one in kind.__mro__ if one in _REPLACED), None)
        if base is None:
            return None
        _REPLACED[kind] = type(f"TrueIgnore{kind.__name__}", (kind, _REPLACED[base]), {"__module__": __name__})
    return _REPLACED[kind]


for _family, _name in (("mask2former", "Mask2Former"), ("eomt", "Eomt"), ("eomt_dinov3", "EomtDinov3")):
    _derive(_family, _name, _PointLoss, _PointMatcher)
_derive("maskformer", "MaskFormer", _DenseLoss, _DenseMatcher)


def true_ignore(model: Any) -> Any:
    """Makes a model of mask classification ignore the pixels that are in none of an image's masks: those with the
    ignore label, which a filter has written, and padding. Returns the model, which is changed; its parameters,
    outputs and checkpoints are not.

    Without this, Mask2Former, MaskFormer and EoMT train such pixels as background of every mask, those of their
    own class included. It is for semantic masks, in which every labelled pixel belongs to a class; of instances,
    whose background belongs to none, it would ignore the background.

    Binary cross-entropy is sum(v b) / sum(v), Dice has v in every sum, points are drawn where v is 1, costs of the
    matcher likewise; no gradient reaches an element of the mask logits that covers ignored pixels alone; an
    image without a label teaches nothing. Where every pixel has a label, losses and gradients stay those of transformers.

    Args:
        model: of Mask2Former, MaskFormer, EoMT or EoMT-DINOv3; or any module that contains one, or its criterion. Classes
            derived from these criteria count where they call `super().loss_masks`, as lightly-train's EoMT does.

    Raises UnsupportedError for a model that has none of these.
    """
    found = False
    for module in model.modules():
        if isinstance(module, (_Loss, _Matcher)):
            found = True
        elif (replacement := _replacement(type(module))) is not None:
            module.__class__ = replacement
            found = True
    if not found:
        raise UnsupportedError(f"{type(model).__name__} has no loss of mask classification: expected a Mask2Former, MaskFormer or EoMT "
                               "of transformers; networks that classify pixels ignore their ignore_index as they are", c.FM_ERR_UNSUPPORTED)
    return model


# ---- Batches and outputs -----------------------------------------------------------------------------
class Collator:
    """Makes a batch of (image, mask) pairs: `collate_fn` of a DataLoader, `data_collator` of a Trainer.

    Args:
        labels: a Labels or a preset's name: what the masks' values mean; or the number of classes, if the masks have
            classes and 255. Ignored labels become `ignore_index`, or belong to no mask.
        kind: "semantic": `pixel_values` and `labels` [N, H, W], for SegFormer and others that classify pixels; "masks":
            `pixel_values`, `mask_labels` and `class_labels`, for Mask2Former, MaskFormer and EoMT.
        image, mask: where a sample has them: indices, or keys of a dictionary.
        ignore_index: the model's, of "semantic": `config.semantic_loss_ignore_index`.
    """

    def __init__(self, labels: Union[Labels, str, int], kind: str = "semantic", image: Union[int, str] = 0, mask: Union[int, str] = 1,
                 ignore_index: int = 255) -> None:
        if kind not in ("semantic", "masks"):
            raise ArgumentError(f"kind is {kind!r}, expected 'semantic' or 'masks'")
        self.labels = Labels.from_classes(labels) if is_whole(labels) else as_labels(labels)  # type: ignore[arg-type]
        self.kind, self.image, self.mask, self.ignore_index = kind, image, mask, ignore_index

    def __call__(self, samples: Sequence[Any]) -> dict[str, Any]:
        images = torch.stack([torch.as_tensor(sample[self.image]) for sample in samples])
        classes = [self.labels.to_classes(_tensor(sample[self.mask]), -1, "int64") for sample in samples]
        if self.kind == "semantic":
            return {"pixel_values": images, "labels": torch.stack([one.masked_fill(one < 0, self.ignore_index) for one in classes])}
        present = [one[one >= 0].unique() for one in classes]
        masks = [(one == present[i][:, None, None]).float() for i, one in enumerate(classes)]
        return {"pixel_values": images, "mask_labels": masks, "class_labels": present}


def _tensor(mask: Any) -> Any:
    """A mask [H, W] as a tensor; a Pillow image as well."""
    if not isinstance(mask, torch.Tensor):
        import numpy
        mask = torch.from_numpy(numpy.array(mask))
    return mask.reshape(mask.shape[-2:])


def loss_map(outputs: Any, masks: Any, labels: Union[Labels, str, None] = None) -> Any:
    """Loss maps [N, H, W] of a model's outputs against masks [N, H, W], in nats, float32.

    Args:
        outputs: what a model of transformers returned, on the CPU: `logits` of SegFormer and others that classify
            pixels, or `class_queries_logits` and `masks_queries_logits` of Mask2Former, MaskFormer and EoMT.
        masks: labels.
        labels: what their values mean; None: they are the classes, 255, -1 and -100 are ignored.
    """
    queries = getattr(outputs, "class_queries_logits", None)
    values: Any = outputs.logits if queries is None else (queries, outputs.masks_queries_logits)
    if labels is None:
        classes = int(values.shape[1] if queries is None else queries.shape[-1] - 1)
        labels = Labels.from_classes(classes, [255, -1, -100] if classes <= 255 else [65535, -1, -100])
    return NetworkLoss(labels, "logits" if queries is None else "queries").loss_map(values, masks)
