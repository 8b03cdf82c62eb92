# freemask/schedule.py - in which order to train on real and synthetic images.
# SPDX-License-Identifier: MIT
from __future__ import annotations

import ctypes
from array import array
from ctypes import byref
from dataclasses import dataclass
from typing import Any, Iterable, Iterator, Optional, Union

from . import _interface as c
from ._arrays import numbers
from ._library import ArgumentError, Handle, call, chosen, context, expect, is_whole, lib, make, one_or_more, whole
from .plan import Plan, id_bytes

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
    constant memory, with seek in constant time. It pickles, with its position.

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

    def __init__(self, plan: Optional[Plan] = None, real: Union[int, Iterable[str], None] = None, synthetic: Optional[int] = None,
                 mix: str = "joint", ratio: tuple[int, int] = (1, 1), weights: Optional[Iterable[float]] = None, length: int = 0,
                 real_repeats: int = 0, pretraining_epochs: int = 0, seed: int = 0, rank: int = 0, world: int = 1,
                 tail: str = "pad", shuffle: bool = True) -> None:
        ids = None if real is None or is_whole(real) else list(real)  # type: ignore[arg-type]
        shares = tuple(ratio)
        if len(shares) != 2 or shares == (0, 0):
            raise ArgumentError(f"ratio is {ratio}, expected (real, synthetic)")
        options = make(c.fm_schedule_options, mix=chosen(_MIXES, mix, "mix"), tail=chosen(_TAILS, tail, "tail"), epoch_length=length,
                       real_repeats=real_repeats, pretraining_epochs=pretraining_epochs, seed=seed, rank=rank,
                       world=one_or_more(world, "world"), in_order=not shuffle, synthetic_count=synthetic or 0,
                       real_count=len(ids) if ids is not None else real or 0)
        if ids is not None:
            options.real_ids = (ctypes.c_char_p * len(ids))(*map(id_bytes, ids))
        if mix in ("ratio", "random") or shares != (1, 1):
            options.real_share, options.synthetic_share = (whole(one, "ratio") for one in shares)
        values = None if weights is None else array("d", weights)
        if values is not None:
            options.weight_count = len(values)
            options.weights = (ctypes.c_double * len(values)).from_buffer(values) if values else None
        self.rank, self.world = rank, world
        self._made_with = (plan, real if ids is None else ids, synthetic, mix, shares, values, length, real_repeats, pretraining_epochs, seed,
                           rank, world, tail, shuffle)
        self._create(lib.fm_schedule_create, context._pointer, None if plan is None else expect(plan, Plan, "plan")._pointer, byref(options))

    def __reduce__(self) -> Any:
        return _schedule_at, (self._made_with, self.position)

    def __repr__(self) -> str:
        plan, mix, rank, world = self._made_with[0], self._made_with[3], self.rank, self.world
        return f"<freemask.Schedule: {mix}, of {'no plan' if plan is None else repr(plan)}, rank {rank} of {world}, at {self.position}>"

    # ---- Entries ----------------------------------------------------------------------------------------
    def __getitem__(self, position: int) -> ScheduleEntry:
        """The entry at a position of this rank, from 0."""
        entry = make(c.fm_schedule_entry)
        call(lib.fm_schedule_at, self._pointer, whole(position, "the position"), byref(entry))
        return ScheduleEntry(entry.number, entry.index, entry.dataset == c.FM_DATASET_SYNTHETIC, entry.mask, entry.seed, entry.epoch)

    def numbers(self, position: int, count: int) -> Any:
        """`number` of `count` entries from a position on: int64."""
        count = whole(count, "count")
        made, at = numbers(ctypes.c_int64, max(count, 0), "int64")
        arrays = make(c.fm_schedule_arrays, numbers=at)
        call(lib.fm_schedule_fill, self._pointer, whole(position, "the position"), count, byref(arrays))
        return made

    def epoch_start(self, epoch: int) -> int:
        """The position where an epoch begins for this rank."""
        start = lib.fm_schedule_epoch_start(self._pointer, whole(epoch, "epoch"))
        if start < 0:
            raise IndexError(f"there is no epoch {epoch}")
        return int(start)

    def epoch_length(self, epoch: int) -> int:
        """Entries that this rank has in an epoch."""
        length = lib.fm_schedule_epoch_length(self._pointer, whole(epoch, "epoch"))
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
        call(lib.fm_schedule_seek, self._pointer, whole(position, "position"))

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


def _schedule_at(made_with: tuple[Any, ...], position: int) -> Schedule:
    schedule = Schedule(*made_with)
    schedule.position = position
    return schedule
