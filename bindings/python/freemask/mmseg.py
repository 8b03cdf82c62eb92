# freemask/mmseg.py - MMSegmentation's Mask2Former and MaskFormer ignore what is to be ignored.
# SPDX-License-Identifier: MIT
"""`true_ignore` makes the Mask2Former and MaskFormer heads of MMSegmentation 1.x ignore filtered pixels. Imported by name:
`import freemask.mmseg`, or `custom_imports = dict(imports=["freemask.mmseg"])` in a configuration, whose head then has
the type "TrueIgnoreMask2FormerHead" or "TrueIgnoreMaskFormerHead"."""
from __future__ import annotations

from typing import Any

import torch
from mmdet.models.losses import CrossEntropyLoss, DiceLoss, FocalLoss
from mmdet.models.losses.utils import weight_reduce_loss
from mmdet.models.task_modules.assigners import CrossEntropyLossCost, DiceCost, FocalLossCost
from mmdet.utils import reduce_mean
from mmengine.structures import InstanceData
from mmseg.models.decode_heads import Mask2FormerHead, MaskFormerHead
from mmseg.registry import MODELS
from torch.nn.functional import interpolate

from . import _interface as c
from . import _valid as valid_losses
from ._library import UnsupportedError

__all__ = ["TrueIgnoreMask2FormerHead", "TrueIgnoreMaskFormerHead", "true_ignore"]


# ---- Costs of the assigner over v, which comes as a field of the labels -------------------------------
class _Cost:
    def __call__(self, pred_instances: Any, gt_instances: Any, img_meta: Any = None, **kwargs: Any) -> Any:
        if "valid" not in gt_instances:
            return super().__call__(pred_instances, gt_instances, img_meta, **kwargs)  # type: ignore[misc]
        masks = gt_instances.masks.flatten(1).float()
        return self._costs(pred_instances.masks.flatten(1).float(), masks, gt_instances.valid[0].flatten()) * self.weight  # type: ignore[attr-defined]

    def _costs(self, values: Any, masks: Any, weight: Any) -> Any:
        raise NotImplementedError


class _CrossEntropyCost(_Cost, CrossEntropyLossCost):  # type: ignore[misc]
    def _costs(self, values: Any, masks: Any, weight: Any) -> Any:
        return valid_losses.pair_cross_entropy(values, masks, weight)


class _DiceCost(_Cost, DiceCost):  # type: ignore[misc]
    def _costs(self, values: Any, masks: Any, weight: Any) -> Any:
        return valid_losses.pair_dice(values.sigmoid() if self.pred_act else values, masks, weight, self.eps)


class _FocalCost(_Cost, FocalLossCost):  # type: ignore[misc]
    def _costs(self, values: Any, masks: Any, weight: Any) -> Any:
        probs = values.sigmoid()
        positive = -(probs + self.eps).log() * self.alpha * (1 - probs).pow(self.gamma)
        negative = -(1 - probs + self.eps).log() * (1 - self.alpha) * probs.pow(self.gamma)
        return valid_losses.pair_mean(positive, negative, masks, weight)


_COSTS = {CrossEntropyLossCost: _CrossEntropyCost, DiceCost: _DiceCost, FocalLossCost: _FocalCost}


# ---- Heads -------------------------------------------------------------------------------------------
class _Head:
    """Targets and losses of one decoder layer; `_targets` and `_mask_losses` have what differs."""

    assigner: Any
    sampler: Any
    loss_cls: Any
    loss_mask: Any
    loss_dice: Any
    class_weight: Any
    num_queries: int
    num_classes: int

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._ignore()

    def _ignore(self) -> None:
        """Refuses losses and costs that it does not know, before anything is changed."""
        if type(self.loss_dice) is not DiceLoss or not self.loss_dice.naive_dice or not self.loss_dice.activate:
            raise _unknown(self.loss_dice, "mmdet.DiceLoss with naive_dice and activate")
        if type(self.loss_mask) not in (CrossEntropyLoss, FocalLoss) or not self.loss_mask.use_sigmoid:
            raise _unknown(self.loss_mask, "mmdet.CrossEntropyLoss or mmdet.FocalLoss with use_sigmoid")
        assigner = getattr(self, "assigner", None)  # there is none without train_cfg
        for cost in getattr(assigner, "match_costs", ()):
            if type(cost) is DiceCost and not cost.naive_dice:
                raise _unknown(cost, "mmdet.DiceCost with naive_dice")
        for cost in getattr(assigner, "match_costs", ()):
            if type(cost) in _COSTS and getattr(cost, "binary_input", True):
                cost.__class__ = _COSTS[type(cost)]

    def _get_targets_single(self, cls_score: Any, mask_pred: Any, gt_instances: Any, img_meta: Any) -> tuple[Any, ...]:
        labels, masks = gt_instances.labels, gt_instances.masks
        values, targets, weight = self._sampled(mask_pred, masks)
        assigned = self.assigner.assign(pred_instances=InstanceData(scores=cls_score, masks=values), img_meta=img_meta,
                                        gt_instances=InstanceData(labels=labels, masks=targets,
                                                                  valid=weight.expand(len(masks), *weight.shape[1:])))
        sampled = self.sampler.sample(assign_result=assigned, pred_instances=InstanceData(scores=cls_score, masks=mask_pred),
                                      gt_instances=gt_instances)
        chosen = labels.new_full((self.num_queries,), self.num_classes, dtype=torch.long)
        chosen[sampled.pos_inds] = labels[sampled.pos_assigned_gt_inds]
        # Where nothing is labelled, "no object" is not what is there either.
        label_weights = mask_pred.new_full((self.num_queries,), float(len(labels) > 0))
        mask_weights = mask_pred.new_zeros((self.num_queries,))
        mask_weights[sampled.pos_inds] = 1.0
        return chosen, label_weights, masks[sampled.pos_assigned_gt_inds], mask_weights, sampled.pos_inds, sampled.neg_inds, sampled

    def _loss_by_feat_single(self, cls_scores: Any, mask_preds: Any, batch_gt_instances: Any, batch_img_metas: Any) -> tuple[Any, Any, Any]:
        found = self.get_targets(list(cls_scores), list(mask_preds), batch_gt_instances, batch_img_metas)  # type: ignore[attr-defined]
        labels, label_weights, mask_weights = (torch.stack(found[i]) for i in (0, 1, 3))
        flat, flat_weights = labels.flatten(), label_weights.flatten()
        class_weight = cls_scores.new_tensor(self.class_weight)
        loss_cls = self.loss_cls(cls_scores.flatten(0, 1), flat, flat_weights, avg_factor=(class_weight[flat] * flat_weights).sum())
        count = max(reduce_mean(cls_scores.new_tensor([found[4]])), 1)
        logits, masks = mask_preds[mask_weights > 0], torch.cat(found[2])
        if not len(masks):
            return loss_cls, mask_preds.sum() * 0.0, mask_preds.sum() * 0.0
        valid = torch.cat([valid_losses.labelled(one.masks).expand(len(kept), -1, -1)
                           for one, kept in zip(batch_gt_instances, found[2])])
        loss_mask, loss_dice = self._mask_losses(valid_losses.without_gradient(logits, valid), masks, valid, count)
        return loss_cls, loss_mask, loss_dice

    def _dice(self, values: Any, labels: Any, weight: Any, count: Any) -> Any:
        loss = valid_losses.dice(values.sigmoid(), labels, weight, self.loss_dice.eps)
        return self.loss_dice.loss_weight * weight_reduce_loss(loss, None, self.loss_dice.reduction, count)

    def _sampled(self, logits: Any, masks: Any) -> tuple[Any, Any, Any]:
        """(logits [Q, ...], labels [N, ...], v [1, ...]) for the assigner."""
        raise NotImplementedError

    def _mask_losses(self, logits: Any, masks: Any, valid: Any, count: Any) -> tuple[Any, Any]:
        raise NotImplementedError


def _unknown(loss: Any, expected: str) -> UnsupportedError:
    return UnsupportedError(f"true_ignore does not know {type(loss).__name__} as this head has it: expected {expected}", c.FM_ERR_UNSUPPORTED)


def _relative(weight: Any) -> Any:
    """Weights whose mean in each row is 1, so that a mean over all points is one over v."""
    return weight / weight.mean(1, keepdim=True).clamp(min=1e-12)


@MODELS.register_module()  # type: ignore[untyped-decorator]
class TrueIgnoreMask2FormerHead(_Head, Mask2FormerHead):  # type: ignore[misc]
    """Mask2FormerHead over the pixels that have a label; its arguments are those of Mask2FormerHead."""

    def _sampled(self, logits: Any, masks: Any) -> tuple[Any, Any, Any]:
        points = torch.rand((1, self.num_points, 2), device=logits.device)
        if not len(masks):
            return logits.flatten(1)[:, :1], masks.new_zeros(0, 1), logits.new_zeros(1, 1)
        valid = valid_losses.labelled(masks)[None]
        points = valid_losses.moved(points, valid)
        labels, weight = valid_losses.labels_at_points(masks, valid.expand(len(masks), -1, -1), points.expand(len(masks), -1, -1))
        return valid_losses.at_points(logits, points.expand(len(logits), -1, -1)), labels, weight[:1]

    def _mask_losses(self, logits: Any, masks: Any, valid: Any, count: Any) -> tuple[Any, Any]:
        with torch.no_grad():
            points = valid_losses.uncertain_points(logits, valid, self.num_points, self.oversample_ratio, self.importance_sample_ratio)
            labels, weight = valid_losses.labels_at_points(masks, valid, points)
        values = valid_losses.at_points(logits, points)
        # The library's own modules: cross-entropy with a weight for each point. `label` is no integer here.
        loss_mask = self.loss_mask(values.reshape(-1), labels.reshape(-1), _relative(weight).reshape(-1), avg_factor=count * self.num_points)
        return loss_mask, self._dice(values, labels, weight, count)


@MODELS.register_module()  # type: ignore[untyped-decorator]
class TrueIgnoreMaskFormerHead(_Head, MaskFormerHead):  # type: ignore[misc]
    """MaskFormerHead over the pixels that have a label; its arguments are those of MaskFormerHead."""

    def _sampled(self, logits: Any, masks: Any) -> tuple[Any, Any, Any]:
        if len(masks):
            masks = interpolate(masks[:, None].float(), logits.shape[-2:], mode="nearest")[:, 0].long()
        return logits, masks, valid_losses.labelled(masks)[None].to(logits.dtype)

    def _mask_losses(self, logits: Any, masks: Any, valid: Any, count: Any) -> tuple[Any, Any]:
        height, width = masks.shape[-2:]
        values = interpolate(logits[:, None], (height, width), mode="bilinear", align_corners=False)[:, 0]
        weight = valid.flatten(1).to(values.dtype)
        # As in MMDetection: of one class, whose number is 0.
        loss_mask = self.loss_mask(values.reshape(-1, 1), 1 - masks.reshape(-1), _relative(weight).reshape(-1), avg_factor=count * height * width)
        return loss_mask, self._dice(values.flatten(1), masks.flatten(1).float(), weight, count)


def true_ignore(model: Any) -> Any:
    """Makes a model of MMSegmentation with a Mask2Former or MaskFormer head ignore the pixels whose label is the head's
    `ignore_index`, as a filter has written them, and padding. Returns the model, which is changed; its parameters,
    outputs and checkpoints are not.

    The rules are those of `freemask.transformers.true_ignore`: every sum of the mask losses and of the assigner's costs has
    v as its weight, points are drawn where v is 1, no gradient reaches an element of the mask logits that covers
    ignored pixels alone, and an image without a label teaches nothing. Where every pixel has a label, losses stay
    MMSegmentation's.

    Args:
        model: a segmentor, or any module that contains the head. In a configuration, the head's type says the same.

    Raises UnsupportedError for a model without such a head, and for heads with other losses than those they come with.
    """
    found = False
    for module in model.modules():
        if isinstance(module, _Head):
            found = True
        elif type(module) in (Mask2FormerHead, MaskFormerHead):
            kind = TrueIgnoreMask2FormerHead if type(module) is Mask2FormerHead else TrueIgnoreMaskFormerHead
            kind._ignore(module)  # type: ignore[arg-type]
            module.__class__ = kind
            found = True
    if not found:
        raise UnsupportedError(f"{type(model).__name__} has no Mask2FormerHead or MaskFormerHead of MMSegmentation: heads that classify "
                               "pixels ignore their ignore_index as they are", c.FM_ERR_UNSUPPORTED)
    return model
