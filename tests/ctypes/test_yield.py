# ctypes/test_yield.py - hardness by shape and budgets by yield against slow Python, to the bit.
import ctypes

from kit import CONTEXT, LIB, call, made, refusal, tap, view

# kit says where the references lie
# isort: split
import numpy as np
import yield_reference as reference

rng = np.random.default_rng(31)
CLASSES, IGNORED = 5, 255
LABELS = made(LIB.fm_labels_create, CONTEXT, LIB.labels_options(CLASSES, IGNORED))


def array(kind, values):
    return None if values is None else (kind * len(values))(*values)


def measured(mask):
    out = (ctypes.c_int64 * CLASSES)()
    call(LIB.fm_shape_measure, LABELS, view(mask), out, CLASSES)
    return list(out)


def random_mask():
    cell = int(rng.integers(1, 6))
    shape = rng.integers(1, 60, 2)
    tiles = rng.choice([0, 1, 2, 3, IGNORED], shape // cell + 1, p=[.4, .3, .1, .05, .15])
    return np.kron(tiles, np.ones((cell, cell)))[:shape[0], :shape[1]].astype((np.uint8, np.int64)[cell % 2])


def classes_of(mask):
    return np.where(mask < CLASSES, mask, -1).astype(np.int64)


def check_shapes():
    rows = []
    for i in range(60):
        mask = random_mask()
        mask = (mask, mask.T, mask[::-1])[i % 3]
        rows.append(measured(mask))
        if rows[-1] != reference.complexity(classes_of(mask), CLASSES):
            return f"mask {i}: {rows[-1]}"
    totals = array(ctypes.c_int64, [sum(column) for column in zip(*rows)])
    got = [LIB.fm_shape_hardness(array(ctypes.c_int64, row), totals, CLASSES) for row in rows]
    return None if got == reference.hardness(rows) else "hardness"


def square(side, at=3, copies=1):
    mask = np.zeros((40, 40), np.uint8)
    for i in range(copies):
        mask[at:at + side, 2 + 12 * i:2 + 12 * i + side] = 1
    return mask


def known():
    alone = np.full((9, 9), 2, np.uint8)
    hole = alone.copy()
    hole[4, 4] = IGNORED
    return ([measured(square(side))[1] for side in (1, 5, 9)] == [2**20] * 3 and measured(square(9, copies=3))[1] == round(3**.5 * 2**20)
            and measured(alone) == measured(hole) == [0] * CLASSES)


def counts_of(pixels, budget, n_max=0, kept_shares=None, weights=None, kept=None):
    table = LIB.make("fm_yield_table", mask_count=len(pixels), class_count=len(pixels[0]), n_max=n_max, budget=budget,
                     pixels=array(ctypes.c_int64, [n for row in pixels for n in row]), kept_shares=array(ctypes.c_double, kept_shares),
                     weights=array(ctypes.c_double, weights), kept=array(ctypes.c_uint32, kept))
    out = (ctypes.c_uint32 * len(pixels))()
    call(LIB.fm_yield_count_images, CONTEXT, ctypes.byref(table), out)
    return list(out)


def random_table():
    masks, classes = int(rng.integers(1, 25)), int(rng.integers(1, 7))
    pixels = rng.choice([0, 0, 1, 7, 400, 400, 10**6], (masks, classes)).tolist()
    n_max = int(rng.integers(1, 9))
    kept = [int(k) for k in rng.integers(0, n_max + 2, masks)] if rng.random() < .5 else None
    least, most = sum(kept or [0]), sum(max(n_max, k) for k in kept or [0] * masks)
    return dict(pixels=pixels, n_max=n_max, budget=int(rng.integers(least, most + 1)), kept=kept,
                kept_shares=rng.choice([0, .25, .5, 1, rng.random()], classes).tolist() if rng.random() < .7 else None,
                weights=rng.choice([0, 1, 2.5], classes).tolist() if rng.random() < .4 else None)


def check_counts():
    for i in range(300):
        table = random_table()
        got, exact = counts_of(**table), reference.counts(**table)
        if got != exact or sum(got) != table["budget"]:
            return f"table {i}: {got}, expected {exact}"
    return None


def check_growing():
    """What grows in steps is what is made at once; nothing is withdrawn."""
    for _ in range(60):
        table = dict(random_table(), kept=None)
        most = table["n_max"] * len(table["pixels"])
        first, second = sorted(int(n) for n in rng.integers(0, most + 1, 2))
        early = counts_of(**dict(table, budget=first))
        if counts_of(**dict(table, budget=second, kept=early)) != counts_of(**dict(table, budget=second)):
            return table
    return None


def check_sense():
    """Rare classes first; a class of which nothing is kept attracts nothing; equal masks get as many."""
    common, rare = [100, 0], [90, 10]
    pixels = [common] * 5 + [rare]
    even = counts_of([[5, 5]] * 4, 8)
    return (counts_of(pixels, 1)[5] == 1 and counts_of(pixels, 1, kept_shares=[1., 0.])[5] == 0
            and even == [2] * 4 and counts_of(pixels, 120) == [20] * 6)


def planner_of(ids):
    planner = made(LIB.fm_planner_create, CONTEXT, ctypes.byref(LIB.make("fm_planner_options", n_max=4, plan_seed=9)))
    for i, name in enumerate(ids):
        call(LIB.fm_planner_add, planner, name, float(i), None, 0)
    return planner


def rows_of(plan):
    out, entry = {}, LIB.make("fm_plan_entry")
    for i in range(LIB.fm_plan_mask_count(plan)):
        call(LIB.fm_plan_get, plan, i, ctypes.byref(entry))
        out[entry.mask_id] = entry.rank, tuple(entry.seeds[:entry.count])
    return out


def check_plans():
    """Counts of the caller's, with the ranks and the seeds that a policy's counts would have had."""
    ids = [b"z", b"b", b"m"]
    planner = planner_of(ids)
    own = rows_of(made(LIB.fm_planner_make_plan, planner))
    counts = [len(own[name][1]) for name in ids]
    if rows_of(made(LIB.fm_planner_make_plan_of, planner, array(ctypes.c_uint32, counts), 3)) != own:
        return "the policy's own counts make another plan"
    few = rows_of(made(LIB.fm_planner_make_plan_of, planner, array(ctypes.c_uint32, [0, 3, 1]), 3))
    if [len(few[name][1]) for name in ids] != [0, 3, 1]:
        return "counts are another mask's"
    call(LIB.fm_planner_keep, planner, b"b", array(ctypes.c_int64, [42, 43]), 2)
    out = ctypes.byref(ctypes.c_void_p())
    told = [(refusal(LIB.fm_planner_make_plan_of, planner, array(ctypes.c_uint32, [0, 1, 1]), 3, out), "mask b: a count of 1, expected 2 to 4"),
            (refusal(LIB.fm_planner_make_plan_of, planner, array(ctypes.c_uint32, [5, 2, 1]), 3, out), "mask z: a count of 5"),
            (refusal(LIB.fm_planner_make_plan_of, planner, array(ctypes.c_uint32, [1, 2]), 2, out), "mask_count is 2")]
    return [(got, word) for got, word in told if word not in got] or None


def check_refusals():
    good = dict(pixels=[[1, 2], [3, 4]], budget=3, n_max=2)
    told = [(dict(budget=5), "budget is 5"), (dict(budget=0, kept=[1, 0]), "get 1 to 4"), (dict(kept_shares=[1., 1.5]), "kept_shares[1] is 1.5"),
            (dict(weights=[-1., 0]), "weights[0] is -1"), (dict(pixels=[[1, -2], [0, 0]]), "mask 0 has -2"), (dict(n_max=-1), "n_max is -1")]
    wrong = [(more, got) for more, word in told if word not in (got := refusal_of(**dict(good, **more)))]
    bad = np.array([[0, 7]], np.uint8)
    if "7" not in refusal(LIB.fm_shape_measure, LABELS, view(bad), (ctypes.c_int64 * CLASSES)(), CLASSES):
        wrong.append("a label")
    if "class_count is 4" not in refusal(LIB.fm_shape_measure, LABELS, view(square(3)), (ctypes.c_int64 * CLASSES)(), 4):
        wrong.append("class_count")
    return wrong or None


def refusal_of(**table):
    try:
        counts_of(**table)
    except RuntimeError as error:
        return str(error)
    return "nothing was refused"


tap.equal(check_shapes(), None, "shapes and hardness by them are the definition's, to the bit")
tap.ok(known(), "a square has 1, three have sqrt(3), what is alone has none")
tap.equal(check_counts(), None, "budgets are shared out as an eager search does")
tap.equal(check_growing(), None, "a plan that grows is one made at once")
tap.ok(check_sense(), "rare classes first, unless nothing of them is kept")
tap.equal(check_plans(), None, "plans of given counts")
tap.equal(check_refusals(), None, "what is out of range is refused by name")
tap.done()
