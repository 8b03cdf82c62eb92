# network/test_network_extreme.py - losses from values near and beyond what float64 resizes well, against
# exact fractions: within the bound, or refused with a sentence.
"""Truth: bilinear weights and values as fractions; logarithms of their differences in float64, which
moves a loss by less than 1e-12 of its size."""
import os
import sys
from fractions import Fraction

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "ctypes"))

import tap

tap.need("numpy")
import network  # noqa: E402
import numpy as np  # noqa: E402
from network import LOGITS, PROBS, SCORES, NetworkLoss  # noqa: E402

RNG = np.random.default_rng(int(os.environ.get("FM_CROSS_SEED", "4711")))
CASES = int(os.environ.get("FM_CROSS_CASES", "40"))
LEVELS = network.levels()
FLT_MAX = float(np.finfo(np.float32).max)
FLT_MIN = float(np.finfo(np.float32).tiny)
FLOOR = 1e-7


# ---- Truth ----------------------------------------------------------------------------------------

def taps(i, inner, outer, corners):
    """The one or two pixels, with their shares, that pixel i of `outer` is made from."""
    if corners:
        at = Fraction(i * (inner - 1), outer - 1) if outer > 1 else Fraction(0)
    else:
        at = max((i + Fraction(1, 2)) * inner / outer - Fraction(1, 2), Fraction(0))
    low = min(at.numerator // at.denominator, inner - 1)
    share = at - low
    if low + 1 >= inner or not share:
        return [(low, Fraction(1))]
    return [(low, 1 - share), (low + 1, share)]


def pixel_taps(y, x, inner, outer, corners):
    return [(v, u, a * b) for v, a in taps(y, inner[0], outer[0], corners)
            for u, b in taps(x, inner[1], outer[1], corners)]


def blend(plane, at):
    return sum((w * Fraction(float(plane[v, u])) for v, u, w in at), Fraction(0))


def number(fraction):
    try:
        return float(fraction)
    except OverflowError:
        return np.inf if fraction > 0 else -np.inf


def log_fraction(fraction):
    """Also of what is below the smallest float64."""
    if fraction <= 0:
        return -np.inf
    shift = fraction.numerator.bit_length() - fraction.denominator.bit_length()
    return float(np.log(float(fraction / Fraction(2) ** shift)) + shift * np.log(2.0))


def log_sum(values):
    top = max(values)
    if top == -np.inf:
        return top
    return top + float(np.log(sum(np.exp(v - top) for v in values)))


def softplus(z):
    return max(z, 0.0) + float(np.log1p(np.exp(-abs(z))))


def of_log_share(log_share, floor):
    return max(-max(log_share, float(np.log(floor))), 0.0)


def logits_truth(output, k, at, floor):
    z = [blend(plane, at) for plane in output]
    return log_sum([number(v - z[k]) for v in z])


def binary_truth(output, k, at, floor):
    z = blend(output[0], at)
    return softplus(number(-z if k == 1 else z))


def probs_truth(output, k, at, floor):
    return of_log_share(log_fraction(blend(output[k], at)), floor)


def binary_probs_truth(output, k, at, floor):
    p = blend(output[0], at)
    return of_log_share(log_fraction(p if k == 1 else 1 - p), floor)


def scores_truth(output, k, at, floor):
    s = [blend(plane, at) for plane in output]
    total = sum(s)
    return of_log_share(log_fraction(s[k] / total) if total else -np.inf, floor)


def log_sigmoid(plane, at, first):
    """As a fraction, for it may be large, and a number to add."""
    if not first:
        z = blend(plane, at)
        return min(z, Fraction(0)), -softplus(-abs(number(z)))
    top = max(min(Fraction(float(plane[v, u])), Fraction(0)) for v, u, _ in at)
    return top, log_sum([log_fraction(w) - softplus(-abs(float(plane[v, u])))
                         + number(min(Fraction(float(plane[v, u])), Fraction(0)) - top) for v, u, w in at])


def queries_truth(class_logits, masks, k, at, first, floor):
    """What may be large stays a fraction until the largest has been subtracted."""
    own, every = [], []
    for row, plane in zip(class_logits, masks):
        large, small = log_sigmoid(plane, at, first)
        top, none = max(Fraction(float(v)) for v in row[:-1]), Fraction(float(row[-1]))
        z = [number(Fraction(float(v)) - top) for v in row[:-1]]
        objects = log_sum(z)
        # log(1 - p(no object)) = -softplus(none - objects)
        above = none - top - Fraction(objects)
        large -= max(above, Fraction(0))
        small -= softplus(-abs(number(above)))
        own.append((large, small + z[k] - objects))
        every.append((large, small))
    top = max(large for large, _ in every)
    return of_log_share(log_sum([number(large - top) + small for large, small in own])
                        - log_sum([number(large - top) + small for large, small in every]), floor)


# ---- Cases ----------------------------------------------------------------------------------------

def equal(shape, size):
    return np.full(shape, size)


def equal_at_each_pixel(shape, size):
    return np.broadcast_to(size * RNG.uniform(-1, 1, shape[1:]), shape)


def mixed(shape, size):
    return size * RNG.choice([-1, -1 / 3, 0, 0.1, 1], shape)


def masked(shape, size):
    """Some channels off, as by masked_fill."""
    return np.where(RNG.random(shape) < 0.3, -abs(size), RNG.normal(size=shape) * 3)


def half(shape, size):
    """Channels that change places from pixel to pixel."""
    return np.where((np.indices(shape).sum(0) % 2) == 1, size, -size)


def near(shape, size):
    """A few units of the last place apart."""
    step = np.spacing(np.float32(min(abs(size), 1e38)))
    return size * 0.99 + step * RNG.integers(-3, 4, shape)


def tiny(shape, size):
    return RNG.choice([0.0, -0.0, 1e-45, -1e-45, FLT_MIN, 1e-30], shape)


SIZES = [1e7, 2e8, 1e9, 1e10, -1e10, 1e12, 1e30, -1e30, FLT_MAX, -FLT_MAX, 3e38, 700.0, 88.0, 50000.0]
MAKERS = [equal, equal_at_each_pixel, mixed, masked, half, near, tiny]
GRIDS = [((1, 1), (1, 1)), ((3, 4), (3, 4)), ((2, 2), (6, 6)), ((3, 2), (7, 9)), ((2, 3), (4, 6)),
         ((5, 5), (3, 2)), ((1, 4), (1, 13)), ((4, 17), (4, 17)), ((2, 2), (5, 64))]


def rounded(values):
    """Values in some dtype: the array to pass, the numbers that it holds, whether it is bf16."""
    with np.errstate(over="ignore"):
        single = np.clip(values, -FLT_MAX, FLT_MAX).astype(np.float32)
        dtype = RNG.choice(["float32", "float32", "float16", "bfloat16"])
        if dtype == "bfloat16":
            bits = single.view(np.uint32) >> 16
            return bits.astype(np.uint16), (bits << 16).astype(np.uint32).view(np.float32), True
        if dtype == "float16":
            half_array = np.clip(single, -65504, 65504).astype(np.float16)
            return half_array, half_array.astype(np.float32), False
    return single, single, False


COUNT = {"refused": 0, "computed": 0}


def judge(name, call, expected):
    """Within the bound, or a sentence; never one where the bound is easy to keep."""
    try:
        loss = call()
    except network.Refused as refusal:
        COUNT["refused"] += 1
        tap.ok(str(refusal).startswith("output: ") and "pixel" in str(refusal), name,
               f"refused as {str(refusal)!r}")
        return
    COUNT["computed"] += 1
    bound = np.where(expected < 20, 5e-6, 1e-5 * expected)
    with np.errstate(invalid="ignore"):
        bad = ~(np.abs(loss - expected) <= bound)
    at = tuple(np.argwhere(bad)[0]) if bad.any() else (0, 0)
    tap.ok(not bad.any(), name, f"at {at}: {loss[at]!r}, expected {expected[at]!r}")


def truth_of(formula, values, mask, inner, corners, floor):
    outer = mask.shape
    return np.array([[formula(values, int(mask[y, x]), pixel_taps(y, x, inner, outer, corners), floor)
                      for x in range(outer[1])] for y in range(outer[0])])


KINDS = {"logits": (LOGITS, logits_truth, {}), "binary": (LOGITS, binary_truth, {"binary": 1}),
         "probs": (PROBS, probs_truth, {}), "binary probs": (PROBS, binary_probs_truth, {"binary": 1}),
         "scores": (SCORES, scores_truth, {})}


def positive(values, kind):
    if kind == PROBS:
        return np.abs(values) / max(1.0, float(np.abs(values).max()))
    return np.abs(values)


def try_kind(number_of_case, name, maker, size):
    kind, formula, more = KINDS[name]
    inner, outer = GRIDS[RNG.integers(len(GRIDS))]
    classes = 2 if more else int(RNG.choice([1, 2, 3, 5, 17, 40]))
    channels = 1 if more else classes
    corners = int(RNG.integers(2))
    with np.errstate(over="ignore"):
        made = maker((channels, *inner), size)
    made = positive(made, kind) if kind != LOGITS else made
    array, values, bf16 = rounded(made)
    floor = 0.0 if kind == LOGITS else float(RNG.choice([1e-7, 1e-40, 1e-300]))
    mask = RNG.integers(0, classes, outer).astype(np.uint16)
    expected = truth_of(formula, values, mask, inner, corners, floor)
    for level in LEVELS:
        model = NetworkLoss(classes, kind, level, align_corners=corners, trust_kind=1, floor=floor, **more)
        judge(f"{name} {maker.__name__} {size:g} {array.dtype} {inner}->{outer} level {level}"
              f" ({number_of_case})",
              lambda model=model: model.map(array, mask, np.zeros(outer, np.float32), bf16), expected)


def try_queries(number_of_case, maker, size):
    inner, outer = GRIDS[RNG.integers(len(GRIDS))]
    queries, classes = int(RNG.choice([1, 2, 5, 20])), int(RNG.choice([1, 2, 5]))
    corners, first = int(RNG.integers(2)), int(RNG.integers(2))
    with np.errstate(over="ignore"):
        masks = np.clip(maker((queries, *inner), size), -FLT_MAX, FLT_MAX).astype(np.float32)
        other = MAKERS[RNG.integers(len(MAKERS))]
        rows = other((queries, classes + 1, 1), SIZES[RNG.integers(len(SIZES))])[..., 0]
        rows = np.ascontiguousarray(np.clip(rows, -FLT_MAX, FLT_MAX).astype(np.float32))
    floor = float(RNG.choice([1e-7, 1e-40, 1e-300]))
    mask = RNG.integers(0, classes, outer).astype(np.uint16)

    def formula(values, k, at, floor):
        return queries_truth(rows, values, k, at, first, floor)

    expected = truth_of(formula, masks, mask, inner, corners, floor)
    for level in LEVELS:
        model = NetworkLoss(classes, SCORES, level, align_corners=corners, trust_kind=1, floor=floor,
                            compose_first=first)
        judge(f"queries {maker.__name__} {size:g} first {first} {inner}->{outer} level {level}"
              f" ({number_of_case})",
              lambda model=model: model.queries(rows, masks, mask, np.zeros(outer, np.float32)), expected)


def try_equal():
    """What no one may refuse: all channels equal, however large."""
    for size in [1e10, 1e12, -1e20, 1e30, FLT_MAX, -FLT_MAX]:
        for outer in [(2, 3), (5, 7), (12, 18)]:
            output = np.full((19, 2, 3), size, np.float32)
            mask = np.zeros(outer, np.uint16)
            loss = NetworkLoss(19, LOGITS, trust_kind=1).map(output, mask, np.zeros(outer, np.float32))
            tap.ok(bool(np.all(np.abs(loss - np.log(19)) < 5e-6)), f"equal logits of {size:g}, {outer}",
                   repr(loss))


def try_not_finite():
    """A value that is not finite is named, wherever it has a weight."""
    for bad in [np.inf, -np.inf, np.nan]:
        for name, (kind, _, more) in KINDS.items():
            for outer in [(2, 3), (5, 7)]:
                output = np.full((1 if more else 2, 2, 3), 0.5, np.float32)
                output[0, 1, 1] = bad
                model = NetworkLoss(2, kind, trust_kind=1, **more)
                try:
                    # The probability of another class is not read.
                    model.map(output, np.zeros(outer, np.uint16), np.zeros(outer, np.float32))
                    message = "accepted"
                except network.Refused as refusal:
                    message = str(refusal)
                tap.ok("(x 1, y 1)" in message, f"{bad} of {name}, {outer}", message)


for case in range(CASES):
    for chosen in KINDS:
        try_kind(case, chosen, MAKERS[RNG.integers(len(MAKERS))], SIZES[RNG.integers(len(SIZES))])
    try_queries(case, MAKERS[RNG.integers(len(MAKERS))], SIZES[RNG.integers(len(SIZES))])
try_equal()
try_not_finite()
print(f"# {COUNT['computed']} losses computed, {COUNT['refused']} refused")
tap.ok(COUNT["refused"] * 4 < COUNT["computed"], "few are refused", str(COUNT))
tap.done()
