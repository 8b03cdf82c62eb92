# freemask/schedule.py - in which order to train on real and synthetic images.
# SPDX-License-Identifier: MIT
from __future__ import annotations

import ctypes
from ctypes import byref
from dataclasses import dataclass
from typing import Any, Iterator, Optional, Sequence, Union

from . import _interface as c
from ._arrays import numbers
from ._library import ArgumentError, Handle, call, context, expect, lib, make
from .plan import Plan, _id_bytes

_MIXES = {"joint": c.FM_MIX_JOINT, "real": c.FM_MIX_REAL, "synthetic": c.FM_MIX_SYNTHETIC, "ratio": c.FM_MIX_RATIO,
          "random": c.FM_MIX_RANDOM, "weighted": c.FM_MIX_WEIGHTED, "shares": c.FM_MIX_SHARES}
_TAILS = {"pad": c.FM_TAIL_PAD, "truncate": c.FM_TAIL_TRUNCATE, "stream": c.FM_TAIL_STREAM}


@dataclass(frozen=True)
class ScheduleEntry:
    """One image of the order."""

    number: int  #: in the joined list, real images first: the index for a ConcatDataset([real, synthetic])
    index: int  #: in its own set
    synthetic: bool
    mask: int  #: the plan's row; -1: none
    seed: int  #: synthetic, with a plan: the generator's
    epoch: int


class Schedule(Handle):
    """An endless order over real and synthetic images, computed and not stored: the same on every machine, in
    constant memory, with seek in constant time.

    Args:
        plan: a Plan; or None, then both counts are required.
        real: the real images: their number, or their ids in the order of your own list. With a plan and
            None, your list has to be sorted by the bytes of the ids.
        synthetic: the number of synthetic images; None: the plan's.
        mix: "joint" (the paper: every real image as often as makes both sets equal, every synthetic one
            once), "real", "synthetic", "ratio", "random", "weighted" or "shares".
        ratio: (real, synthetic) of "ratio" and "random".
        weights: of "weighted" and "shares", one for each image, real ones first.
        length: of an epoch of "random", "weighted" and "shares"; 0: all images.
        real_repeats: of "joint"; 0: the paper's.
        pretraining_epochs: of synthetic images only, before `mix` begins.
        seed: another order.
        rank, world: this process and how many there are.
        tail: what happens where an epoch does not divide by `world`: "pad", "truncate" or "stream".
        shuffle: False: nothing is shuffled.
    """

    _destroy = "fm_schedule_destroy"

    def __init__(self, plan: Optional[Plan] = None, real: Union[int, Sequence[str], None] = None, synthetic: Optional[int] = None,
                 mix: str = "joint", ratio: tuple[int, int] = (1, 1), weights: Optional[Sequence[float]] = None, length: int = 0,
                 real_repeats: int = 0, pretraining_epochs: int = 0, seed: int = 0, rank: int = 0, world: int = 1,
                 tail: str = "pad", shuffle: bool = True) -> None:
        if mix not in _MIXES or tail not in _TAILS:
            raise ArgumentError(f"mix is one of {', '.join(_MIXES)}, tail one of {', '.join(_TAILS)}")
        options = make(c.fm_schedule_options, mix=_MIXES[mix], tail=_TAILS[tail], epoch_length=length, real_repeats=real_repeats,
                       pretraining_epochs=pretraining_epochs, seed=seed, rank=rank, world=world, in_order=not shuffle,
                       synthetic_count=synthetic or 0)
        if isinstance(real, int):
            options.real_count = real
        elif real is not None:
            ids = [_id_bytes(one) for one in real]
            options.real_count, options.real_ids = len(ids), (ctypes.c_char_p * len(ids))(*ids)
        if mix in ("ratio", "random"):
            options.real_share, options.synthetic_share = ratio
        if weights is not None:
            options.weight_count = len(weights)
            options.weights = (ctypes.c_double * len(weights))(*weights)
        self.rank, self.world = rank, world
        self._create(lib.fm_schedule_create, context._pointer, None if plan is None else expect(plan, Plan, "plan")._pointer, byref(options))

    # ---- Entries ----------------------------------------------------------------------------------------
    def __getitem__(self, position: int) -> ScheduleEntry:
        """The entry at a position of this rank, from 0."""
        entry = make(c.fm_schedule_entry)
        call(lib.fm_schedule_at, self._pointer, position, byref(entry))
        return ScheduleEntry(entry.number, entry.index, entry.dataset == c.FM_DATASET_SYNTHETIC, entry.mask, entry.seed, entry.epoch)

    def numbers(self, position: int, count: int) -> Any:
        """`number` of `count` entries from a position on: int64."""
        array, at = numbers(ctypes.c_int64, count, "int64")
        arrays = make(c.fm_schedule_arrays, numbers=at)
        call(lib.fm_schedule_fill, self._pointer, position, count, byref(arrays))
        return array

    def epoch_start(self, epoch: int) -> int:
        """The position where an epoch begins for this rank."""
        start = lib.fm_schedule_epoch_start(self._pointer, epoch)
        if start < 0:
            raise IndexError(f"there is no epoch {epoch}")
        return int(start)

    def epoch_length(self, epoch: int) -> int:
        """Entries that this rank has in an epoch."""
        length = lib.fm_schedule_epoch_length(self._pointer, epoch)
        if length < 0:
            raise IndexError(f"there is no epoch {epoch}")
        return int(length)

    def epoch(self, epoch: int) -> Any:
        """`number` of all entries that this rank has in an epoch: int64."""
        return self.numbers(self.epoch_start(epoch), self.epoch_length(epoch))

    # ---- A position of its own ----------------------------------------------------------------------------
    def __iter__(self) -> Iterator[ScheduleEntry]:
        """Goes on from the schedule's own position, without end."""
        return self

    def __next__(self) -> ScheduleEntry:
        entry = self[self.position]
        self.position += 1
        return entry

    @property
    def position(self) -> int:
        """Where the schedule stands; may be set."""
        return int(lib.fm_schedule_position(self._pointer))

    @position.setter
    def position(self, position: int) -> None:
        call(lib.fm_schedule_seek, self._pointer, position)

    def state_dict(self) -> dict[str, Any]:
        """The position, for a checkpoint: 48 bytes that fit any rank and any number of ranks."""
        state = ctypes.create_string_buffer(c.FM_SCHEDULE_STATE_SIZE)
        call(lib.fm_schedule_save, self._pointer, state, c.FM_SCHEDULE_STATE_SIZE)
        return {"schedule": state.raw}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes to a saved position. Raises MismatchError for another plan or other options."""
        data = bytes(state["schedule"])
        call(lib.fm_schedule_restore, self._pointer, data, len(data))

    @property
    def fingerprint(self) -> int:
        """A number that schedules share which have the same images in the same order."""
        return int(lib.fm_schedule_fingerprint(self._pointer))
