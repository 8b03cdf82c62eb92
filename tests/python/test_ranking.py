#!/usr/bin/env python3
# python/test_ranking.py - parts that rank together have the plan of all masks.
# SPDX-License-Identifier: MIT
import kit
import tap

tap.need("numpy")
import freemask as fm  # noqa: E402
import numpy as np  # noqa: E402

rng = np.random.default_rng(5)
ids = np.array([f"img_{i}" for i in range(3001)])
N_MAX, PARTS = 20, 4


def parts_of(hardness):
    part = rng.integers(0, PARTS, len(ids))
    return [(ids[part == p], hardness[part == p]) for p in range(PARTS)]


def rank(parts):
    """All parts in one process, pass by pass."""
    rankings = [fm.Ranking(N_MAX) for _ in parts]
    while not rankings[0].done:
        for one, (names, hardness) in zip(rankings, parts):
            for first in range(0, len(names), 500):
                one.add(names[first:first + 500], hardness[first:first + 500])
        total = sum(one.state for one in rankings)
        for one in rankings:
            one.advance(total)
    return rankings


for name, hardness in (("distinct", rng.gamma(2, .3, len(ids))), ("in steps", rng.integers(0, 7, len(ids)) / 4.),
                       ("equal", np.zeros(len(ids)))):
    whole = fm.plan(ids, hardness, n_max=N_MAX, seed=9)
    # The paper's counts along NumPy's sort.
    order = np.lexsort((ids, hardness))
    wanted = np.empty(len(ids), np.int64)
    wanted[order] = np.minimum(1 + np.rint(np.arange(1, len(ids) + 1) / len(ids) * N_MAX), N_MAX)
    parts = parts_of(hardness)
    rankings = rank(parts)
    got = {mask: count for one, part in zip(rankings, parts) for mask, count in zip(part[0], one.counts(*part))}
    tap.ok(all(got[mask] == count for mask, count in zip(ids, wanted)), f"{name}: counts of {PARTS} parts are those of a sort")
    rows = {row.mask: row for one, part in zip(rankings, parts) for row in one.plan(*part, seed=9)}
    tap.ok(len(rows) == len(whole) and all((rows[row.mask].count, rows[row.mask].seeds) == (row.count, row.seeds) for row in whole),
           f"{name}: the plans of the parts are the whole plan, to the seed")
    tap.equal({(one.masks, one.images, one.uses_ids) for one in rankings}, {(len(ids), whole.images, name != "distinct")},
              f"{name}: each part knows masks and images of all")
    single = fm.rank_parts(lambda values=hardness: zip([ids[:9], ids[9:]], [values[:9], values[9:]]), N_MAX)
    tap.ok(np.array_equal(single.counts(ids, hardness), wanted) and single.passes == rankings[0].passes, f"{name}: rank_parts in one process")
print(f"# passes over equal hardness: {single.passes}")

twice = fm.rank_parts(lambda: [(ids, hardness)], N_MAX, lambda words: 1 * words)
tap.equal(twice.images, whole.images, "sum_words gives the sum")
one = fm.Ranking()
tap.ok(kit.raises(ValueError, lambda: one.add(["a"], [1., 2.]), "1 ids", "2 values"), "more values than ids")
tap.ok(kit.raises(ValueError, lambda: one.add(["a"], [float("nan")]), "hardness[0] is nan"), "hardness is finite")
tap.ok(kit.raises(ValueError, lambda: one.add(["a"], [[1.]]), "[1, 1]"), "hardness has one dimension")
tap.ok(kit.raises(ValueError, lambda: one.advance(np.zeros(one.state.shape, np.int32)), "int64"), "words are int64")
tap.ok(kit.raises(fm.EmptyError, lambda: one.advance(one.state), "no part has a mask"), "no mask at all")
tap.ok(kit.raises(ValueError, lambda: one.counts(["a"], [1.]), "not done"), "counts before the end")
tap.ok(kit.raises(fm.MismatchError, lambda: one.advance(fm.Ranking(19).state), "n_max"), "parts with another n_max")
tap.ok(one.add([], []) is one and one.passes == 0 and not one.done, "nothing to add")
tap.done()
