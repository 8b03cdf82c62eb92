#!/usr/bin/env python3
# long/rank_1e9.py - ranks 10^9 masks in parts by fm_ranking: time, memory, passes, and every count against a formula.
# SPDX-License-Identifier: MIT
"""usage: rank_1e9.py [BITS]

Ranks 2^BITS masks (30: 1.07 * 10^9) in four parts, whose words are summed. No mask is stored: the hardness of mask i is made
when it is needed, of a permutation of 0 to 2^BITS - 1, so the mask's place in the order of all is known. Takes minutes for
30 bits. FM_SHARED names the library, by default that of build/. Prints TAP, and a line of JSON with passes, words, time and
the memory it took."""
import ctypes
import json
import os
import sys
import time

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
for room in ("support", "ctypes"):
    sys.path.insert(0, os.path.join(HERE, "..", room))
import tap  # noqa: E402
from freemask_ctypes import Interface  # noqa: E402

BITS = int(sys.argv[1]) if len(sys.argv) > 1 else 30
MASKS, PARTS, BATCH, N_MAX = 2 ** BITS, 4, 2 ** min(20, BITS - 2), 20
LIB = Interface(os.environ.get("FM_SHARED") or os.path.join(tap.BUILD, "lib", "libfreemask.so"))


def peak():
    """Bytes; the highest so far."""
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))


def places(first):
    """Where a batch of masks stands in the order of all: a product with an odd number and a shift are permutations."""
    place = np.arange(first, first + BATCH, dtype=np.uint64)
    for factor in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9):
        place *= np.uint64(factor)
        place &= np.uint64(MASKS - 1)
        place ^= place >> np.uint64(BITS // 2)
    return place


def hardness_of(place):
    """Rises with the place, over several powers of two."""
    return (place.astype(np.float64) + 1) ** 2 / MASKS


def batches(part):
    """The places of a part's masks."""
    for first in range(part * BATCH, MASKS, PARTS * BATCH):
        yield places(first)


def pointer(array, kind=ctypes.c_double):
    return array.ctypes.data_as(ctypes.POINTER(kind))


def fail_free(status, what):
    if status:
        tap.ok(False, what, status)
        raise SystemExit(1)


class Ranking:
    def __init__(self, context):
        self.at = ctypes.c_void_p()
        fail_free(LIB.fm_ranking_create(context, N_MAX, ctypes.byref(self.at), None), "a ranking is made")

    def words_of(self, part):
        for place in batches(part):
            hardness = hardness_of(place)
            fail_free(LIB.fm_ranking_add(self.at, None, pointer(hardness), len(hardness), None), "masks are added")
        words = np.zeros(LIB.fm_ranking_word_count(self.at), np.int64)
        fail_free(LIB.fm_ranking_export(self.at, pointer(words, ctypes.c_int64), len(words), None), "words are exported")
        return words

    def advance(self, words):
        fail_free(LIB.fm_ranking_advance(self.at, pointer(words, ctypes.c_int64), len(words), None), "the pass ends")


def wrong_counts(ranking):
    """Masks whose count is not that of their place, and the sum of all counts."""
    wrong, images = 0, 0
    for part in range(PARTS):
        for place in batches(part):
            hardness, counts = hardness_of(place), np.zeros(len(place), np.uint32)
            fail_free(LIB.fm_ranking_count_images(ranking.at, None, pointer(hardness), len(place),
                                                  pointer(counts, ctypes.c_uint32), None), "images are counted")
            wanted = np.minimum(1 + np.rint((place.astype(np.float64) + 1) / MASKS * N_MAX), N_MAX)
            wrong += int(np.count_nonzero(counts != wanted))
            images += int(wanted.sum())
    return wrong, images


def main():
    context = ctypes.c_void_p()
    LIB.fm_context_create(None, ctypes.byref(context), None)
    for part in range(PARTS):  # what making masks takes
        hardness_of(next(batches(part)))
    rankings, words, start, before = [Ranking(context) for _ in range(PARTS)], [], time.monotonic(), peak()
    while not LIB.fm_ranking_is_done(rankings[0].at):
        total = sum(one.words_of(part) for part, one in enumerate(rankings))
        words.append(len(total))
        for one in rankings:
            one.advance(total)
        print(f"# pass {len(words)}: {len(total):,} words, {time.monotonic() - start:.0f} s", flush=True)
    took, more = time.monotonic() - start, peak() - before
    print(json.dumps({"name": "ranking", "masks": MASKS, "parts": PARTS, "threads": 1, "ms": round(1e3 * took), "passes": len(words),
                      "words": words, "bytes": more}), flush=True)
    tap.ok(len(words) <= 4, f"{MASKS:,} masks are ranked in {len(words)} passes, at most 4", len(words))
    tap.ok(more < PARTS * 50e6, f"in {more / PARTS / 1e6:.0f} MB for each part, less than 50, whatever the number of masks", more)
    wrong, images = wrong_counts(rankings[-1])
    tap.equal(wrong, 0, "every count is the paper's")
    tap.equal(LIB.fm_ranking_image_count(rankings[0].at), images, "and their sum is known to each part")
    for one in rankings:
        LIB.fm_ranking_destroy(one.at)
    LIB.fm_context_destroy(context)
    tap.done()


main()
