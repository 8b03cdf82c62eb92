# freemask/torch.py - data sets, samplers and statistics in PyTorch.
# SPDX-License-Identifier: MIT
"""`FilteredDataset` filters masks as they are read, `ScheduleSampler` and `DistributedScheduleSampler` train in the
order of a Schedule and can be saved in the middle of an epoch, `all_reduce` merges statistics of many processes.

The module is imported by name (`import freemask.torch`); `import freemask` alone does not load PyTorch.
"""
from __future__ import annotations

from ctypes import byref
from typing import Any, Callable, Iterable, Iterator, Optional, Union

import torch
import torch.distributed
from torch.utils.data import Dataset, DistributedSampler, Sampler

from . import _interface as c
from ._library import ArgumentError, MismatchError, ShapeError, call, lib, make
from .ignore_maps import IgnoreMaps, IgnoreMapWriter
from .plan import Plan
from .schedule import Schedule
from .stats import ClassStats

__all__ = ["DistributedScheduleSampler", "FilteredDataset", "IgnoreMapWriter", "IgnoreMaps", "ScheduleSampler", "all_reduce"]
_BLOCK = 1 << 14  # entries of a schedule that are computed in one call


# ---- Masks -------------------------------------------------------------------------------------------
class FilteredDataset(Dataset):  # type: ignore[misc]
    """A data set of synthetic images whose masks are filtered as they are read; their files stay as they are.

    Args:
        dataset: anything with len() and indices, whose samples are tuples, lists or dictionaries that have a mask: a
            tensor, a NumPy array or a Pillow image, of the size that it had when the maps were made. Resizing,
            cropping and flipping come after the filter: in `transform`.
        maps: IgnoreMaps, or the path of their file.
        tolerance: one of `maps.tolerances`. It may be changed at any time, between epochs or within one, and
            counts at once in all workers, persistent ones as well (whose prefetched samples stay as they are).
        ids: the maps' ids of the samples: a sequence, or a function of the index; None: the index as a string.
        mask: where a sample has its mask: an index or a key.
        transform: called with the sample.
        ignore: the value that is written; None: that of the label space. Data sets which map labels to classes
            themselves say theirs, such as -100.
    """

    def __init__(self, dataset: Any, maps: Union[IgnoreMaps, str], tolerance: float = 1.25,
                 ids: Union[Iterable[str], Callable[[int], str], None] = None, mask: Union[int, str] = 1,
                 transform: Optional[Callable[[Any], Any]] = None, ignore: Optional[int] = None) -> None:
        self.dataset, self.maps = dataset, maps if isinstance(maps, IgnoreMaps) else IgnoreMaps(maps)
        # A pandas.Series is asked for its values in their order, not by its index.
        self._ids: Callable[[int], str] = str if ids is None else ids if callable(ids) else list(ids).__getitem__
        self.mask, self.transform = mask, transform
        self.ignore = self.maps.ignore_label if ignore is None else ignore
        # Shared with the workers.
        self._bit = torch.zeros((), dtype=torch.uint8).share_memory_()
        self.tolerance = tolerance

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if not self._bit.is_shared():  # a copy for a worker is, one that was in a file is not
            self._bit.share_memory_()

    @property
    def tolerance(self) -> float:
        """Which filter counts; 0: none, the masks come as they are."""
        bit = int(self._bit)
        return self.maps.tolerances[bit.bit_length() - 1] if bit else 0.0

    @tolerance.setter
    def tolerance(self, tolerance: float) -> None:
        self._bit.fill_(self.maps.bit(tolerance) if tolerance else 0)

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Any:
        sample = self.dataset[index]
        bit = int(self._bit)
        if bit:
            id = self._ids(index)
            sample = _replaced(sample, self.mask, _without(sample[self.mask], self.maps.bits(id) & bit, self.ignore, id))
        return sample if self.transform is None else self.transform(sample)


def _replaced(sample: Any, which: Union[int, str], mask: Any) -> Any:
    """A copy of a sample with another mask."""
    if isinstance(sample, tuple):
        values = [*sample]
        values[which] = mask  # type: ignore[index]
        return type(sample)(*values) if hasattr(sample, "_fields") else tuple(values)
    sample = sample.copy()
    sample[which] = mask
    return sample


def _without(mask: Any, dropped: Any, ignore: int, id: str) -> Any:
    """A copy of a mask with `ignore` where `dropped` is not 0."""
    shape = tuple(mask.shape) if hasattr(mask, "shape") else (mask.height, mask.width)  # Pillow has a size
    if shape[-2:] != dropped.shape or any(size != 1 for size in shape[:-2]):
        raise ShapeError(f"the mask of '{id}' has shape {list(shape)}, its ignore map {list(dropped.shape)}: resizing and cropping come "
                         "after the filter, as transform=", c.FM_ERR_SHAPE)
    if isinstance(mask, torch.Tensor):
        mask = mask.clone()  # of an expanded tensor this has pixels of its own
        mask.masked_fill_(torch.from_numpy(dropped != 0).to(mask.device), ignore)
    elif hasattr(mask, "__array_interface__") and hasattr(mask, "putpixel"):
        from PIL import Image
        mask = mask.copy()
        mask.paste(ignore, mask=Image.fromarray((dropped != 0).astype("uint8") * 255))
    else:
        mask = mask.copy()
        mask[..., dropped != 0] = ignore
    return mask


# ---- Order -------------------------------------------------------------------------------------------
class _Entries:
    """An epoch of a schedule at a time, from a position that can be saved."""

    schedule: Schedule
    _position = 0  # of this rank, of the next sample
    _resumes = False  # the next iteration goes on from there; else it begins the epoch

    @property
    def epoch(self) -> int:
        """The epoch that the next sample is of."""
        return self.schedule[self._position].epoch

    @epoch.setter
    def epoch(self, epoch: int) -> None:
        self.set_epoch(epoch)

    def __len__(self) -> int:
        """Samples of this rank in the epoch."""
        return self.schedule.epoch_length(self.epoch)

    def __iter__(self) -> Iterator[int]:
        """Indices for ConcatDataset([real, synthetic]): what is left of the epoch after `load_state_dict` or `seek`, else
        a whole epoch. The next iteration is of the next epoch; one that was left early begins again."""
        epoch = self.epoch
        if not self._resumes:
            self._position = self.schedule.epoch_start(epoch)
        self._resumes = False
        end = self.schedule.epoch_start(epoch) + self.schedule.epoch_length(epoch)
        position = self._position
        while position < end:
            for number in self.schedule.numbers(position, min(_BLOCK, end - position)):
                position += 1
                self._position = position
                yield int(number)

    def set_epoch(self, epoch: int) -> None:
        """Goes to the beginning of an epoch, unless this is the one in the middle of which a state was loaded."""
        if not (self._resumes and self.epoch == epoch):
            self.seek(epoch)
            self._resumes = False

    def seek(self, epoch: int, samples: int = 0) -> None:
        """Goes on in an epoch after `samples` samples of this rank, in constant time: for loaders that read ahead
        and do not save states (batches done * batch size). After all of them the next epoch begins."""
        if not 0 <= samples <= self.schedule.epoch_length(epoch):
            raise ArgumentError(f"{samples} samples, expected 0 to {self.schedule.epoch_length(epoch)}, which epoch {epoch} has")
        self._position, self._resumes = self.schedule.epoch_start(epoch) + samples, True

    def state_dict(self) -> dict[str, Any]:
        """For a checkpoint; fits any rank, and any number of ranks. torchdata's StatefulDataLoader asks for it itself.
        PyTorch's own DataLoader reads ahead with its workers: see `seek`."""
        self.schedule.position = self._position
        return {"schedule": self.schedule.state_dict()["schedule"].hex()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes to a saved position. Raises MismatchError for another plan or other options."""
        self.schedule.load_state_dict({"schedule": bytes.fromhex(state["schedule"])})
        self._position, self._resumes = self.schedule.position, True


def _check_dataset(schedule: Schedule, dataset: Any) -> None:
    options = make(c.fm_schedule_options)
    call(lib.fm_schedule_get_options, schedule._pointer, byref(options))
    real, synthetic = options.real_count, options.synthetic_count
    if dataset is not None and len(dataset) != real + synthetic:
        raise MismatchError(f"the data set has {len(dataset)} images, the schedule {real} real and {synthetic} synthetic ones: expected "
                            "ConcatDataset([real, synthetic])", c.FM_ERR_MISMATCH)


class ScheduleSampler(_Entries, Sampler):  # type: ignore[misc]
    """The order of a Schedule as a sampler of one process, or as the global one that Accelerate distributes.

    Args:
        schedule: a Schedule; its rank's entries are sampled. It belongs to the sampler, which moves its position.
        dataset: ConcatDataset([real, synthetic]), to check its length; None: not checked.
    """

    def __init__(self, schedule: Schedule, dataset: Any = None) -> None:
        _check_dataset(schedule, dataset)
        self.schedule = schedule


class DistributedScheduleSampler(_Entries, DistributedSampler):  # type: ignore[misc]
    """A DistributedSampler whose order is that of a Schedule: each process gets its own entries of the same order.
    Lightning and others that know DistributedSampler leave it as it is.

    Args:
        dataset: ConcatDataset([real, synthetic]).
        plan: a Plan; None: `real` and `synthetic` say how many images there are.
        num_replicas, rank: None: those of torch.distributed.
        shuffle, seed: of the Schedule, as all `options`: mix, ratio, real, weights and so on.
        drop_last: False: an epoch is padded so that all ranks have as many samples; True: it is truncated.
    """

    def __init__(self, dataset: Any, plan: Optional[Plan] = None, num_replicas: Optional[int] = None, rank: Optional[int] = None,
                 shuffle: bool = True, seed: int = 0, drop_last: bool = False, **options: Any) -> None:
        if num_replicas is None or rank is None:
            if not torch.distributed.is_available() or not torch.distributed.is_initialized():
                raise RuntimeError("torch.distributed is not initialized: initialize it, or say num_replicas and rank")
            num_replicas = torch.distributed.get_world_size() if num_replicas is None else num_replicas
            rank = torch.distributed.get_rank() if rank is None else rank
        options.setdefault("tail", "truncate" if drop_last else "pad")
        self.schedule = Schedule(plan, seed=seed, shuffle=shuffle, rank=rank, world=num_replicas, **options)
        _check_dataset(self.schedule, dataset)
        # What code that knows a DistributedSampler looks at.
        self.dataset, self.num_replicas, self.rank = dataset, num_replicas, rank
        self.shuffle, self.seed, self.drop_last = shuffle, seed, drop_last

    @property
    def num_samples(self) -> int:
        return len(self)

    @property
    def total_size(self) -> int:
        return len(self) * self.num_replicas


# ---- Statistics --------------------------------------------------------------------------------------
def all_reduce(stats: ClassStats, group: Any = None) -> ClassStats:
    """Merges the statistics of all processes of a group into those of each; returns them. The result is that of
    one process that had added all images, to the bit, whatever the split and the backend.

    Without torch.distributed, or before it is initialized, there is one process: nothing happens. Every
    process of the group has to call it. Raises MismatchError, in all of them, if they have different label
    spaces, strata or histograms.
    """
    if not torch.distributed.is_available() or not torch.distributed.is_initialized():
        return stats
    # NCCL reduces what is on a GPU; int64 sums are exact there, too.
    on_gpu = "nccl" in str(torch.distributed.get_backend(group))
    device = torch.device("cuda", torch.cuda.current_device()) if on_gpu else torch.device("cpu")
    words = torch.tensor(memoryview(stats.state).tolist(), dtype=torch.int64)
    own = (stats.labels.fingerprint >> 2, stats.strata, stats.histogram, int(stats.ranked), len(words))
    # The largest of x and of -x tell whether all have the same x.
    bounds = torch.tensor([*own, *(-x for x in own)], dtype=torch.int64, device=device)
    torch.distributed.all_reduce(bounds, op=torch.distributed.ReduceOp.MAX, group=group)
    largest = bounds.tolist()
    if any(largest[i] != -largest[i + len(own)] for i in range(len(own))):
        raise MismatchError("the processes have statistics of different label spaces, strata or histograms, expected the same options "
                            "in all of them", c.FM_ERR_MISMATCH)
    words = words.to(device)
    torch.distributed.all_reduce(words, op=torch.distributed.ReduceOp.SUM, group=group)
    stats.state = words.cpu()
    return stats
