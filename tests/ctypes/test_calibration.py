# ctypes/test_calibration.py - promises about images: words against NumPy, thresholds against fractions
# and the definition, and simulations in which a calibration keeps what a pixel quantile does not.
import ctypes
import math

from kit import CONTEXT, LIB, call, encoded, made, refusal, tap, view

# kit says where the references lie
# isort: split
import calibration_reference as reference
import numpy as np

CLASSES, IGNORED, BINS = 3, 255, reference.BINS
rng = np.random.default_rng(45)


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


def raw(which):
    words = (ctypes.c_int64 * LIB.fm_calibration_word_count(which))()
    call(LIB.fm_calibration_export, which, words, len(words))
    return words


def exported(which):
    return np.array(raw(which)[1:], object).reshape(CLASSES, 1 + BINS)


def threshold(which, k, alpha=0., delta=0.):
    out, promise = ctypes.c_float(), LIB.make("fm_promise", alpha=alpha, delta=delta)
    call(LIB.fm_calibration_threshold, which, k, ctypes.byref(promise), ctypes.byref(out))
    return out.value


def check_words():
    images = [image() for _ in range(4)]
    images[0][0][images[0][0] == 1] = IGNORED
    which = calibration(images)
    if raw(which)[0] != 4 or LIB.fm_calibration_image_count(which, -1) != 4:
        return "the number of images"
    for k, row in enumerate(reference.words(images, CLASSES)):
        if list(exported(which)[k]) != row:
            return f"class {k}"
    return None


def check_merging():
    images = [image() for _ in range(9)]
    whole, first, second = calibration(images), calibration(images[:4]), calibration(images[4:])
    call(LIB.fm_calibration_merge, second, first)
    words = exported(whole)
    if not (exported(second) == words).all():
        return "merged parts differ from the whole"
    flat, layout = raw(whole), LIB.make("fm_class_stats_layout")
    call(LIB.fm_calibration_get_layout, whole, ctypes.byref(layout))
    again = calibration([])
    call(LIB.fm_calibration_import, again, flat, len(flat), ctypes.byref(layout))
    if not (exported(again) == words).all():
        return "words are imported as something else"
    LIB.fm_calibration_clear(again)
    if any(raw(again)):
        return "something stays after clearing"
    foreign, many, other = (LIB.make("fm_class_stats_layout") for _ in range(3))
    for one in (foreign, many, other):
        call(LIB.fm_calibration_get_layout, whole, ctypes.byref(one))
    foreign.labels_fingerprint, many.class_count, other.ranks_fingerprint = 1, 9, 5
    short = raw(whole)
    short[0] = 1
    empty = made(LIB.fm_calibration_create, STATS)

    def imported(layout):
        return refusal(LIB.fm_calibration_import, empty, raw(whole), len(flat), ctypes.byref(layout))
    flat[5] = -1
    told = [(refusal(LIB.fm_calibration_import, again, flat, len(flat), None), "class 0"),
            (refusal(LIB.fm_calibration_import, again, short, len(short), None), "class 0"),
            (refusal(LIB.fm_calibration_import, again, flat, 3, None), "count is 3"),
            (imported(foreign), "label space"), (imported(many), "class_count 9"), (imported(other), "other ranks"),
            (refusal(LIB.fm_calibration_create, statistics(0), ctypes.byref(ctypes.c_void_p())), "histogram"),
            (refusal(LIB.fm_calibration_create, statistics(32, 2), ctypes.byref(ctypes.c_void_p())), "2 strata"),
            (refusal(LIB.fm_calibration_merge, again, made(LIB.fm_calibration_create, statistics(8))), "bins"),
            (refusal(LIB.fm_filter_create_calibrated, calibration([]), None, ctypes.byref(LIB.make(
                "fm_filter_options", policy=1)), ctypes.byref(ctypes.c_void_p())), "no image")]
    return [(got, word) for got, word in told if word not in got] or None


def check_thresholds():
    for n in (5, 30, 60, 150):
        which = calibration([image() for _ in range(n)])
        words = exported(which)
        for k in range(CLASSES):
            for alpha, delta in ((.05, 0), (.2, 0), (.05, .1), (.2, .3)):
                exact = reference.threshold(words[k], CLASSES, alpha, delta)
                if threshold(which, k, alpha, delta) != exact:
                    return f"{n} images, class {k}, alpha {alpha}, delta {delta}"
    return None


def check_needed():
    """The least number of images of which one can promise at all."""
    which, out = calibration([]), ctypes.c_int64()
    for alpha, delta in ((0, 0), (.05, 0), (.1, 0), (.3, 0), (.05, .1), (.2, .3)):
        promise = LIB.make("fm_promise", alpha=alpha, delta=delta)
        call(LIB.fm_calibration_images_needed, which, ctypes.byref(promise), ctypes.byref(out))
        good = [reference.kept_in_expectation(0, n, alpha or .05) if not delta else
                reference.p_value(0., n, alpha) <= delta / CLASSES for n in range(1, 200)]
        if out.value != 1 + good.index(True):
            return f"alpha {alpha}, delta {delta}: {out.value}"
    return None


def check_files():
    """A file gives all back; what is damaged is refused by name."""
    which = calibration([image() for _ in range(5)])
    text = encoded(LIB.fm_calibration_encode, which)
    labels = made(LIB.fm_labels_decode, CONTEXT, text, len(text), None)
    again = made(LIB.fm_calibration_decode, labels, text, len(text))
    if list(raw(again)) != list(raw(which)) or encoded(LIB.fm_calibration_encode, again) != text:
        return "read as something else"
    stats = encoded(LIB.fm_class_stats_encode, STATS)

    def decoded(data, space=LABELS):
        return refusal(LIB.fm_calibration_decode, space, data, len(data), ctypes.byref(ctypes.c_void_p()))
    other = made(LIB.fm_labels_create, CONTEXT, LIB.labels_options(CLASSES, 254))
    told = [(decoded(text[:-9]), "broken JSON"), (decoded(stats), "freemask-calibration"), (decoded(text, other), "label space"),
            (decoded(text.replace(b'"images": 5,', b'"images": 6,', 1)), "checksum"),
            (decoded(text.replace(b'"images": 5,', b'"images": 4,', 1)), "class 0"),
            (decoded(text.replace(b'"version": 1', b'"version": 3', 1)), "version 3"),
            (decoded(text.replace(b'"words": "', b'"words": "1 ', 1)), "1027 numbers"),
            (decoded(text.replace(b'"words": "', b'"words": " ', 1)), "words, character 1"),
            (decoded(text.replace(b'"statistics":', b'"statistic":')), "member statistics is missing")]
    return [(got, word) for got, word in told if word not in got] or None


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
    same = [made(LIB.fm_filter_create_calibrated, which, ctypes.byref(promise), options) for options in (None, ctypes.byref(
        LIB.make("fm_filter_options", policy=1, tolerance=3., real_share=.5, unseen=0)))]
    alike = all(LIB.fm_filter_threshold(f, k, 0) == bars[k] for f in same for k in range(CLASSES))
    return np.array_equal(out, np.where(dropped, IGNORED, mask)) and dropped.any() and alike


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
tap.equal(check_needed(), None, "how many images a promise takes")
try:
    tap.equal(check_files(), None, "files give calibrations back, and trust nothing")
except RuntimeError as e:
    if "built without JSON" not in str(e):
        raise
    tap.skip("files give calibrations back, and trust nothing", str(e))
tap.ok(check_filter(), "a filter of a calibration has its thresholds")
tap.ok(few_images(), "a class with too few images keeps everything")
for images, rounds in ((40, 100), (100, 60), (500, 25)):
    confident, expected, quantile = simulate(images, rounds)
    noise = 3 * math.sqrt(DELTA * (1 - DELTA) / rounds)
    tap.ok(confident >= 1 - DELTA - noise, f"{images} images: the promise is kept with its confidence", confident)
    tap.ok((expected <= ALPHA * 1.02).all(), f"{images} images: the promise is kept in expectation", expected)
    tap.ok(quantile.max() > DELTA, f"{images} images: a quantile of pixels would not keep it", quantile)
tap.done()
