# freemask/filter.py - which synthetic pixels not to trust.
# SPDX-License-Identifier: MIT
from __future__ import annotations

import ctypes
import threading
from ctypes import byref
from dataclasses import dataclass
from typing import Any, Optional, Union

from . import _cuda
from . import _interface as c
from ._arrays import dimensions, dtype_of, new, numbers, shape_of
from ._library import ArgumentError, Handle, call, chosen, expect, lib, make, raise_error
from ._short import at, fill, frames, taken_frame, target
from ._threads import each_image
from .calibration import Calibration, _promise
from .stats import ClassStats, device_planes, extra_planes

_apply = lib.lean("fm_filter_apply")
_UNSEEN = {"drop": c.FM_UNSEEN_DROP, "keep": c.FM_UNSEEN_KEEP, "global-mean": c.FM_UNSEEN_GLOBAL_MEAN}
_WEIGHTS = {"step": c.FM_WEIGHT_STEP, "ramp": c.FM_WEIGHT_RAMP, "power": c.FM_WEIGHT_POWER}
_WITHOUT = {"refuse": c.FM_REFERENCE_REQUIRED, "strata": c.FM_REFERENCE_OPTIONAL}
_POLICIES = {name[len("FM_FILTER_"):].lower(): value for name, value in vars(c).items()
             if name.startswith("FM_FILTER_") and isinstance(value, int)}


@dataclass(frozen=True)
class FilterReport:
    """What a call of NoiseFilter did to a mask (of a batch: to all of them)."""

    valid: int  #: pixels that had a class
    dropped: int  #: the dropped ones among them
    class_valid: Any  #: `valid` by class, int64
    class_dropped: Any  #: `dropped` by class, int64

    @property
    def kept_share(self) -> float:
        """Kept pixels over valid ones; 1 where none is valid."""
        return 1.0 - self.dropped / self.valid if self.valid else 1.0

    def __add__(self, other: FilterReport) -> FilterReport:
        return FilterReport(self.valid + other.valid, self.dropped + other.dropped, _sum(self.class_valid, other.class_valid),
                            _sum(self.class_dropped, other.class_dropped))


def _sum(a: Any, b: Any) -> Any:
    return a + b if hasattr(a, "dtype") else type(a)(*(x + y for x, y in zip(a, b)))


#: The paper's, and the default; policies that have none are made with it.
PAPERS_TOLERANCE = 1.25


def filter_options(tolerance: float, policy: str, unseen: str, min_kept_share: float, real_share: float, without_reference: str) -> Any:
    """What a NoiseFilter is made with. Raises ArgumentError for what does not go together."""
    options = make(c.fm_filter_options, policy=chosen(_POLICIES, policy, "policy"), unseen=chosen(_UNSEEN, unseen, "unseen"),
                   min_kept_share=min_kept_share, without_reference=_without(policy, without_reference))
    if not 0 < tolerance < float("inf"):  # 0 would mean the default
        raise ArgumentError(f"tolerance is {tolerance}, expected a number above 0")
    if policy == "paper":
        if real_share:
            raise ArgumentError(f"real_share is {real_share}, but the policy 'paper' has a tolerance in its place")
        options.tolerance = tolerance
    else:
        if tolerance != PAPERS_TOLERANCE:
            raise ArgumentError(f"tolerance is {tolerance}, but the policy '{policy}' has a real_share in its place")
        options.real_share = real_share
    return options


def _without(policy: str, without_reference: str) -> Any:
    """`without_reference`, which "paired" alone has."""
    found = chosen(_WITHOUT, without_reference, "without_reference")
    if policy != "paired" and without_reference != "refuse":
        raise ArgumentError(f"without_reference is '{without_reference}', but the policy '{policy}' has no references")
    return found if policy == "paired" else 0


class NoiseFilter(Handle):
    """The class-aware noise filter of FreeMask: a synthetic pixel of class k is dropped if its loss is above
    `tolerance` times the mean loss of class k on real images.

    Args:
        stats: of the real set; copied.
        tolerance: the paper's 1.25.
        policy: "paper": the loss against `tolerance` times the mean of its class; "quantile": against what a share
            of the class's real pixels exceeds; "strata" and "paired": how odd the pixel and its neighbourhood
            are among real ones, "paired" with the losses of the real image of the same mask. See
            doc/policies.md; `stats` have to be of the policy's score.
        real_share: of all but "paper": the share of real pixels above the threshold; 0: 0.05, to find wrong pixels
            (0.3 to train on what is left).
        unseen: what happens to a class without a real pixel: "drop" (the paper), "keep", "global-mean".
        min_kept_share: in each image at least this share of each class is kept; 0: no floor.
        without_reference: of "paired": "refuse" images without one, or judge them as "strata" does.

    Immutable: any number of threads may use it at once. It pickles, for loaders' workers.
    """

    _destroy = "fm_filter_destroy"

    def __init__(self, stats: ClassStats, tolerance: float = PAPERS_TOLERANCE, policy: str = "paper", unseen: str = "drop",
                 min_kept_share: float = 0.0, real_share: float = 0.0, without_reference: str = "refuse") -> None:
        options = filter_options(tolerance, policy, unseen, min_kept_share, real_share, without_reference)
        expect(stats, ClassStats, "stats")
        self.labels, self.strata = stats.labels, stats.strata
        self._made_with: tuple[Any, ...] = (stats.to_bytes(), tolerance, policy, unseen, min_kept_share, real_share, without_reference)
        self._last, self._twins = threading.local(), _cuda.Twins("filter")
        self._create(lib.fm_filter_create, stats._pointer, byref(options))

    @classmethod
    def calibrated(cls, calibration: Calibration, lose: float = 0.05, confidence: float = 0.0, policy: str = "",
                   min_kept_share: float = 0.0, without_reference: str = "refuse") -> NoiseFilter:
        """A filter with the thresholds of a calibration on held-out real images: an image like these loses on average at
        most a share `lose` of its pixels of a class, or with `confidence`. Classes with too few images keep everything.

        Args:
            policy: "": the loss, or "strata" if the calibration is of that score; "paired" takes one, too.
        """
        expect(calibration, Calibration, "calibration")
        ranked = lib.fm_class_stats_ranks(lib.fm_calibration_stats(calibration._pointer)) is not None
        policy = policy or ("strata" if ranked else "quantile")
        options = make(c.fm_filter_options, policy=chosen(_POLICIES, policy, "policy"), min_kept_share=min_kept_share,
                       without_reference=_without(policy, without_reference))
        made = cls.__new__(cls)
        made.labels, made.strata, made._last = calibration.labels, 1, threading.local()
        made._twins = _cuda.Twins("filter")
        made._made_with = (calibration, lose, confidence, policy, min_kept_share, without_reference)
        made._create(lib.fm_filter_create_calibrated, calibration._pointer, byref(_promise(lose, confidence)), byref(options))
        return made

    def __reduce__(self) -> Any:
        if isinstance(self._made_with[0], Calibration):
            return _filter_calibrated, self._made_with
        return _filter_from, (self.labels, *self._made_with)

    @property
    def tolerance(self) -> float:
        """As it was given; NaN of a calibrated filter, and of policies that have none."""
        paper = not isinstance(self._made_with[0], Calibration) and self._made_with[2] == "paper"
        return float(self._made_with[1]) if paper else float("nan")

    @property
    def thresholds(self) -> Any:
        """The largest loss that is kept, float32: [K], or [K, strata] if there are several strata."""
        count = len(self.labels) * self.strata
        array, at = numbers(ctypes.c_float, count, "float32")
        call(lib.fm_filter_thresholds, self._pointer, at, count)
        return array.reshape(len(self.labels), self.strata) if self.strata > 1 and hasattr(array, "reshape") else array

    @property
    def report(self) -> Optional[FilterReport]:
        """What this thread's last `apply` or `weights` did, a copy; None before the first. Of arrays on a CUDA device
        this waits for the call, and raises LabelError or LossError if one of its images had a bad pixel."""
        last = self._last
        if getattr(last, "read", None) is not None:
            last.whole, last.read = last.read(), None
        whole = getattr(last, "whole", None)
        if whole is not None or not hasattr(last, "struct"):
            return whole
        classes = len(self.labels)
        valid, valid_at = numbers(ctypes.c_int64, classes, "int64")
        dropped, dropped_at = numbers(ctypes.c_int64, classes, "int64")
        ctypes.memmove(valid_at, last.valid, 8 * classes)
        ctypes.memmove(dropped_at, last.dropped, 8 * classes)
        return FilterReport(int(last.struct.valid), int(last.struct.dropped), valid, dropped)

    def _report_at(self) -> Any:
        """Where the library writes its report for this thread."""
        last = self._last
        try:
            return last.at
        except AttributeError:
            if not hasattr(last, "struct"):
                classes = len(self.labels)
                last.valid, last.dropped = (ctypes.c_int64 * classes)(), (ctypes.c_int64 * classes)()
                last.struct = make(c.fm_filter_report, class_valid=last.valid, class_dropped=last.dropped)
            last.whole = last.read = None
            last.at = byref(last.struct)
            return last.at

    def _reports(self, whole: Optional[FilterReport], read: Any = None) -> None:
        """The last call's report is `whole`, or what `read` will return; not what the library wrote for this thread."""
        last = self._last
        last.__dict__.pop("at", None)
        last.whole, last.read = whole, read

    def apply(self, mask: Any, loss: Any, strata: Any = None, out: Any = None, dtype: Any = None,
              reference: Any = None, siblings: Any = None) -> Any:
        """The mask with its noisy pixels set to the ignore label; `report` then says how many.

        Args:
            mask: labels [H, W]; or [N, H, W], which runs on threads.
            loss: of the same shape, nats; float16, bfloat16, float32 or float64.
            strata: uint8, of the same shape; required if the statistics have several.
            out: where to write: an array of the same shape, also the mask itself; None: a new one.
            dtype: of the new one, such as "int64" (or torch.int64, numpy.int64) for an ignore label of -1; None: the mask's.
            reference: of "paired": the loss map of the real image whose mask this is, or its `ClassStats.codes`.
            siblings: of "paired": loss maps of other synthetic images of this mask, beside the reference; they can
                lower what a place is expected to lose. In a batch: such a list for each mask.

        Raises LabelError, LossError, ShapeError, UnsupportedError, LimitError (the ignore label does not fit);
        then nothing has been written.

        Arrays on a CUDA device are filtered there, if libfreemask-cuda is found, on PyTorch's current stream; nothing
        waits. An image with a bad pixel is then ignored as a whole, and `report` raises what was bad.
        """
        if strata is None and reference is None and siblings is None and (dtype is None or out is not None):
            frame = taken_frame()
            memory, mask_at, loss_at, out_at, error, error_at = frame
            made = fill(memory, mask, loss, out)
            if made is not None:
                if _apply(self._pointer, mask_at, loss_at, None, out_at, self._report_at(), error_at):
                    raise_error(error)
                frames.append(frame)
                return made
            frames.append(frame)
        device = _cuda.device_of(mask)
        if device is not None:
            return self._on_device(device, mask, loss, strata, out, dtype or dtype_of(mask), reference, siblings)
        if dimensions(mask) > 2:
            return self._batch(self.apply, mask, loss, (strata, reference, siblings), out, dtype=dtype)
        out = new(mask, shape_of(mask), dtype or dtype_of(mask)) if out is None else out
        extra, keep = extra_planes(strata, reference, siblings)
        call(lib.fm_filter_apply, self._pointer, at(mask), at(loss), extra, target(out), self._report_at())
        del keep
        return out

    def weights(self, mask: Any, loss: Any, strata: Any = None, dropped: float = 0.0, dtype: Any = "float32",
                out: Any = None, reference: Any = None, siblings: Any = None, kind: str = "step", width: float = 0.0,
                gamma: float = 0.0) -> Any:
        """The weight of each pixel: 1 where it is kept, `dropped` where it is noisy, 0 where it is ignored. The mask
        is not changed.

        Args:
            kind: "step"; "ramp": from 1 at (1 - width) * threshold to `dropped` at (1 + width) * threshold; "power":
                (threshold / loss) ** gamma above the threshold, from 1 down to `dropped`. The latter need floats.
            width: of "ramp", up to 1; 0: 0.5.
            gamma: of "power", up to 64; 0: 1.
            dropped: 0 to 1; for uint8 weights 0 or 1.
            dtype: "uint8", "float16", "bfloat16", "float32" or "float64", of a new array.

        The rest is as for `apply`.
        """
        way = chosen(_WEIGHTS, kind, "kind")
        device = _cuda.device_of(mask)
        if device is not None:
            options = make(c.fm_weight_options, kind=way, dropped=dropped, width=width, gamma=gamma)
            return self._on_device(device, mask, loss, strata, out, dtype, reference, siblings, options)
        if dimensions(mask) > 2:
            return self._batch(self.weights, mask, loss, (strata, reference, siblings), out, dropped=dropped, dtype=dtype, kind=kind,
                               width=width, gamma=gamma)
        mask_at, loss_at = at(mask), at(loss)
        out = new(mask, shape_of(mask), dtype) if out is None else out
        none = strata is None and reference is None and siblings is None
        extra, keep = (None, None) if none else extra_planes(strata, reference, siblings)
        options = make(c.fm_weight_options, kind=way, dropped=dropped, width=width, gamma=gamma)
        call(lib.fm_filter_weigh, self._pointer, mask_at, loss_at, extra, byref(options), target(out), self._report_at())
        del keep
        return out

    def _on_device(self, device: Any, mask: Any, loss: Any, strata: Any, out: Any, dtype: Any, reference: Any, siblings: Any,
                   options: Any = None) -> Any:
        """`apply`, or with `options` `weights`, on a CUDA device."""
        twin, stream = self._twins.of(device, self._pointer), _cuda.Stream(device, mask)
        masks, losses = stream.images(mask, "mask"), stream.images(loss, "loss")
        planes = device_planes(stream, mask, masks.channels, strata, reference, siblings)
        out = _cuda.empty(mask, tuple(mask.shape), dtype) if out is None else out
        written = masks if out is mask else stream.images(out, "out")
        counts = _cuda.empty(mask, (masks.channels, len(self.labels), self.strata, 2), "int64")
        status = _cuda.new_status(mask, masks.channels)
        size = _cuda.workspace_size("filter", twin, masks)
        space = stream.memory(_cuda.empty(mask, (size,), "uint8")) if size else None
        end = (written, _cuda.pointer(stream.memory(counts), ctypes.c_int64), _cuda.pointer(stream.memory(status), c.fm_cuda_status),
               space, size)
        if options is None:
            stream.run("fm_cuda_filter_apply", twin, masks, losses, planes, *end)
        else:
            stream.run("fm_cuda_filter_weigh", twin, masks, losses, planes, options, *end)
        self._reports(None, lambda: self._report_of(counts, status))
        return out

    def _report_of(self, counts: Any, status: Any) -> FilterReport:
        """From what a call wrote on a device."""
        _cuda.check_statuses(_cuda.host_bytes(status), self.labels)
        classes = len(self.labels)
        image, data = (ctypes.c_int64 * (2 * self.strata)) * classes, _cuda.host_bytes(counts)
        (valid, _), (dropped, _) = numbers(ctypes.c_int64, classes, "int64"), numbers(ctypes.c_int64, classes, "int64")
        for first in range(0, len(data), ctypes.sizeof(image)):
            for k, found in enumerate(image.from_buffer_copy(data, first)):
                valid[k] += sum(found[::2])
                dropped[k] += sum(found[1::2])
        return FilterReport(int(sum(valid)), int(sum(dropped)), valid, dropped)

    def _batch(self, work: Any, masks: Any, losses: Any, given: tuple[Any, ...], out: Any, **more: Any) -> Any:
        reports: list[Any] = []  # in any order: reports are sums
        planes = {name: batch for name, batch in zip(("strata", "reference", "siblings"), given) if batch is not None}

        def one(mask: Any, loss: Any, *extra: Any) -> Any:
            made = work(mask, loss, **dict(zip(planes, extra)), **more)
            reports.append(self.report)
            return made

        made = each_image(one, masks, losses, *planes.values())
        if reports:
            whole = reports[0]
            for report in reports[1:]:
                whole += report
            self._reports(whole)
        if out is not None:
            out[...] = made
            return out
        return made

    def __repr__(self) -> str:
        made = self._made_with
        if isinstance(made[0], Calibration):
            how = f"lose {made[1]}"
        elif made[2] == "paper":
            how = f"tolerance {made[1]}"
        else:
            how = f"policy {made[2]}" + (f", real_share {made[5]}" if made[5] else "")
        return f"<freemask.NoiseFilter of {self.labels.name}, {how}>"


def _filter_from(labels: Any, blob: bytes, *options: Union[float, str]) -> NoiseFilter:
    return NoiseFilter(ClassStats.from_bytes(labels, blob), *options)  # type: ignore[arg-type]


def _filter_calibrated(*made_with: Any) -> NoiseFilter:
    return NoiseFilter.calibrated(*made_with)
