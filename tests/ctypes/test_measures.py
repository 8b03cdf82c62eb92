# ctypes/test_measures.py - hardness and filters with strata against NumPy; resizing against Pillow's own.
import ctypes
import math
import os
import sys

import tap
from freemask_ctypes import Interface

tap.need("numpy", "PIL")
import numpy as np  # noqa: E402

sys.path.insert(0, os.path.join(tap.SOURCE, "tests", "golden"))
import reference  # noqa: E402

LIB = Interface(os.environ["FM_SHARED"])
ERROR = LIB.struct("fm_error")
CONTEXT = ctypes.c_void_p()
LIB.fm_context_create(None, ctypes.byref(CONTEXT), None)
MEAN, WORST_CLASS, TOP_SHARE = range(3)
K, IGNORED = 7, 200
rng = np.random.default_rng(77)


class Failure(Exception):
    pass


def call(function, *arguments):
    err = ERROR()
    if function(*arguments, ctypes.byref(err)):
        raise Failure(err.message.decode())


def mean_table(means, pixels=None):
    """[classes] or [classes, strata]; several strata need their pixels."""
    means = np.asarray(means, np.float64)
    table = LIB.make("fm_mean_table", class_count=len(means), strata=means.size // len(means),
                     mean_loss=(ctypes.c_double * means.size)(*means.ravel()))
    if pixels is not None:
        table.pixels = (ctypes.c_int64 * means.size)(*map(int, np.ravel(pixels)))
    return table


def make_labels(classes, ignored):
    options = LIB.labels_options(classes, ignored)
    options.name = b"own"
    labels = ctypes.c_void_p()
    call(LIB.fm_labels_create, CONTEXT, options, ctypes.byref(labels))
    return labels


class Estimator:
    def __init__(self, means, **options):
        labels, self.handle = make_labels(K, IGNORED), ctypes.c_void_p()
        call(LIB.fm_hardness_create_from_means, labels, mean_table(means),
             LIB.make("fm_hardness_options", **options), ctypes.byref(self.handle))
        LIB.fm_labels_destroy(labels)

    def measure(self, mask, loss=None):
        mask = np.ascontiguousarray(mask, np.uint8)
        value, valid = ctypes.c_double(-1), ctypes.c_int64(-1)
        view = LIB.fm_plane_make(mask.ctypes.data, LIB.FM_U8, *mask.shape)
        outputs = ctypes.byref(value), ctypes.byref(valid)
        if loss is None:
            call(LIB.fm_hardness_measure, self.handle, ctypes.byref(view), *outputs)
        else:
            loss = np.ascontiguousarray(loss, np.float32)
            other = LIB.fm_plane_make(loss.ctypes.data, LIB.FM_F32, *loss.shape)
            call(LIB.fm_hardness_measure_loss, self.handle, ctypes.byref(view), ctypes.byref(other), *outputs)
        return value.value, valid.value

    def __del__(self):
        LIB.fm_hardness_destroy(self.handle)


def table_measure(measure, share, means, mask):
    """By the class's mean at each pixel."""
    pixels = mask[mask != IGNORED].ravel()
    if not len(pixels):
        return 0.0
    if measure == WORST_CLASS:
        present = [k for k in range(K) if (pixels == k).any()]
        large = [k for k in present if (pixels == k).sum() >= share * len(pixels)]
        return max(means[k] for k in large or present)
    return top_mean(np.asarray(means)[pixels], share or 0.1)


def top_mean(values, share):
    values = np.sort(np.asarray(values, np.float64))[::-1]
    wanted = share * len(values)
    whole = math.floor(wanted)
    part = (wanted - whole) * values[whole] if whole < len(values) else 0
    return (math.fsum(values[:whole]) + part) / wanted


def own_measure(measure, share, mask, loss):
    classes, losses = mask[mask != IGNORED], loss[mask != IGNORED].astype(np.float64)
    if not len(losses):
        return 0.0
    if measure == MEAN:
        return math.fsum(losses) / (len(losses) + 1e-5)
    if measure == WORST_CLASS:
        own = {k: (math.fsum(losses[classes == k]) / ((classes == k).sum() + 1e-5), (classes == k).sum())
               for k in np.unique(classes)}
        large = [mean for mean, pixels in own.values() if pixels >= share * len(losses)]
        return max(large or [mean for mean, _ in own.values()])
    return top_mean(losses, share or 0.1)


def random_image(i):
    shape = tuple(rng.integers(1, 40, 2))
    labels = rng.choice(K, rng.integers(1, K + 1), replace=False)
    mask = rng.choice(np.append(labels, IGNORED), shape)
    loss = rng.gamma(1.2, 0.5, shape).astype(np.float32)
    loss[rng.random(shape) < 0.1] = rng.choice([0, -0.0, 1, 1e-40, 1e30])
    loss[mask == IGNORED] = np.nan
    return (np.full_like(mask, IGNORED) if i == 0 else mask), loss


def close(a, b):
    return a == b or abs(a - b) <= 1e-12 * max(abs(a), abs(b))


def check_measures():
    for measure, name in ((MEAN, "mean"), (WORST_CLASS, "worst class"), (TOP_SHARE, "top share")):
        wrong = []
        for i in range(120):
            mask, loss = random_image(i)
            share = 0 if measure == MEAN else float(rng.choice([0, 0.01, 0.25, 0.7, 1]))
            means = rng.choice([0, 0.5, 1.25, 3, 0.1], K) if i % 2 else rng.random(K)
            estimator = Estimator(means, measure=measure, share=share, resize_width=-1, resize_height=-1)
            value, valid = estimator.measure(mask)
            expected = (table_measure(measure, share, means, mask) if measure != MEAN else
                        reference.hardness(reference.Space("own", K, IGNORED, {k: k for k in range(K)}),
                                           mask, means, None)[0])
            if not close(value, expected) or valid != (mask != IGNORED).sum():
                wrong.append(("table", share, value, expected, valid))
            value, valid = estimator.measure(mask, loss)
            expected = own_measure(measure, share, mask, loss)
            if not close(value, expected) or valid != (mask != IGNORED).sum():
                wrong.append(("own", share, value, expected, valid))
        tap.equal(wrong[:1], [], f"{name}: 120 images, by class means and by their own losses")


def check_share_of_a_class():
    """A class of exactly the share counts; of a pixel less it does not, unless none has as many."""
    means = [3.0, 1.0, 2.0, 0, 0, 0, 0]
    mask = np.array([[0] * 5 + [1] * 11 + [2] * 4 + [IGNORED] * 7])
    for share, expected in ((0, 3.0), (0.25, 3.0), (0.26, 1.0), (0.55, 1.0), (0.56, 3.0)):
        made = Estimator(means, measure=WORST_CLASS, share=share, resize_width=-1, resize_height=-1)
        tap.equal(made.measure(mask)[0], expected, f"worst class of at least {share} of the pixels")


def check_resized():
    """The other measures look at the resized mask, too."""
    mask, _ = random_image(1)
    means = rng.random(K)
    small = reference.resized(mask, (30, 20)).astype(np.uint8)
    for measure in (WORST_CLASS, TOP_SHARE):
        estimator = Estimator(means, measure=measure, share=0.2, resize_width=30, resize_height=20)
        tap.ok(close(estimator.measure(mask)[0], table_measure(measure, 0.2, means, small)),
               f"measure {measure} of a resized mask")


def fails_with(text, function, *arguments, **more):
    try:
        function(*arguments, **more)
        tap.ok(False, f"refused: {text}", "it was accepted")
    except Failure as failure:
        tap.ok(text in str(failure), f"refused: {text}", failure)


def check_refusals():
    means = [1.0] * K
    fails_with("measure is 3", Estimator, means, measure=3)
    fails_with("measure is -1", Estimator, means, measure=-1)
    fails_with("share is 0.5", Estimator, means, share=0.5)
    fails_with("share is 1.5", Estimator, means, measure=1, share=1.5)
    fails_with("share is nan", Estimator, means, measure=2, share=math.nan)
    fails_with("reserved is 1", Estimator, means, reserved=1)
    estimator = Estimator(means)
    mask, loss = np.zeros((4, 5), np.uint8), np.ones((4, 5), np.float32)
    fails_with("4x4", estimator.measure, mask, loss[:, :4])
    loss[2, 3] = -1
    fails_with("x 3, y 2", estimator.measure, mask, loss)
    mask[1, 1] = 100
    fails_with("x 1, y 1", estimator.measure, mask, loss)


def plane(array):
    """A view of an array, whatever its strides."""
    dtypes = {"u1": "FM_U8", "i2": "FM_I16", "i8": "FM_I64", "f2": "FM_F16", "f4": "FM_F32", "f8": "FM_F64"}
    made = LIB.fm_plane_make(array.ctypes.data, getattr(LIB, dtypes[array.dtype.str[1:]]), *array.shape)
    made.row_stride, made.col_stride = array.strides
    return ctypes.pointer(made)


class StrataFilter:
    """A filter by class and stratum whose ignore label is no byte."""

    def __init__(self, means, pixels, ignore, share):
        labels, self.handle, self.ignore = make_labels(K, ignore), ctypes.c_void_p(), ignore
        call(LIB.fm_filter_create_from_means, labels, mean_table(means, pixels),
             LIB.make("fm_filter_options", min_kept_share=share), ctypes.byref(self.handle))
        LIB.fm_labels_destroy(labels)
        self.classes, self.strata = means.shape

    def thresholds(self):
        out = (ctypes.c_float * (self.classes * self.strata))()
        call(LIB.fm_filter_thresholds, self.handle, out, len(out))
        return np.array(out, np.float32).reshape(self.classes, self.strata)

    def apply(self, mask, loss, strata, dtype):
        out, dropped = np.zeros(mask.shape, dtype), (ctypes.c_int64 * (self.classes * self.strata))()
        report = LIB.make("fm_filter_report", stratum_dropped=dropped)
        extra = LIB.make("fm_extra_planes", strata=plane(strata))
        call(LIB.fm_filter_apply, self.handle, plane(mask), plane(loss), extra, plane(out), report)
        return out, np.array(dropped).reshape(self.classes, self.strata), (report.valid, report.dropped)

    def weigh(self, mask, loss, strata, dtype, dropped, **more):
        out, extra = np.zeros(mask.shape, dtype), LIB.make("fm_extra_planes", strata=plane(strata))
        call(LIB.fm_filter_weigh, self.handle, plane(mask), plane(loss), extra,
             LIB.make("fm_weight_options", dropped=dropped, **more), plane(out), None)
        return out

    def __del__(self):
        LIB.fm_filter_destroy(self.handle)


def strata_thresholds(means, pixels):
    """In strata without a real pixel the mean of the class, 0 where the class has none."""
    known = np.where(pixels > 0, means, 0)
    whole = (known * (pixels + 1e-5)).sum(1, where=pixels > 0) / (pixels.sum(1) + 1e-5)
    return (1.25 * np.where(pixels > 0, known, whole[:, None])).astype(np.float32)


def raised(limits, mask, loss, strata, share):
    """Thresholds of one image with a floor."""
    limits = limits.copy()
    for k, s in np.ndindex(limits.shape):
        here = np.sort(loss[(mask == k) & (strata == s)])
        wanted = math.ceil(share * len(here))
        if wanted and (here <= limits[k, s]).sum() < wanted:
            limits[k, s] = here[wanted - 1]
    return limits


def power(x, e):
    """x ** (e / 2**32) by products and square roots, as doc/random.md says."""
    result, square, root = np.ones_like(x), x, x
    whole, part = e >> 32, e & 0xffffffff
    while whole:
        if whole & 1:
            result = result * square
        square = square * square
        whole >>= 1
    while part:
        root = np.sqrt(root)
        if part >> 31:
            result = result * root
        part = part << 1 & 0xffffffff
    return result


def soft_weights(loss, limit, kind, dropped, width=0., gamma=0.):
    """As filter.h defines ramp and power."""
    s, t = loss.astype(np.float64), limit.astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        if kind == 1:
            low, high = (1 - (width or .5)) * t, (1 + (width or .5)) * t
            part = np.where(s <= low, 1, np.where(s < high, (high - s) / (high - low), 0))
        else:
            e = math.floor((gamma or 1) * 65536 + .5) << 16
            ratio = np.where(s > t, t / s, 1)
            part = power(ratio, e)
    return dropped + (1 - dropped) * part


def check_filter_strata():
    wrong = []
    for i in range(60):
        count = int(rng.integers(2, 9))
        pixels = rng.choice([0, 1, 50, 10**9], (K, count), p=(0.3, 0.2, 0.3, 0.2))
        pixels[0, 0] = 5
        means = np.where(pixels > 0, rng.gamma(2, 0.3, (K, count)), 0)
        share = float(rng.choice([0, 0, 0.3, 1]))
        made = StrataFilter(means, pixels, int(rng.choice([-1, -100])), share)
        limits = made.thresholds()
        if not np.allclose(limits, strata_thresholds(means, pixels), rtol=1e-7, atol=0):
            wrong.append(("thresholds", limits))
        big = rng.integers(0, K, (rng.integers(1, 70), 2 * rng.integers(1, 60))).astype(np.uint8)
        mask = (big, big[::-1], big[:, ::2], big.T)[i % 4]
        strata = rng.integers(0, count, mask.shape).astype(np.uint8)
        loss = rng.gamma(1.2, 0.6, mask.shape).astype((np.float32, np.float64, np.float16)[i % 3])
        as_float = loss.astype(np.float32)
        noisy = as_float > raised(limits, mask, as_float, strata, share)[mask, strata]
        out, dropped, totals = made.apply(mask, loss, strata, (np.int16, np.int64)[i % 2])
        if not np.array_equal(out, np.where(noisy, made.ignore, mask.astype(np.int64))):
            wrong.append(("filtered", i))
        expected = np.zeros((K, count), np.int64)
        np.add.at(expected, (mask[noisy], strata[noisy]), 1)
        if not np.array_equal(dropped, expected) or totals != (mask.size, noisy.sum()):
            wrong.append(("report", i, totals))
        dtype, weight = (np.float16, np.float32, np.float64)[i % 3], float(rng.random())
        if not np.array_equal(made.weigh(mask, loss, strata, dtype, weight),
                              np.where(noisy, np.array(weight, dtype), np.array(1, dtype))):
            wrong.append(("weights", i, weight))
        for more in ({"kind": 1, "width": float(rng.choice([0, .2, 1]))}, {"kind": 2, "gamma": float(rng.choice([0, .5, 3.3]))}):
            limit = raised(limits, mask, as_float, strata, share)[mask, strata]
            if not np.array_equal(made.weigh(mask, loss, strata, dtype, weight, **more),
                                  soft_weights(as_float, limit, dropped=weight, **more).astype(dtype)):
                wrong.append(("soft weights", i, weight, more))
    tap.equal(wrong[:1], [], "filters by class and stratum: 60 images")


def check_pooled_strata():
    """Hardness has one mean for each class, whatever strata its statistics have."""
    pixels = rng.integers(0, 100, (K, 5))
    means = np.where(pixels > 0, rng.random((K, 5)), 0)
    labels, handle, out = make_labels(K, IGNORED), ctypes.c_void_p(), (ctypes.c_double * K)()
    call(LIB.fm_hardness_create_from_means, labels, mean_table(means, pixels), None, ctypes.byref(handle))
    call(LIB.fm_hardness_means, handle, out, K)
    expected = (means * (pixels + 1e-5)).sum(1, where=pixels > 0) / (pixels.sum(1) + 1e-5)
    tap.ok(np.allclose(out, expected, rtol=1e-14, atol=0), "means of classes with strata", list(out))
    LIB.fm_hardness_destroy(handle)
    LIB.fm_labels_destroy(labels)


def check_pillow():
    """A mask whose every column (row) is a class of its own: all that a resize can get wrong shows."""
    wrong, differ = [], 0
    for n in list(range(1, 90, 4)) + [8, 512, 1023, 1024, 2048]:
        means = np.random.default_rng(n).random(n)
        space = reference.Space("own", n, 65535, {k: k for k in range(n)})
        labels = make_labels(n, 65535)
        for size in (300, 500, 640, 512, 1, 7, 1000):
            mask = np.arange(n, dtype=np.uint16)[None]
            made = LIB.make("fm_hardness_options", resize_width=size, resize_height=2)
            hardness = ctypes.c_void_p()
            call(LIB.fm_hardness_create_from_means, labels, mean_table(means), made,
                 ctypes.byref(hardness))
            value = ctypes.c_double()
            view = LIB.fm_plane_make(mask.ctypes.data, LIB.FM_U16, 1, n)
            call(LIB.fm_hardness_measure, hardness, ctypes.byref(view), ctypes.byref(value), None)
            expected, _ = reference.hardness(space, mask, means, (size, 2))
            if value.value != expected:
                wrong.append((n, size, value.value, expected))
            quotient = (2 * np.arange(size) + 1) * n // (2 * size)
            differ += not np.array_equal(reference.resized(mask, (size, 2))[0], quotient)
            LIB.fm_hardness_destroy(hardness)
        LIB.fm_labels_destroy(labels)
    tap.equal(wrong[:1], [], "hardness takes the pixels that Pillow takes")
    tap.ok(differ > 0, "which in some of these cases are not the quotient's", differ)


def main():
    check_measures()
    check_share_of_a_class()
    check_resized()
    check_refusals()
    check_filter_strata()
    check_pooled_strata()
    check_pillow()
    LIB.fm_context_destroy(CONTEXT)
    tap.done()


main()
