# ctypes/test_ctypes.py - the whole method from Python's standard library, against Python's own
# exact arithmetic.
import ctypes
import math
import os
import random
import struct
from fractions import Fraction

import headers
import tap
from freemask_ctypes import Interface

LIB = Interface(os.environ["FM_SHARED"])
ERROR = LIB.struct("fm_error")
HEIGHT, WIDTH, IGNORED = 23, 31, 255
CLASSES = 19  # cityscapes, train ids
rng = random.Random(20231215)


def f32(value):
    return struct.unpack("f", struct.pack("f", value))[0]


class Failure(Exception):
    def __init__(self, err):
        super().__init__(err.message.decode())
        self.code, self.host_code = err.code, err.host_code


def call(function, *arguments):
    err = ERROR()
    if function(*arguments, ctypes.byref(err)):
        raise Failure(err)


def make(function, *arguments):
    handle = ctypes.c_void_p()
    call(function, *arguments, ctypes.byref(handle))
    return handle


def fails(code, name, function, *arguments):
    """The call fails with the code; returns the failure."""
    try:
        function(*arguments)
    except Failure as failure:
        tap.equal(failure.code, code, name)
        return failure
    tap.ok(False, name, "did not fail")
    return None


class Image:
    """A mask and its losses, some classes easier than others."""

    def __init__(self, classes):
        blocks = {}
        self.labels = [blocks.setdefault((i // WIDTH // 5, i % WIDTH // 7), rng.choice(classes))
                       for i in range(HEIGHT * WIDTH)]
        self.losses = [f32(rng.gammavariate(1.2, 0.1 + 0.05 * label)) if label != IGNORED else math.nan
                       for label in self.labels]
        self.mask = (ctypes.c_uint8 * len(self.labels))(*self.labels)
        self.loss = (ctypes.c_float * len(self.losses))(*self.losses)

    def mask_view(self):
        return LIB.fm_plane_make(self.mask, LIB.FM_U8, HEIGHT, WIDTH)

    def loss_view(self):
        return LIB.fm_plane_make(self.loss, LIB.FM_F32, HEIGHT, WIDTH)


def means_of(images):
    """h_k in exact sums, rounded once, as the method says."""
    sums, pixels = [Fraction(0)] * CLASSES, [0] * CLASSES
    for image in images:
        for label, loss in zip(image.labels, image.losses):
            if label != IGNORED:
                sums[label] += Fraction(loss)
                pixels[label] += 1
    return [float(s) / (n + 1e-5) if n else 0.0 for s, n in zip(sums, pixels)], pixels


def expected_filter(image, means):
    thresholds = [f32(1.25 * mean) for mean in means]
    return [IGNORED if label == IGNORED or loss > thresholds[label] else label
            for label, loss in zip(image.labels, image.losses)]


def expected_hardness(image, means, side=512):
    counts = [0] * CLASSES
    for y in range(side):
        row = (2 * y + 1) * HEIGHT // (2 * side) * WIDTH
        for x in range(side):
            label = image.labels[row + (2 * x + 1) * WIDTH // (2 * side)]
            if label != IGNORED:
                counts[label] += 1
    total = 0.0
    for count, mean in zip(counts, means):
        total += count * mean
    return total / (sum(counts) + 1e-5) if sum(counts) else 0.0


def check_layout():
    if ctypes.sizeof(ctypes.c_void_p) != 8:
        tap.skip("the layout", "recorded for 64-bit machines", excused=True)
        return
    for name in headers.structures():
        with open(os.path.join(tap.SOURCE, "tests", "abi", "layout.txt"), encoding="utf-8") as file:
            recorded = dict(line.rsplit(None, 1) for line in file if line[0] != "#")
        made = LIB.struct(name)
        got = {f"at {name}.{field[0]}": str(getattr(made, field[0]).offset) for field in made._fields_}
        tap.equal({key: recorded.get(key) for key in got}, got, f"{name} has ctypes' natural layout")
        tap.equal(int(recorded[f"size {name}"]), ctypes.sizeof(made), f"{name} has ctypes' size")


def check_method(labels, real, synthetic):
    means, pixels = means_of(real)
    stats = make(LIB.fm_class_stats_create, labels, None)
    for image in real:
        call(LIB.fm_class_stats_add, stats, image.mask_view(), image.loss_view(), None)
    tap.equal([LIB.fm_class_stats_mean(stats, k, -1) for k in range(CLASSES)], means, "mean losses, to the bit")
    tap.equal([LIB.fm_class_stats_pixel_count(stats, k, -1) for k in range(CLASSES)], pixels, "pixels")

    noise = make(LIB.fm_filter_create, stats, None)
    good, reports = True, True
    for image in synthetic:
        out = (ctypes.c_uint8 * (HEIGHT * WIDTH))()
        valid, dropped = (ctypes.c_int64 * CLASSES)(), (ctypes.c_int64 * CLASSES)()
        report = LIB.make("fm_filter_report", class_valid=valid, class_dropped=dropped)
        view = LIB.fm_plane_make(out, LIB.FM_U8, HEIGHT, WIDTH)
        call(LIB.fm_filter_apply, noise, image.mask_view(), image.loss_view(), None, view, report)
        expected = expected_filter(image, means)
        good = good and list(out) == expected
        reports = reports and report.valid == sum(label != IGNORED for label in image.labels)
        reports = reports and report.dropped == sum(a != b for a, b in zip(expected, image.labels))
        reports = reports and (sum(valid), sum(dropped)) == (report.valid, report.dropped)
    tap.ok(good, "filtered masks, pixel for pixel")
    tap.ok(reports, "reports count what happened")

    measure = make(LIB.fm_hardness_create, stats, None)
    hardness = []
    for image in real:
        value = ctypes.c_double()
        call(LIB.fm_hardness_measure, measure, image.mask_view(), ctypes.byref(value), None)
        hardness.append(value.value)
    tap.equal(hardness, [expected_hardness(image, means) for image in real], "hardness, to the bit")
    for handle, destroy in ((measure, LIB.fm_hardness_destroy), (noise, LIB.fm_filter_destroy)):
        destroy(handle)
    return stats, hardness


def check_words(labels, real, stats):
    """Sums of exported words are the merge."""
    count = LIB.fm_class_stats_word_count(stats)
    total, whole = [0] * count, (ctypes.c_int64 * count)()
    call(LIB.fm_class_stats_export, stats, whole, count)
    for image in reversed(real):
        part = make(LIB.fm_class_stats_create, labels, None)
        call(LIB.fm_class_stats_add, part, image.mask_view(), image.loss_view(), None)
        words = (ctypes.c_int64 * count)()
        call(LIB.fm_class_stats_export, part, words, count)
        total = [a + b for a, b in zip(total, words)]
        LIB.fm_class_stats_destroy(part)
    merged = make(LIB.fm_class_stats_create, labels, None)
    call(LIB.fm_class_stats_import, merged, (ctypes.c_int64 * count)(*total), count, None)
    again = (ctypes.c_int64 * count)()
    call(LIB.fm_class_stats_export, merged, again, count)
    tap.equal(list(again), list(whole), "one by one, summed by Python, gives the same words")
    digits = [sum(d << 32 * i for i, d in enumerate(whole[1 + 12 * k + 1:1 + 12 * k + 12])) for k in range(CLASSES)]
    exact = [sum(Fraction(loss) for image in real for label, loss in zip(image.labels, image.losses) if label == k)
             for k in range(CLASSES)]
    tap.equal([Fraction(d, 1 << 149) for d in digits], exact, "the words hold the exact sums")
    LIB.fm_class_stats_destroy(merged)


def words_of(stats):
    words = (ctypes.c_int64 * LIB.fm_class_stats_word_count(stats))()
    call(LIB.fm_class_stats_export, stats, words, len(words))
    return list(words)


def check_sums(labels):
    """Doubles made by Python are added to the last bit, and travel in a blob."""
    stats = make(LIB.fm_class_stats_create, labels, None)
    exact, added = [Fraction(0)] * CLASSES, [0] * CLASSES
    for _ in range(50):
        pixels = [rng.choice((0, 1, 7, 10**6)) for _ in range(CLASSES)]
        sums = [(rng.random() + 1e-9) * 10.0 ** rng.randint(-20, 20) if n else 0.0 for n in pixels]
        call(LIB.fm_class_stats_add_sums, stats, LIB.make(
            "fm_class_sums", image_count=3, class_count=CLASSES, pixels=(ctypes.c_int64 * CLASSES)(*pixels),
            loss_sums=(ctypes.c_double * CLASSES)(*sums)))
        exact = [total + Fraction(one) for total, one in zip(exact, sums)]
        added = [total + one for total, one in zip(added, pixels)]
    words = words_of(stats)
    tap.equal([sum(Fraction(d << 32 * i, 1 << 149) for i, d in enumerate(words[2 + 12 * k:13 + 12 * k]))
               for k in range(CLASSES)], exact, "sums from elsewhere, exactly")
    tap.equal((words[0], [words[1 + 12 * k] for k in range(CLASSES)]), (150, added), "their images and pixels")
    blob = (ctypes.c_uint8 * LIB.fm_class_stats_blob_size(stats))()
    call(LIB.fm_class_stats_save, stats, blob, len(blob))
    tap.equal(struct.unpack(f"<{len(words)}q", bytes(blob)[64:]), tuple(words), "a blob ends with the words")
    back = make(LIB.fm_class_stats_load, labels, blob, len(blob))
    tap.equal(words_of(back), words, "and is loaded")
    layout = LIB.make("fm_class_stats_layout")
    call(LIB.fm_class_stats_get_layout, stats, ctypes.byref(layout))
    tap.equal((layout.labels_fingerprint, layout.class_count, layout.strata, layout.histogram, layout.score),
              (LIB.fm_labels_fingerprint(labels), CLASSES, 1, 0, LIB.FM_SCORE_LOSS), "a layout")
    for handle in (back, stats):
        LIB.fm_class_stats_destroy(handle)


def check_plan(context, ids, hardness):
    seeds = (ctypes.c_int64 * 9)(*range(100, 109))
    options = LIB.make("fm_planner_options", n_max=7, seeds=seeds, seed_count=9, plan_seed=5)
    planner = make(LIB.fm_planner_create, context, options)
    for name, value in zip(ids, hardness):
        call(LIB.fm_planner_add, planner, name.encode(), value, None, 0)
    plan = make(LIB.fm_planner_make_plan, planner)
    order = sorted(range(len(ids)), key=lambda i: (hardness[i], ids[i]))
    counts = {ids[i]: min(1 + round((place + 1) / len(ids) * 7), 7) for place, i in enumerate(order)}
    good = LIB.fm_plan_mask_count(plan) == len(ids)
    for row, name in enumerate(sorted(ids)):
        entry = LIB.make("fm_plan_entry")
        call(LIB.fm_plan_get, plan, row, entry)
        chosen = entry.seeds[:entry.count]
        good = good and entry.mask_id == name.encode() and entry.count == counts[name]
        good = good and entry.rank == order.index(ids.index(name)) + 1
        good = good and sorted(set(chosen)) == chosen and set(chosen) <= set(seeds)
        good = good and LIB.fm_plan_find(plan, name.encode()) == row
    tap.ok(good, "ranks, counts and seeds")
    tap.equal(LIB.fm_plan_image_count(plan), sum(counts.values()), "images of the plan")
    tap.equal(LIB.fm_plan_real_repeats(plan), max(1, round(sum(counts.values()) / len(ids))), "times")
    LIB.fm_plan_destroy(plan)
    LIB.fm_planner_destroy(planner)


def guarded(problems, function):
    """An exception cannot cross C: it is kept, and the loop is stopped by a number."""
    def callback(*arguments):
        try:
            return function(*arguments) or 0
        except Exception as problem:  # pylint: disable=broad-except
            problems.append(problem)
            return 77
    return callback


class Loader:
    """A source, as a binding makes one from a Python sequence."""

    def __init__(self, context, images, names):
        self.images, self.names, self.problems, self.open = images, names, [], 0
        self.get = LIB.callback("fm_source_get_fn")(guarded(self.problems, self.on_get))
        self.release = LIB.callback("fm_source_release_fn")(self.on_release)
        options = LIB.make("fm_source_options", count=len(images), get=self.get, release=self.release)
        self.handle = make(LIB.fm_source_create, context, options)

    def on_get(self, index, sample, _user):
        sample.contents.id = self.names[index].encode()
        sample.contents.mask = self.images[index].mask_view()
        sample.contents.user = index + 1
        self.open += 1

    def on_release(self, _sample, _user):
        self.open -= 1


def check_loops(context, labels, real, synthetic, stats):
    batches = []

    def predict(samples, predictions, count, _user):
        batches.append(count)
        for i in range(count):
            image = real[samples[i].contents.user - 1]
            loss = predictions[i].contents.loss
            if len(batches) % 2:  # into the library's memory, or from ours
                ctypes.memmove(loss.data, image.loss, ctypes.sizeof(image.loss))
            else:
                predictions[i].contents.loss = image.loss_view()

    problems = []
    options = LIB.make("fm_provider_options", batch=4,
                       predict=LIB.callback("fm_provider_predict_fn")(guarded(problems, predict)))
    provider = make(LIB.fm_provider_create, context, options)
    names = [f"image {i}" for i in range(len(real))]
    loader = Loader(context, real, names)
    collected = make(LIB.fm_class_stats_create, labels, None)
    call(LIB.fm_source_collect_stats, loader.handle, provider, collected, None)
    tap.equal([LIB.fm_class_stats_mean(collected, k, -1) for k in range(CLASSES)],
              [LIB.fm_class_stats_mean(stats, k, -1) for k in range(CLASSES)], "the loop collects the same means")
    tap.ok(sum(batches) == len(real) and max(batches) == 4 and not problems, "in batches", batches)
    tap.equal(loader.open, 0, "all samples were released")

    check_exceptions(labels, loader, provider, collected)
    LIB.fm_class_stats_destroy(collected)
    LIB.fm_provider_destroy(provider)
    LIB.fm_source_destroy(loader.handle)


def check_exceptions(labels, loader, provider, collected):
    """A Python exception inside a callback comes back as the callback's number."""
    before = LIB.fm_class_stats_image_count(collected)
    loader.names = loader.names[:3]  # the fourth get raises IndexError
    failure = fails(-10, "an exception in a callback ends the loop", call, LIB.fm_source_collect_stats,
                    loader.handle, provider, collected, None)
    tap.equal(failure and failure.host_code, 77, "its number comes back")
    tap.ok(len(loader.problems) == 1 and isinstance(loader.problems[0], IndexError), "the exception was kept")
    tap.equal(loader.open, 0, "what it had handed out was released")
    tap.equal(LIB.fm_class_stats_image_count(collected), before, "the statistics are as before")


def check_errors(context, labels, stats, real):
    failure = fails(-1, "an unknown preset", make, LIB.fm_labels_create_from_preset, context, b"nosuch")
    tap.ok(failure and "cityscapes" in str(failure), "the message lists the presets", failure)
    image = Image([3, 5])
    image.loss[40] = math.nan
    failure = fails(-6, "NaN as a loss", call, LIB.fm_class_stats_add, stats, image.mask_view(),
                    image.loss_view(), None)
    tap.ok(failure and "nan at pixel (x 9, y 1)" in str(failure), "names value and pixel", failure)
    image.loss[40], image.mask[71] = 1.0, 200
    failure = fails(-5, "a label outside the space", call, LIB.fm_class_stats_add, stats, image.mask_view(),
                    image.loss_view(), None)
    tap.ok(failure and "label 200 at pixel (x 9, y 2)" in str(failure), "names label and pixel", failure)
    narrow = LIB.fm_plane_make(image.loss, LIB.FM_F32, HEIGHT, WIDTH - 1)
    fails(-4, "sizes that differ", call, LIB.fm_class_stats_add, stats, real[0].mask_view(), narrow, None)
    tap.equal(LIB.fm_class_stats_image_count(stats), len(real), "nothing was added")
    fails(-1, "NULL as a handle", call, LIB.fm_class_stats_add, None, real[0].mask_view(), real[0].loss_view(), None)
    tap.equal([LIB.fm_status_name(code) for code in (0, -4, -13, -99)],
              [b"FM_OK", b"FM_ERR_SHAPE", b"FM_ERR_EMPTY", b"FM_ERR_?"], "names of statuses")


def check_allocator():
    """A host's allocator in Python: everything goes through it and comes back."""
    held = {}

    def allocate(size, _user):
        block = ctypes.create_string_buffer(size + 16)
        address = (ctypes.addressof(block) + 15) & ~15
        held[address] = block
        return address

    options = LIB.make("fm_context_options",
                       allocate=LIB.callback("fm_allocate_fn")(allocate),
                       release=LIB.callback("fm_release_fn")(lambda memory, _user: held.pop(memory) and None))
    context = make(LIB.fm_context_create, options)
    labels = make(LIB.fm_labels_create_from_preset, context, b"camvid")
    used = len(held)
    LIB.fm_context_destroy(context)
    tap.ok(used >= 2 and held, "handles keep their context", held)
    LIB.fm_labels_destroy(labels)
    tap.equal(len(held), 0, "and everything is given back")


def main():
    check_layout()
    with open(os.path.join(tap.SOURCE, "include/freemask/version.h"), encoding="utf-8") as file:
        abi = next(int(line.split()[2]) for line in file if line.startswith("#define FM_ABI_VERSION"))
    tap.equal(LIB.fm_abi_version(), abi, "the library's ABI number is the headers'")
    context = make(LIB.fm_context_create, None)
    labels = make(LIB.fm_labels_create_from_preset, context, b"cityscapes")
    tap.equal(LIB.fm_labels_class_count(labels), CLASSES, "classes")
    tap.equal(LIB.fm_labels_class_name(labels, 13), b"car", "name of a class")
    classes = [0, 1, 2, 5, 8, 10, 13, 18, IGNORED]
    real = [Image(classes) for _ in range(10)]
    synthetic = [Image(classes + [16]) for _ in range(4)]  # 16 (train) never occurs in reality
    stats, hardness = check_method(labels, real, synthetic)
    check_words(labels, real, stats)
    check_sums(labels)
    check_plan(context, [f"m{i}" for i in range(10)], hardness)
    check_plan(context, ["b", "c", "a", "B"], [0.5, 0.5, 0.5, 0.25])
    check_loops(context, labels, real, synthetic, stats)
    check_errors(context, labels, stats, real)
    check_allocator()
    for handle, destroy in ((stats, LIB.fm_class_stats_destroy), (labels, LIB.fm_labels_destroy),
                            (context, LIB.fm_context_destroy)):
        destroy(handle)
    tap.done()


main()
