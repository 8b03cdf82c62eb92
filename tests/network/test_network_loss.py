# network/test_network_loss.py - losses from network outputs against float64, over random shapes,
# scales, dtypes, memory orders and values.
"""FM_CROSS_SEED and FM_CROSS_CASES ask for others and for more."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "ctypes"))

import tap

tap.need("numpy")
import network  # noqa: E402
import numpy as np  # noqa: E402
import truth  # noqa: E402
from network import IGNORED, LOGITS, PROBS, SCORES, NetworkLoss  # noqa: E402

RNG = np.random.default_rng(int(os.environ.get("FM_CROSS_SEED", "20231")))
CASES = int(os.environ.get("FM_CROSS_CASES", "30"))
LEVELS = network.levels()
CLASSES = [1, 2, 2, 3, 5, 16, 17, 19, 21, 33, 59, 150, 171, 847]
SCALES = [1, 1, 2, 2.7, 3, 4, 4, 8, 0.4, 16, 1.5]
MOST = 2_000_000  # values of a resized output
WORST = {}


def one_of(values):
    return values[RNG.integers(len(values))]


def judge(name, loss, expected, valid):
    """Within 5e-6 below 20 nats, within 1e-5 of the loss above."""
    bound = np.where(expected < 20, 5e-6, 1e-5 * expected)
    share = np.where(valid, np.abs(loss - expected) / bound, 0)
    at = np.unravel_index(np.argmax(np.where(np.isfinite(share), share, np.inf)), share.shape)
    good = bool(np.all(share <= 1)) and bool(np.all(loss[~valid] == 0))
    kind = name.split()[0]
    WORST[kind] = max(WORST.get(kind, 0), float(share[at]))
    tap.ok(good, f"{name}: {share[at]:.3f} of the bound",
           f"at (x {at[1]}, y {at[0]}): {loss[at]!r}, expected {expected[at]!r}")


# ---- Inputs ---------------------------------------------------------------------------------------

def shapes():
    """Sizes of a network's output and of a mask."""
    inner = RNG.integers(1, 40, 2)
    if RNG.random() < 0.1:
        inner[RNG.integers(2)] = 1
    scale = one_of(SCALES) if RNG.random() < 0.8 else RNG.uniform(0.3, 6)
    outer = np.maximum(1, np.round(inner * scale).astype(int))
    if scale != 1 and RNG.random() < 0.5:
        outer = np.maximum(1, outer + RNG.integers(-1, 2, 2))
    return tuple(map(int, inner)), tuple(map(int, outer))


def class_count(size):
    fitting = [c for c in CLASSES if c * size[0] * size[1] <= MOST]
    return int(one_of(fitting)) if fitting else 1


def mask_of(classes, size):
    """Patches, single pixels, ignored ones."""
    coarse = RNG.integers(0, classes, (size[0] // 6 + 1, size[1] // 6 + 1))
    mask = np.kron(coarse, np.ones((6, 6), int))[:size[0], :size[1]]
    noise = RNG.random(size) < 0.1
    mask = np.where(noise, RNG.integers(0, classes, size), mask)
    mask[RNG.random(size) < 0.1] = IGNORED
    mask = np.ascontiguousarray(mask.astype(one_of(["uint16", "int32", "int64"])))
    return mask, mask != IGNORED, np.where(mask == IGNORED, 0, mask).astype(np.int64)


def rough(shape):
    """No two neighbours alike."""
    return RNG.normal(size=shape) * one_of([1, 4, 10, 30, 100])


def confident(shape):
    """One channel far above the others, another one in the next pixel."""
    z = RNG.normal(size=shape) - RNG.uniform(2, 30)
    winners = RNG.integers(0, shape[0], shape[1:])
    np.put_along_axis(z, winners[None], RNG.uniform(0, 12, (1, *shape[1:])), 0)
    return z


def smooth(shape):
    """As networks put them out: channels that rise and fall over many pixels."""
    y, x = np.mgrid[:shape[1], :shape[2]]
    phase = RNG.uniform(0, 6.3, (3, shape[0], 1, 1))
    speed = RNG.uniform(0.05, 0.8, (2, shape[0], 1, 1))
    return 8 * np.sin(speed[0] * y + phase[0]) * np.cos(speed[1] * x + phase[1]) + phase[2]


def far_off(shape):
    return rough(shape) + one_of([-3000.0, 500.0, 1e5])


def logits_of(shape):
    return one_of([rough, rough, confident, smooth, far_off])(shape)


def shares_of(shape, normalised):
    p = np.exp(RNG.normal(size=shape) * one_of([0.5, 3, 6]))
    p /= p.sum(0)
    return p if normalised else p * RNG.uniform(0.01, 1.4, (1, *shape[1:]))


def rounded(values):
    """Values in some dtype: the array to pass, the numbers that it holds, whether it is bf16."""
    dtype = one_of(["float32", "float32", "float16", "bfloat16"])
    if dtype == "bfloat16":
        bits = values.astype(np.float32).view(np.uint32) >> 16
        return bits.astype(np.uint16), (bits << 16).astype(np.uint32).view(np.float32), True
    if dtype == "float16":
        values = np.clip(values, -65504, 65504)
    array = values.astype(dtype)
    return array, array, False


def laid_out(array):
    """The same array in another memory order, with its name."""
    c, h, w = array.shape
    order = one_of(["CHW", "CHW", "HWC", "gaps", "flipped", "shifted"])
    if order == "HWC":
        return np.ascontiguousarray(array.transpose(1, 2, 0)).transpose(2, 0, 1), order
    if order == "gaps":
        wide = np.zeros((c, h + 1, 3 * w), array.dtype)
        wide[:, :h, ::3] = array
        return wide[:, :h, ::3], order
    if order == "flipped":
        return np.ascontiguousarray(array[:, ::-1, ::-1])[:, ::-1, ::-1], order
    if order == "shifted":
        memory = np.zeros(array.size + 7, array.dtype)[3:3 + array.size].reshape(array.shape)
        memory[...] = array
        return memory, order
    return array, order


def loss_of(size):
    """A map that was something else before; packed or not."""
    if RNG.random() < 0.7:
        return np.full(size, -7, np.float32)
    return np.full((size[0], 2 * size[1]), -7, np.float32)[:, ::2]


# ---- Cases ----------------------------------------------------------------------------------------

def say(kind, classes, inner, outer, order, array, corners, level):
    return (f"{kind} C {classes} {inner[1]}x{inner[0]} to {outer[1]}x{outer[0]} {order} {array.dtype}"
            f"{' corners' if corners else ''} kernels {level}")


def try_logits(level):
    inner, outer = shapes()
    classes = class_count(outer)
    spare = int(one_of([0, 0, 0, 1, 3]))  # channels that are no class
    mask, valid, classes_at = mask_of(classes, outer)
    array, values, bf16 = rounded(logits_of((classes + spare, *inner)))
    corners = bool(RNG.random() < 0.3)
    channels, more = np.arange(classes), {}
    if spare:
        channels = RNG.permutation(classes + spare)[:classes]
        more = {"channels": channels, "channel_count": classes + spare}
    expected = truth.logits(values, channels[classes_at], corners)
    passed, order = laid_out(array)
    model = NetworkLoss(classes, LOGITS, level, align_corners=corners, trust_kind=1, **more)
    judge(say("logits", classes, inner, outer, order, array, corners, level),
          model.map(passed, mask, loss_of(outer), bf16), expected, valid)


def try_shares(level):
    inner, outer = shapes()
    classes = class_count(outer)
    kind = one_of([PROBS, SCORES])
    mask, valid, classes_at = mask_of(classes, outer)
    array, values, bf16 = rounded(shares_of((classes, *inner), kind == PROBS))
    corners = bool(RNG.random() < 0.3)
    floor = one_of([truth.FLOOR, 1e-3, 1e-12])
    formula = truth.probs if kind == PROBS else truth.scores
    passed, order = laid_out(array)
    model = NetworkLoss(classes, kind, level, align_corners=corners, trust_kind=1, floor=floor)
    judge(say("probs" if kind == PROBS else "scores", classes, inner, outer, order, array, corners,
              level), model.map(passed, mask, loss_of(outer), bf16),
          formula(values, classes_at, corners, floor), valid)


def try_binary(level):
    inner, outer = shapes()
    mask, valid, classes_at = mask_of(2, outer)
    kind = one_of([LOGITS, PROBS])
    z = rough((1, *inner)) / 3
    array, values, bf16 = rounded(z if kind == LOGITS else truth.sigmoid(z))
    corners = bool(RNG.random() < 0.3)
    formula = truth.binary_logits if kind == LOGITS else truth.binary_probs
    passed, order = laid_out(array)
    model = NetworkLoss(2, kind, level, align_corners=corners, trust_kind=1, binary=1)
    judge(say("binary", 2, inner, outer, order, array, corners, level),
          model.map(passed, mask, loss_of(outer), bf16), formula(values, classes_at, corners),
          valid)


def try_queries(level):
    inner, outer = shapes()
    queries = int(one_of([1, 7, 16, 33, 100, 200]))
    classes = class_count((outer[0], outer[1]))
    while queries * outer[0] * outer[1] > MOST and queries > 1:
        queries //= 2
    mask, valid, classes_at = mask_of(classes, outer)
    dtype = one_of(["float32", "float16"])
    class_logits = (RNG.normal(size=(queries, classes + 1)) * 3).astype(dtype)
    mask_logits = (RNG.normal(size=(queries, *inner)) * one_of([2, 8, 30])).astype(dtype)
    first, corners = int(RNG.integers(2)), bool(RNG.random() < 0.3)
    expected = truth.queries(class_logits, mask_logits, classes_at, first, corners)
    passed, order = laid_out(mask_logits)
    model = NetworkLoss(classes, SCORES, level, align_corners=corners, trust_kind=1,
                        compose_first=first)
    judge(say(f"queries {queries}", classes, inner, outer, order, mask_logits, corners, level),
          model.queries(class_logits, passed, mask, loss_of(outer)), expected, valid)


# ---- The truth's own truth --------------------------------------------------------------------------

def check_truth():
    """The formulas against PyTorch in float64."""
    try:
        import torch
        import torch.nn.functional as functional
    except ImportError:
        tap.skip("the formulas are PyTorch's", "PyTorch is not installed")
        return
    worst = 0
    for inner, outer in [((5, 9), (20, 36)), ((7, 4), (19, 11)), ((6, 6), (6, 6)), ((9, 8), (4, 3))]:
        for corners in (False, True):
            z = RNG.normal(size=(7, *inner)) * 9
            target = RNG.integers(0, 7, outer)
            resized = functional.interpolate(torch.from_numpy(z)[None], outer, mode="bilinear",
                                             align_corners=corners)
            loss = functional.cross_entropy(resized, torch.from_numpy(target)[None],
                                            reduction="none")[0].numpy()
            worst = max(worst, np.abs(loss - truth.logits(z, target, corners)).max())
    tap.ok(worst < 1e-9, f"the formulas are PyTorch's: they differ by {worst:.1e}")


check_truth()
for _ in range(CASES):
    for chosen in LEVELS:
        for case in (try_logits, try_logits, try_shares, try_binary, try_queries):
            case(chosen)
for name, share in sorted(WORST.items()):
    print(f"# {name}: at most {share:.3f} of the bound")
tap.done()
