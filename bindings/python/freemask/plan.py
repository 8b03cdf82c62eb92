# freemask/plan.py - how many synthetic images each mask gets, and with which seeds.
# SPDX-License-Identifier: MIT
from __future__ import annotations

import ctypes
import os
from array import array
from ctypes import byref
from dataclasses import dataclass, fields
from typing import Any, Iterable, Iterator, Optional, Union, overload

from . import _interface as c
from ._library import (
    ArgumentError,
    Handle,
    call,
    chosen,
    context,
    integers,
    lib,
    make,
    one_or_more,
    path_of,
    text,
    whole,
)

_POLICIES = {"rank": c.FM_PLAN_RANK, "uniform": c.FM_PLAN_UNIFORM, "proportional": c.FM_PLAN_PROPORTIONAL,
             "repeat-factor": c.FM_PLAN_REPEAT_FACTOR, "rare-class": c.FM_PLAN_RARE_CLASS}


@dataclass(frozen=True)
class PlanRow:
    """One mask of a plan."""

    mask: str
    hardness: float
    rank: int  #: 1 is the easiest
    count: int  #: synthetic images of this mask
    seeds: tuple[int, ...]  #: of the generator, ascending


def id_bytes(id: str) -> bytes:
    """An id for the library; what ids are sorted by."""
    return text(id, "an id")


class Plan(Handle):
    """A table of masks, sorted by the bytes of their ids: `len(plan)`, `plan[i]`, `plan["id"]`, iteration.
    `freemask.plan` makes one, `Plan.from_csv` reads one. Immutable."""

    _destroy = "fm_plan_destroy"

    def __init__(self) -> None:
        raise TypeError("freemask.plan(...), Plan.from_csv(...) and Plan.from_rows(...) make plans")

    @classmethod
    def _empty(cls) -> Plan:
        return cls.__new__(cls)

    @classmethod
    def from_csv(cls, path: Union[str, os.PathLike[str]]) -> Plan:
        """Reads a plan.csv of `to_csv` or `freemask plan`."""
        plan = cls._empty()
        plan._create(lib.fm_plan_read, context._pointer, path_of(path))
        return plan

    @classmethod
    def from_rows(cls, rows: Iterable[PlanRow]) -> Plan:
        """A plan of your own: rows in any order; ranks are 1 to their number, each once."""
        rows = list(rows)
        count, seeds = len(rows), [seed for row in rows for seed in row.seeds]
        table = make(c.fm_plan_rows, row_count=count, seed_count=len(seeds))
        table.mask_ids = (ctypes.c_char_p * count)(*(id_bytes(row.mask) for row in rows))
        table.hardness = (ctypes.c_double * count)(*(row.hardness for row in rows))
        table.ranks = integers(ctypes.c_int64, (row.rank for row in rows), "rank")
        table.counts = integers(ctypes.c_int64, (row.count for row in rows), "count")
        table.seeds = integers(ctypes.c_int64, seeds, "seeds")
        plan = cls._empty()
        plan._create(lib.fm_plan_create, context._pointer, byref(table))
        return plan

    def to_csv(self, path: Union[str, os.PathLike[str]]) -> None:
        """Writes the tool's plan.csv, whole or not at all."""
        call(lib.fm_plan_write, self._pointer, path_of(path))

    def __len__(self) -> int:
        """Masks."""
        return int(lib.fm_plan_mask_count(self._pointer))

    @property
    def images(self) -> int:
        """Synthetic images of the whole plan."""
        return int(lib.fm_plan_image_count(self._pointer))

    @property
    def real_repeats(self) -> int:
        """How often joint training repeats the real set."""
        return int(lib.fm_plan_real_repeats(self._pointer))

    @property
    def fingerprint(self) -> int:
        """A number that equal plans share, on all machines."""
        return int(lib.fm_plan_fingerprint(self._pointer))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plan) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    @property
    def rows(self) -> list[PlanRow]:
        """All rows: what `from_rows` takes."""
        return list(self)

    @overload
    def __getitem__(self, which: Union[int, str]) -> PlanRow: ...

    @overload
    def __getitem__(self, which: slice) -> list[PlanRow]: ...

    def __getitem__(self, which: Union[int, str, slice]) -> Union[PlanRow, list[PlanRow]]:
        if isinstance(which, slice):
            return [self[i] for i in range(*which.indices(len(self)))]
        if isinstance(which, str):
            index = lib.fm_plan_find(self._pointer, id_bytes(which))
            if index < 0:
                raise KeyError(which)
        else:
            number = whole(which, "the index")
            index = number + len(self) if number < 0 else number
            if not 0 <= index < len(self):
                raise IndexError(which)
        entry = make(c.fm_plan_entry)
        call(lib.fm_plan_get, self._pointer, index, byref(entry))
        return PlanRow(entry.mask_id.decode("utf-8", "surrogateescape"), entry.hardness, entry.rank, entry.count,
                       tuple(entry.seeds[:entry.count]) if entry.count else ())

    def __contains__(self, mask: object) -> bool:
        return isinstance(mask, str) and lib.fm_plan_find(self._pointer, id_bytes(mask)) >= 0

    def __iter__(self) -> Iterator[PlanRow]:
        return (self[i] for i in range(len(self)))

    def __reduce__(self) -> Any:
        return _plan_from, (self.rows,)

    def _columns(self) -> dict[str, list[Any]]:
        rows = list(self)
        return {name: [getattr(row, name) for row in rows] for name in (field.name for field in fields(PlanRow))}

    def to_pandas(self) -> Any:
        """A pandas.DataFrame with the columns of PlanRow."""
        import pandas
        return pandas.DataFrame(self._columns())

    def to_arrow(self) -> Any:
        """A pyarrow.Table with the columns of PlanRow."""
        import pyarrow
        columns = self._columns()
        return pyarrow.table({**columns, "seeds": pyarrow.array([list(seeds) for seeds in columns["seeds"]],
                                                                pyarrow.list_(pyarrow.int64()))})

    def __repr__(self) -> str:
        return f"<freemask.Plan: {self.images} images of {len(self)} masks>"


# What a pickle calls is a function of its module: cloudpickle would take classmethods apart.
def _plan_from(rows: list[PlanRow]) -> Plan:
    return Plan.from_rows(rows)


class _Planner(Handle):
    _destroy = "fm_planner_destroy"


def plan(ids: Iterable[str], hardness: Iterable[float], n_max: int = 20, seeds: Iterable[int] = range(42, 62), seed: int = 0,
         policy: str = "rank", budget: int = 0, n_min: int = 0, class_pixels: Any = None, keep: Optional[Plan] = None,
         gamma: float = 0.0, threshold: float = 0.0, temperature: float = 0.0, kept_shares: Optional[Iterable[float]] = None) -> Plan:
    """How many synthetic images each mask gets, and which of the generator's seeds.

    Args:
        ids: the masks' names, distinct; in any order, which changes nothing.
        hardness: of each, as `Hardness.score` gives it, in the order of the ids (of a pandas.Series, too, whatever its index).
        n_max: the most images of one mask.
        seeds: the generator's seeds to choose from, at least n_max.
        seed: chooses among them; a mask's seeds depend on this and its id alone.
        policy: "rank" (the paper), "uniform", "proportional", "repeat-factor", "rare-class" or "yield".
        budget: images of the whole plan; 0: what the policy gives.
        n_min: the least images of one mask.
        class_pixels: [masks][K] as `Labels.count` gives them, for "repeat-factor", "rare-class" and "yield".
        keep: an earlier plan of which nothing is withdrawn.
        gamma, threshold, temperature: of single policies (freemask/planner.h); 0: their defaults.

        kept_shares: of "yield": [K], the share of each class's pixels that filtering keeps (of a first batch:
            1 - report.class_dropped / report.class_valid). The budget is shared out one image after the other,
            to the mask whose next image adds most to the classes (freemask/planner.h); not the paper's.

    Raises ValueError and Error with the reason.
    """
    if policy == "yield":
        return _plan_by_yield(ids, hardness, n_max, seeds, seed, budget, class_pixels, keep, kept_shares)
    number = chosen({**_POLICIES, "yield": None}, policy, "policy")
    if kept_shares is not None:
        raise ArgumentError(f"kept_shares are given, but the policy '{policy}' has none: they are of \"yield\"")
    planner = _planner_of(ids, hardness, n_max, seeds, seed, class_pixels, policy=number, n_min=n_min, budget=budget, gamma=gamma,
                          threshold=threshold, temperature=temperature)
    for row in keep or ():
        call(lib.fm_planner_keep, planner._pointer, id_bytes(row.mask), (ctypes.c_int64 * row.count)(*row.seeds), row.count)
    made = Plan._empty()
    made._create(lib.fm_planner_make_plan, planner._pointer)
    return made


def id_list(ids: Iterable[str], hardness: Iterable[float]) -> tuple[list[str], Any]:
    """(ids, hardness) as they come, one after the other: a pandas.Series is asked for its values, not by its index."""
    listed, values = list(ids), array("d", hardness)
    if len(listed) != len(values):
        raise ArgumentError(f"{len(listed)} ids and {len(values)} values of hardness, expected as many")
    return listed, values


def _rows_of(class_pixels: Any, count: int) -> list[Any]:
    """The pixels of each class in each mask."""
    rows = list(class_pixels.to_numpy() if hasattr(class_pixels, "to_numpy") else class_pixels)  # a DataFrame would give its columns
    if len(rows) != count:
        raise ArgumentError(f"class_pixels are of {len(rows)} masks, expected {count}")
    return rows


def _planner_of(ids: Iterable[str], hardness: Iterable[float], n_max: int, seeds: Iterable[int], seed: int, class_pixels: Any = None,
                **options: Any) -> _Planner:
    ids, hardness = id_list(ids, hardness)
    choice = integers(ctypes.c_int64, seeds, "seeds")
    made = make(c.fm_planner_options, n_max=one_or_more(n_max, "n_max"), plan_seed=seed, seed_count=len(choice), seeds=choice, **options)
    planner = _Planner()
    planner._create(lib.fm_planner_create, context._pointer, byref(made))
    rows = [] if class_pixels is None else _rows_of(class_pixels, len(ids))
    for i, (mask, value) in enumerate(zip(ids, hardness)):
        counts = integers(ctypes.c_int64, map(int, rows[i]), "class_pixels") if rows else ()
        call(lib.fm_planner_add, planner._pointer, id_bytes(mask), value, counts or None, len(counts))
    return planner


def _plan_of(planner: _Planner, counts: Any) -> Plan:
    """`counts` is an array of ctypes, in the order of adding."""
    made = Plan._empty()
    made._create(lib.fm_planner_make_plan_of, planner._pointer, counts, len(counts))
    return made


def _plan_by_yield(ids: Iterable[str], hardness: Iterable[float], n_max: int, seeds: Iterable[int], seed: int, budget: int,
                   class_pixels: Any, keep: Optional[Plan], kept_shares: Optional[Iterable[float]]) -> Plan:
    if class_pixels is None or kept_shares is None:
        raise ArgumentError("policy yield needs class_pixels of each mask, and kept_shares")
    (ids, hardness), shares = id_list(ids, hardness), array("d", kept_shares)
    width = len(shares)
    flat = [int(pixels) for row in _rows_of(class_pixels, len(ids)) for pixels in row]
    if len(flat) != len(ids) * width:
        raise ArgumentError(f"class_pixels are {len(flat)} numbers, expected {len(ids)} rows of {width}")
    planner = _planner_of(ids, hardness, n_max, seeds, seed)
    earlier = {row.mask: row for row in keep or ()}
    for row in earlier.values():
        call(lib.fm_planner_keep, planner._pointer, id_bytes(row.mask), (ctypes.c_int64 * row.count)(*row.seeds), row.count)
    had = [earlier[mask].count if mask in earlier else 0 for mask in ids]
    table = make(c.fm_yield_table, mask_count=len(ids), pixels=integers(ctypes.c_int64, flat, "class_pixels"),
                 kept_shares=(ctypes.c_double * width)(*shares), class_count=width, n_max=n_max, budget=budget,
                 kept=(ctypes.c_uint32 * len(had))(*had))
    counts = (ctypes.c_uint32 * len(ids))()
    call(lib.fm_yield_count_images, context._pointer, byref(table), counts)
    return _plan_of(planner, counts)
