# ctypes/test_calibration.py - promises about images: words against NumPy, thresholds against fractions
# and the definition, and simulations in which a calibration keeps what a pixel quantile does not.
import ctypes
import math
import os
from fractions import Fraction

import tap
from freemask_ctypes import Interface

tap.need("numpy")
import numpy as np  # noqa: E402

LIB = Interface(os.environ["FM_SHARED"])
CONTEXT = ctypes.c_void_p()
LIB.fm_context_create(None, ctypes.byref(CONTEXT), None)
CLASSES, IGNORED, BINS = 3, 255, 32 * 32 + 2
rng = np.random.default_rng(45)


def call(function, *arguments):
    err = LIB.struct("fm_error")()
    if function(*arguments, ctypes.byref(err)):
        raise RuntimeError(err.message.decode())


def made(function, *arguments):
    out = ctypes.c_void_p()
    call(function, *arguments, ctypes.byref(out))
    return out


def refusal(function, *arguments):
    try:
        call(function, *arguments)
    except RuntimeError as error:
        return str(error)
    return "nothing was refused"


def view(array):
    return LIB.fm_plane_make(array.ctypes.data, LIB.dtype(array.dtype.name), *array.shape)


LABELS = made(LIB.fm_labels_create, CONTEXT, LIB.labels_options(CLASSES, IGNORED))


def statistics(histogram=32, strata=1):
    return made(LIB.fm_class_stats_create, LABELS, ctypes.byref(LIB.make(
        "fm_class_stats_options", histogram=histogram, strata=strata)))


STATS = statistics()


def image(side=12):
    """Pixels of one image go together: each class has a level of its own in it."""
    mask = rng.integers(0, CLASSES, (side, side)).astype(np.uint8)
    mask[rng.random(mask.shape) < .1] = IGNORED
    level = np.exp(rng.normal(0, .8, CLASSES))
    loss = rng.gamma(2, .5, mask.shape) * level[np.minimum(mask, CLASSES - 1)]
    return mask, loss.astype(np.float32)


def calibration(images):
    out = made(LIB.fm_calibration_create, STATS)
    for mask, loss in images:
        call(LIB.fm_calibration_add, out, view(mask), view(loss), None)
    return out


def exported(which):
    words = (ctypes.c_int64 * LIB.fm_calibration_word_count(which))()
    call(LIB.fm_calibration_export, which, words, len(words))
    return np.array(words, object).reshape(CLASSES, 1 + BINS)


def edges():
    """The lower end of each bin but the first."""
    return np.array([math.ldexp(1 + i % 32 / 32, i // 32 - 24) for i in range(BINS - 1)])


def threshold(which, k, alpha=0., delta=0.):
    out, promise = ctypes.c_float(), LIB.make("fm_promise", alpha=alpha, delta=delta)
    call(LIB.fm_calibration_threshold, which, k, ctypes.byref(promise), ctypes.byref(out))
    return out.value


def check_words():
    images = [image() for _ in range(4)]
    images[0][0][images[0][0] == 1] = IGNORED
    got = exported(calibration(images))
    for k in range(CLASSES):
        sums, count = [0] * BINS, 0
        for mask, loss in images:
            values = loss[mask == k]
            count += len(values) > 0
            for i, edge in enumerate(edges()):
                if len(values):
                    sums[i] += math.ceil(Fraction(int((values >= np.float32(edge)).sum()), len(values)) * 2**30)
        if list(got[k]) != [count, *sums]:
            return f"class {k}"
    return None


def check_merging():
    images = [image() for _ in range(9)]
    whole, first, second = calibration(images), calibration(images[:4]), calibration(images[4:])
    call(LIB.fm_calibration_merge, second, first)
    words = exported(whole)
    if not (exported(second) == words).all():
        return "merged parts differ from the whole"
    flat = (ctypes.c_int64 * words.size)(*map(int, words.ravel()))
    again = calibration([])
    call(LIB.fm_calibration_import, again, flat, len(flat))
    if not (exported(again) == words).all():
        return "words are imported as something else"
    flat[5] = -1
    told = [(refusal(LIB.fm_calibration_import, again, flat, len(flat)), "class 0"),
            (refusal(LIB.fm_calibration_import, again, flat, 3), "count is 3"),
            (refusal(LIB.fm_calibration_create, statistics(0), ctypes.byref(ctypes.c_void_p())), "histogram"),
            (refusal(LIB.fm_calibration_create, statistics(32, 2), ctypes.byref(ctypes.c_void_p())), "2 strata"),
            (refusal(LIB.fm_calibration_merge, again, made(LIB.fm_calibration_create, statistics(8))), "bins"),
            (refusal(LIB.fm_filter_create_calibrated, calibration([]), None, ctypes.byref(LIB.make(
                "fm_filter_options", policy=1)), ctypes.byref(ctypes.c_void_p())), "no image"),
            (refusal(LIB.fm_filter_create_calibrated, again, None, None, ctypes.byref(ctypes.c_void_p())), "paper")]
    return [(got, word) for got, word in told if word not in got] or None


def kept_in_expectation(total, n, alpha):
    return Fraction(int(total), 2**30) + 1 <= Fraction(alpha) * (n + 1)


def p_value(mean, n, alpha):
    """Of Hoeffding and Bentkus, by the definition."""
    if mean >= alpha:
        return 1.
    entropy = (mean * math.log(mean / alpha) if mean else 0) + (1 - mean) * math.log((1 - mean) / (1 - alpha))
    tail = sum(math.comb(n, j) * alpha**j * (1 - alpha)**(n - j) for j in range(math.ceil(n * mean) + 1))
    return min(math.exp(-n * entropy), math.e * tail)


def check_thresholds():
    for n in (5, 30, 60, 150):
        which = calibration([image() for _ in range(n)])
        words = exported(which)
        for k in range(CLASSES):
            count = int(words[k, 0])
            for alpha, delta in ((.05, 0), (.2, 0), (.05, .1), (.2, .3)):
                good = [kept_in_expectation(s, count, alpha) if not delta else
                        p_value(float(s) / 2**30 / count, count, alpha) <= delta / CLASSES for s in words[k, 1:]]
                first = good.index(True) if any(good) else BINS - 1
                exact = np.float32(edges()[first]) if first < BINS - 1 else np.float32(math.inf)
                if threshold(which, k, alpha, delta) != exact:
                    return f"{n} images, class {k}, alpha {alpha}, delta {delta}"
    return None


def check_filter():
    which = calibration([image() for _ in range(80)])
    promise = LIB.make("fm_promise", alpha=.1)
    filters = made(LIB.fm_filter_create_calibrated, which, ctypes.byref(promise), ctypes.byref(LIB.make(
        "fm_filter_options", policy=1)))
    mask, loss = image()
    out = np.zeros_like(mask)
    call(LIB.fm_filter_apply, filters, view(mask), view(loss), None, view(out), None)
    bars = np.array([threshold(which, k, .1) for k in range(CLASSES)] + [math.inf])
    dropped = loss > bars[np.minimum(mask, CLASSES)]
    return np.array_equal(out, np.where(dropped, IGNORED, mask)) and dropped.any()


# ---- Simulations: the true expected share above a threshold is known -------------------------------------


POPULATION = [image(8) for _ in range(1500)]


GRID = np.geomspace(.05, 60, 300)
# The mean over the population of the share of each class above each threshold, and the class's losses.
RISKS = [np.mean([1 - np.searchsorted(np.sort(loss[mask == k]), GRID, side="right") / max(1, (mask == k).sum())
                  for mask, loss in POPULATION if (mask == k).any()], 0) for k in range(CLASSES)]


def risk(k, bar):
    return float(np.interp(bar, GRID, RISKS[k])) if np.isfinite(bar) else 0.


ALPHA, DELTA = .1, .2


def simulate(n, rounds):
    """For each of many calibrations: is the expected share of each class at most alpha?"""
    confident, expected, quantile = 0, np.zeros(CLASSES), np.zeros(CLASSES)
    for _ in range(rounds):
        chosen = [POPULATION[i] for i in rng.integers(len(POPULATION), size=n)]
        which = calibration(chosen)
        confident += all(risk(k, threshold(which, k, ALPHA, DELTA)) <= ALPHA for k in range(CLASSES))
        for k in range(CLASSES):
            values = np.concatenate([loss[mask == k] for mask, loss in chosen])
            expected[k] += risk(k, threshold(which, k, ALPHA))
            quantile[k] += risk(k, np.quantile(values, 1 - ALPHA)) > ALPHA
        LIB.fm_calibration_destroy(which)
    return confident / rounds, expected / rounds, quantile / rounds


def few_images():
    """Too few images: everything is kept, and the count says so."""
    which = calibration([image() for _ in range(8)])
    return threshold(which, 0, .1) == math.inf and LIB.fm_calibration_image_count(which, 0) == 8


tap.equal(check_words(), None, "words are the images' shares, rounded up")
tap.equal(check_merging(), None, "parts are merged to the words of the whole; what does not fit is refused")
tap.equal(check_thresholds(), None, "thresholds are the least that keep the promise, by the definition")
tap.ok(check_filter(), "a filter of a calibration has its thresholds")
tap.ok(few_images(), "a class with too few images keeps everything")
for images, rounds in ((40, 100), (100, 60), (500, 25)):
    confident, expected, quantile = simulate(images, rounds)
    noise = 3 * math.sqrt(DELTA * (1 - DELTA) / rounds)
    tap.ok(confident >= 1 - DELTA - noise, f"{images} images: the promise is kept with its confidence", confident)
    tap.ok((expected <= ALPHA * 1.02).all(), f"{images} images: the promise is kept in expectation", expected)
    tap.ok(quantile.max() > DELTA, f"{images} images: a quantile of pixels would not keep it", quantile)
tap.done()
