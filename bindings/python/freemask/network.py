# freemask/network.py - losses from what a segmentation network puts out.
# SPDX-License-Identifier: MIT
from __future__ import annotations

import ctypes
from ctypes import byref
from functools import lru_cache
from typing import Any, Optional, Sequence, Union

from . import _cuda
from . import _interface as c
from ._arrays import dimensions, new, plane, volume
from ._layouts import layout_of
from ._library import ArgumentError, Handle, ShapeError, call, chosen, integers, is_whole, lib, make
from ._short import target
from ._threads import each_image
from ._unseen import told
from .labels import Labels, as_labels

_KINDS = {"logits": c.FM_OUTPUT_LOGITS, "probs": c.FM_OUTPUT_PROBS, "scores": c.FM_OUTPUT_SCORES, "queries": c.FM_OUTPUT_SCORES}


class NetworkLoss(Handle):
    """Turns a network's outputs into loss maps of the mask's size, resized and reduced in one pass.

    Args:
        labels: a Labels, or the name of a preset.
        kind: "logits" (before the softmax), "probs" (after it), "scores" (Mask2Former's "sem_seg"), or "queries":
            pairs of class logits [Q, K + 1] and mask logits [Q, h, w].
        binary: one channel for two classes.
        align_corners: how outputs are resized, as in PyTorch.
        channels: the channel of each class, where there are more channels than classes; `channel_count` is their
            number.
        trust_kind: values that do not look like `kind` (logits that sum to 1, say) are taken all the same.

    Immutable: any number of threads may use it at once. It pickles, for loaders' workers.
    """

    _destroy = "fm_network_loss_destroy"

    def __init__(self, labels: Union[Labels, str], kind: str = "logits", binary: bool = False, align_corners: bool = False,
                 channels: Optional[Sequence[int]] = None, channel_count: int = 0, trust_kind: bool = False) -> None:
        options = make(c.fm_network_loss_options, kind=chosen(_KINDS, kind, "kind"), binary=binary, align_corners=align_corners,
                       channel_count=channel_count, trust_kind=trust_kind)
        self.labels, self.kind, self._twins = as_labels(labels), kind, _cuda.Twins("loss")
        if channels is not None:
            channels = tuple(channels)
            if len(channels) != len(self.labels):
                raise ArgumentError(f"channels has {len(channels)} numbers, expected one for each of {len(self.labels)} classes")
            options.channels = integers(ctypes.c_int32, channels, "channels")
        self._made_with = (self.labels, kind, binary, align_corners, channels, channel_count, trust_kind)
        self._create(lib.fm_network_loss_create, self.labels._pointer, byref(options))

    def __reduce__(self) -> Any:
        return NetworkLoss, self._made_with

    def __repr__(self) -> str:
        return f"<freemask.NetworkLoss of {self.kind}, {self.labels.name}>"

    def output(self, output: Any) -> tuple[Any, Any]:
        """(an fm_network_output, what keeps it alive)."""
        if self.kind == "queries":
            class_logits, mask_logits = _pair(output)
            values, keep = volume(mask_logits)
            classes = plane(class_logits)
            return make(c.fm_network_output, values=values, class_logits=classes.view), (keep, classes)
        values, keep = volume(output)
        return make(c.fm_network_output, values=values), keep

    def loss_map(self, output: Any, mask: Any, out: Any = None) -> Any:
        """The loss of each pixel of the mask, float32, nats; 0 where it is ignored.

        Args:
            output: [C, h, w] of any size, float32, float16 or bfloat16; with a mask [N, H, W] also a batch
                [N, C, h, w], which runs on threads. Of queries: (class logits, mask logits).
            mask: labels [H, W].
            out: a float32 array of the mask's shape to write to.

        Arrays on a CUDA device stay there, if libfreemask-cuda is found, and nothing waits: an image with a bad pixel has
        losses of 0, and `freemask.check()` raises what was bad.
        """
        device = _cuda.device_of(mask)
        if device is not None:
            return self._on_device(device, "fm_cuda_loss_map", "float32", output, mask, out)
        return self._map(lib.fm_network_loss_map, "float32", output, mask, out)

    def _on_device(self, device: Any, function: str, dtype: str, output: Any, mask: Any, out: Any) -> Any:
        twin, stream = self._twins.of(device, self._pointer), _cuda.Stream(device, mask)
        masks = stream.images(mask, "mask")
        if self.kind == "queries":
            class_logits, mask_logits = _pair(output)
            values = stream.queries(twin, class_logits, mask_logits, masks.channels)
        else:
            values = stream.output(output, masks.channels)
        out = _cuda.empty(mask, tuple(mask.shape), dtype) if out is None else out
        status = _cuda.new_status(mask, masks.channels)
        stream.run(function, twin, values, masks, stream.images(out, "out"), _cuda.pointer(stream.memory(status), c.fm_cuda_status))
        _cuda.loss_statuses.add(status, self.labels)
        return out

    def class_map(self, output: Any, mask: Any, out: Any = None) -> Any:
        """The class that each pixel of the mask most likely shows, int32; -1 where it is ignored.

        Args:
            output, mask: as for loss_map.
            out: an int32 array of the mask's shape to write to.

        On a CUDA device as loss_map; outputs of queries are the CPU's.
        """
        device = _cuda.device_of(mask)
        if device is not None:
            return self._on_device(device, "fm_cuda_class_map", "int32", output, mask, out)
        return self._map(lib.fm_network_class_map, "int32", output, mask, out)

    def _map(self, function: Any, dtype: str, output: Any, mask: Any, out: Any = None) -> Any:
        if dimensions(mask) > 2:
            return self._batch(function, dtype, output, mask, out)
        view = plane(mask)
        made, keep = self.output(output)
        out = new(mask, view.shape, dtype) if out is None else out
        call(function, self._pointer, byref(made), view.at, target(out))
        del keep
        return out

    def _batch(self, function: Any, dtype: str, output: Any, mask: Any, out: Any) -> Any:
        parts = _pair(output) if self.kind == "queries" else (output,)

        def image(*of: Any) -> Any:
            one = of[:len(parts)] if self.kind == "queries" else of[0]
            return self._map(function, dtype, one, *of[len(parts):])

        made = each_image(image, *parts, mask, *(() if out is None else (out,)))
        return made if out is None else out


def loss_map(output: Any, mask: Any, kind: str = "logits", labels: Union[Labels, str, None] = None, **options: Any) -> Any:
    """The loss map of a network's output against a mask: bilinear resize and cross-entropy in one pass.

    Args:
        output: [C, h, w], or a batch [N, C, h, w]; h and w need not be the mask's.
        mask: labels [H, W], or [N, H, W].
        kind: "logits", "probs", "scores" or "queries", see NetworkLoss, whose other options may follow.
        labels: what the mask's values mean; None: they are the classes, and 255, -1 and -100 are ignored.

    Returns float32, nats, of the mask's shape; a tensor for a tensor. On a CUDA device see NetworkLoss.loss_map.
    """
    if labels is None:
        labels = _plain_labels(_pair(output)[0] if kind == "queries" else output, kind, options.get("binary", False))
    if _cuda.device_of(mask) is not None:
        return _kept(labels, kind, tuple(sorted((name, _frozen(value)) for name, value in options.items()))).loss_map(output, mask)
    return NetworkLoss(labels, kind, **options).loss_map(output, mask)


def _frozen(value: Any) -> Any:
    return value if value is None or is_whole(value) else tuple(value)


@lru_cache(maxsize=16)
def _kept(labels: Union[Labels, str], kind: str, options: tuple[tuple[str, Any], ...]) -> NetworkLoss:
    """The one of a device's last calls: to make another would wait for the device."""
    return NetworkLoss(labels, kind, **dict(options))


@lru_cache(maxsize=16)
def _classes(count: int) -> Labels:
    return Labels.from_classes(count, [255, -1, -100] if count <= 255 else [65535, -1, -100])


def _pair(output: Any) -> tuple[Any, Any]:
    """The two parts of an output of queries."""
    if not isinstance(output, (tuple, list)) or len(output) != 2:
        raise ArgumentError("an output of queries is a pair: class logits [Q, K + 1] and mask logits [Q, h, w], or batches of both")
    return output[0], output[1]


def _plain_labels(values: Any, kind: str, binary: bool) -> Labels:
    shape = tuple(told(values, "shape") or layout_of(values).shape)
    if len(shape) < (2 if binary or kind == "queries" else 3):
        raise ShapeError(f"the output has shape {list(shape)}, expected {'[queries, classes + 1]' if kind == 'queries' else '[channels, height, width]'}",
                         c.FM_ERR_SHAPE)
    return _classes(2 if binary else int(shape[-1]) - 1 if kind == "queries" else int(shape[-3]))
