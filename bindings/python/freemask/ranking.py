# freemask/ranking.py - the paper's counts for masks that are spread over many machines.
# SPDX-License-Identifier: MIT
from __future__ import annotations

import ctypes
from typing import Any, Callable, Iterable, Optional, Sequence

from ._arrays import numbers
from ._layouts import numpy, words_layout
from ._library import ArgumentError, Handle, call, context, lib, whole
from .plan import Plan, _plan_of, _planner_of, id_bytes


def _pointers(ids: Sequence[str], hardness: Sequence[float], uses_ids: bool) -> tuple[Any, Any, int]:
    count, module = len(hardness), numpy()
    if len(ids) != count:
        raise ArgumentError(f"{len(ids)} ids and {count} values of hardness, expected as many")
    values: Any
    if module is None:
        values = (ctypes.c_double * count)(*map(float, hardness))
    else:
        array = module.ascontiguousarray(hardness, dtype="float64")
        if array.ndim != 1:
            raise ArgumentError(f"hardness has the shape {list(array.shape)}, expected one number for each id")
        values = (ctypes.c_double * count).from_address(array.ctypes.data) if count else None
        if values is not None:
            values.array = array  # keeps it alive
    names = (ctypes.c_char_p * count)(*map(id_bytes, ids)) if uses_ids else None
    return names, values, count


class Ranking(Handle):
    """How many images the paper gives each mask, found by all machines together while each knows its own masks
    alone; `rank_parts` does it. The result is that of `freemask.plan` on all masks, to the image.

    In each pass a part adds all its masks; `state` of all parts is summed, element by element; and each part calls `advance` with
    the sum, until `done`. A new Ranking that advances with the sums so far goes on for one that was lost.

    Args:
        n_max: the most images of one mask, the same in all parts.
    """

    _destroy = "fm_ranking_destroy"

    def __init__(self, n_max: int = 20) -> None:
        self.n_max = n_max
        self._create(lib.fm_ranking_create, context._pointer, whole(n_max, "n_max", ctypes.c_int32))

    def add(self, ids: Sequence[str], hardness: Sequence[float]) -> Ranking:
        """Adds masks of this part to the pass, each once, in any order; returns itself. On errors nothing was added."""
        names, values, count = _pointers(ids, hardness, self.uses_ids)
        call(lib.fm_ranking_add, self._pointer, names, values, count)
        return self

    @property
    def state(self) -> Any:
        """This part's words of the pass, at most 2^21 + 3 int64 numbers, a copy."""
        count = lib.fm_ranking_word_count(self._pointer)
        array, at = numbers(ctypes.c_int64, count, "int64")
        call(lib.fm_ranking_export, self._pointer, at, count)
        return array

    def advance(self, words: Any) -> None:
        """Ends the pass with the sum of the states of all parts: a packed array of int64. Raises MismatchError if a part is in
        another pass or has other masks than before; then nothing has changed."""
        layout = words_layout(words)
        call(lib.fm_ranking_advance, self._pointer, ctypes.cast(layout.address, ctypes.POINTER(ctypes.c_int64)), layout.shape[0])

    @property
    def done(self) -> bool:
        """All cuts are known."""
        return bool(lib.fm_ranking_is_done(self._pointer))

    @property
    def uses_ids(self) -> bool:
        """Whether this pass looks at ids, or `counts` does: it does where hardness is equal."""
        return bool(lib.fm_ranking_uses_ids(self._pointer))

    @property
    def passes(self) -> int:
        """Passes that have ended."""
        return int(lib.fm_ranking_pass_count(self._pointer))

    @property
    def masks(self) -> int:
        """Masks of all parts; 0 before the first pass has ended."""
        return int(lib.fm_ranking_mask_count(self._pointer))

    @property
    def images(self) -> int:
        """Images of all masks of all parts; 0 before the first pass has ended."""
        return int(lib.fm_ranking_image_count(self._pointer))

    def __repr__(self) -> str:
        return f"<freemask.Ranking of {self.masks} masks, after {self.passes} passes{', done' if self.done else ''}>"

    def counts(self, ids: Sequence[str], hardness: Sequence[float]) -> Any:
        """The images of each of these masks: uint32, as many as there are ids."""
        names, values, count = _pointers(ids, hardness, self.uses_ids)
        array, at = numbers(ctypes.c_uint32, count, "uint32")
        call(lib.fm_ranking_count_images, self._pointer, names, values, count, at)
        return array

    def plan(self, ids: Sequence[str], hardness: Sequence[float], seeds: Iterable[int] = range(42, 62), seed: int = 0) -> Plan:
        """The plan of these masks: counts and seeds are those that they have in the plan of all masks; `rank` counts
        among these."""
        counts = self.counts(ids, hardness)
        planner = _planner_of(ids, hardness, self.n_max, seeds, seed)
        return _plan_of(planner, (ctypes.c_uint32 * len(ids))(*map(int, counts)))


def rank_parts(batches: Callable[[], Iterable[tuple[Sequence[str], Sequence[float]]]], n_max: int = 20,
               sum_words: Optional[Callable[[Any], Any]] = None) -> Ranking:
    """Ranks the masks of all parts; every part has to call it. Memory does not grow with the masks.

    Args:
        batches: is called once in each pass; gives all masks of this part as pairs (ids, hardness), from a table on disk, say.
        n_max: the most images of one mask.
        sum_words: takes the words of this part, an int64 array, and returns their sum over all parts: an all_reduce. None:
            this is the only part.
    """
    ranking = Ranking(n_max)
    while not ranking.done:
        for ids, hardness in batches():
            ranking.add(ids, hardness)
        words = ranking.state
        ranking.advance(words if sum_words is None else sum_words(words))
    return ranking
