# cuda/test_cuda_calls.py - each call on the device against the CPU's: bits where they are promised, the same
# sentences for bad pixels, losses within their bound of float64.
import ctypes

import kit
import numpy as np
import tap
from kit import call, core, create, cuda, options, plane, ptr, volume, zeros

random = np.random.default_rng(7)
device = create(cuda.fm_cuda_create, 0)
ADE, IDS, WIDE = kit.preset("ade20k"), kit.preset("cityscapes-ids"), kit.space(3000, (65535, -1))


def masks(labels, shape, dtype, fewest=3):
    """Blocks of a few labels of the space, some of them ignored."""
    known = [v for v in range(65536) if core.fm_labels_class_of(labels, kit.i64(v)) != -2]
    known = [v for v in known if v <= np.iinfo(dtype).max]
    chosen = random.choice(known, max(fewest, 6))
    n, h, w = shape
    small = random.choice(chosen, (n, h // 5 + 1, w // 9 + 1))
    return np.ascontiguousarray(small.repeat(5, 1).repeat(9, 2)[:, :h, :w].astype(dtype))


def losses(shape):
    """All sizes of floats, and what counts as 0."""
    out = random.gamma(0.5, 1, shape).astype(np.float32)
    flat = out.reshape(-1)
    odd = [0, -0.0, -1e-6, 1e-45, 1e-38, 1e-20, 1e-8, 63.99, 64, 1e4, 3e38, 2 ** -26, 2 ** -27]
    flat[random.integers(0, flat.size, 4 * len(odd))] = np.float32(odd * 4)
    return out


def make_stats(labels, mask, loss, strata=None, histogram=8):
    count = 3 if strata is not None else 1
    stats = create(core.fm_class_stats_create, labels,
                   options(kit.StatsOptions, strata=count, histogram=histogram))
    for i in range(len(mask)):
        call(core.fm_class_stats_add, stats, plane(mask[i]), plane(loss[i]), extra(strata, i))
    return stats


def extra(strata, i):
    if strata is None:
        return None
    one = plane(strata[i])
    made = options(kit.Extra, strata=ctypes.cast(ctypes.pointer(one), ptr))
    made.keep = one
    return made


def words_of(stats):
    out = np.zeros(core.fm_class_stats_word_count(stats), np.int64)
    call(core.fm_class_stats_export, stats, ptr(out.ctypes.data), kit.i64(out.size))
    return out


def in_orders(name, run):
    results, same = kit.in_orders(run)
    tap.ok(same, f"{name}: any order of threads")
    return results


# ---- Filter

def cpu_filter(handle, mask, loss, strata, out_dtype, weights=None, cells=0):
    """(outputs, counts) of all images."""
    outs, counts = np.zeros(mask.shape, kit.NUMPY[out_dtype]), np.zeros((len(mask), cells, 2), np.int64)
    for i in range(len(mask)):
        valid, dropped = np.zeros(cells, np.int64), np.zeros(cells, np.int64)
        report = options(kit.Report, stratum_valid=valid.ctypes.data, stratum_dropped=dropped.ctypes.data)
        out = plane(outs[i], out_dtype)
        if weights is None:
            call(core.fm_filter_apply, handle, plane(mask[i]), plane(loss[i]), extra(strata, i), out, report)
        else:
            call(core.fm_filter_weigh, handle, plane(mask[i]), plane(loss[i]), extra(strata, i), weights, out, report)
        counts[i] = np.stack([valid, dropped], 1)
    return outs, counts


def check_filter(name, labels, dtype, loss_dtype=np.float32, out_dtype=None, stratified=False, weights=None,
                 in_place=False, shape=(3, 37, 53), floor=0.0, spread=None):
    mask, loss = masks(labels, shape, dtype), losses(shape)
    if loss_dtype == np.float16:
        loss = np.minimum(loss, 60000)
    loss = loss.astype(loss_dtype)
    strata = random.integers(0, 3, shape).astype(np.uint8) if stratified else None
    handle = create(core.fm_filter_create, make_stats(labels, mask, loss, strata), options(kit.FilterOptions, min_kept_share=floor))
    if spread:  # of which the thresholds keep little
        loss = (np.minimum(loss.astype(np.float32), 1e4) * spread + spread).astype(loss_dtype)
    cells = core.fm_labels_class_count(labels) * (3 if stratified else 1)
    out_dtype = out_dtype or kit.type_of(mask)
    expected, expected_counts = cpu_filter(handle, mask, loss, strata, out_dtype, weights, cells)
    known = create(cuda.fm_cuda_filter_create, device, handle)

    def run():
        m, lo = kit.Memory(mask.copy()), kit.Memory(loss)
        s = kit.Memory(strata) if stratified else None
        out = m if in_place else zeros(shape, kit.NUMPY[out_dtype])
        counts, status = zeros((shape[0], cells, 2), np.int64), zeros(shape[0], kit.STATUS)
        space = kit.workspace(kit.room("filter", known, shape))
        tail = [volume(out, out_dtype), ptr(counts.address), ptr(status.address), ptr(space.address), kit.size_t(space.array.size), None]
        if weights is None:
            call(cuda.fm_cuda_filter_apply, known, volume(m), volume(lo), kit.extra(s), *tail)
        else:
            call(cuda.fm_cuda_filter_weigh, known, volume(m), volume(lo), kit.extra(s), weights, *tail)
        return out.get().copy(), counts.get().copy(), status.get()["code"].copy()

    outs, counts, codes = in_orders(name, run)
    tap.ok(np.array_equal(outs, expected), f"{name}: what is written")
    tap.ok(np.array_equal(counts, expected_counts), f"{name}: counts")
    tap.ok(not codes.any(), f"{name}: no image is bad")
    cuda.fm_cuda_filter_destroy(known)


def test_filter():
    check_filter("u8", ADE, np.uint8)
    check_filter("u8 in place", ADE, np.uint8, in_place=True)
    check_filter("u8, many ignored", IDS, np.uint8, np.float64)
    check_filter("i64 into u8", ADE, np.int64, np.float16, out_dtype=kit.U8)
    check_filter("u16 of 3,000 classes", WIDE, np.uint16, shape=(2, 40, 300))
    check_filter("i16 into i64, strata", WIDE, np.int16, out_dtype=kit.I64, stratified=True)
    check_filter("strata", ADE, np.int32, stratified=True)
    # Packed bytes and floats whose images begin at 16 bytes, and what is beside that.
    for shape in ((3, 16, 80), (1, 37, 53), (2, 100, 96)):
        check_filter(f"packed {shape}", ADE, np.uint8, shape=shape)
    check_filter("packed, in place", IDS, np.uint8, in_place=True, shape=(2, 40, 64))
    check_filter("packed, into i8", kit.space(100, (-1, 127)), np.uint8, out_dtype=kit.I8, shape=(2, 40, 64))
    check_filter("packed weights", ADE, np.uint8, out_dtype=kit.U8, weights=options(kit.WeightOptions), shape=(2, 40, 64))
    check_filter("one pixel", ADE, np.uint8, shape=(1, 1, 1))
    check_filter("several blocks", ADE, np.uint8, shape=(2, 97, 181))
    for dtype in (kit.U8, kit.F16, kit.BF16, kit.F32, kit.F64):
        dropped = 0 if dtype == kit.U8 else 0.3
        check_filter(f"weights of type {dtype}", ADE, np.uint8, out_dtype=dtype,
                     weights=options(kit.WeightOptions, dropped=dropped))
    for dtype in (kit.F16, kit.BF16, kit.F32, kit.F64):
        check_filter(f"a ramp of type {dtype}", ADE, np.uint8, out_dtype=dtype,
                     weights=options(kit.WeightOptions, kind=1, dropped=0.1, width=0.75))
        check_filter(f"a power of type {dtype}", ADE, np.uint8, out_dtype=dtype, stratified=True,
                     weights=options(kit.WeightOptions, kind=2, gamma=2.3))
    check_filter("a ramp as it is by default", ADE, np.uint8, out_dtype=kit.F32, weights=options(kit.WeightOptions, kind=1))


def test_floor():
    """Thresholds that rise in some images, in some classes and strata; losses that are equal."""
    for share in (0.3, 0.9, 1):
        check_filter(f"a floor of {share}", ADE, np.uint8, floor=share, spread=1.5)
    check_filter("a floor, packed", ADE, np.uint8, floor=0.7, spread=3, shape=(3, 32, 48))
    check_filter("a floor that all keep", ADE, np.uint8, floor=0.01, shape=(2, 32, 48))
    check_filter("a floor, strata", WIDE, np.int16, out_dtype=kit.I64, stratified=True, floor=0.5, spread=2)
    check_filter("a floor of rounded losses", IDS, np.int64, np.float16, out_dtype=kit.U8, floor=0.6, spread=0.01)
    check_filter("a floor of one pixel", ADE, np.uint8, floor=0.5, spread=9, shape=(1, 1, 1))
    check_filter("a floor, a ramp", ADE, np.uint8, out_dtype=kit.F32, floor=0.8, spread=2,
                 weights=options(kit.WeightOptions, kind=1, dropped=0.1, width=0.75))
    check_filter("a floor, in place", ADE, np.uint8, in_place=True, floor=0.8, spread=2, shape=(2, 40, 64))
    check_bad("a floor, NaN", [(0, 5, 30, "loss", np.nan), (2, 6, 0, "label", 200)], floor=0.9)


def test_strides():
    """Rows with gaps, columns first, every other image."""
    shape = (2, 20, 30)
    mask, loss = masks(ADE, shape, np.uint8), losses(shape)
    handle = create(core.fm_filter_create, make_stats(ADE, mask, loss), None)
    known = create(cuda.fm_cuda_filter_create, device, handle)
    expected, _ = cpu_filter(handle, mask, loss, None, kit.U8, None, 150)
    wide = np.zeros((4, 20, 47), np.uint8)[::2, :, 3:33]
    wide[...] = mask
    turned = np.zeros((2, 30, 20), np.float32).transpose(0, 2, 1)
    turned[...] = loss
    flipped = np.zeros(shape, np.uint8)[:, ::-1, ::-1]
    m, lo, out, status = kit.Memory(wide), kit.Memory(turned), kit.Memory(flipped), zeros(2, kit.STATUS)
    call(cuda.fm_cuda_filter_apply, known, volume(m), volume(lo), None, volume(out), None, ptr(status.address), None, kit.size_t(0), None)
    tap.ok(np.array_equal(out.get(), expected), "any strides")


# ---- Statistics

def check_stats(name, labels, dtype, histogram, stratified=False, shape=(3, 61, 67)):
    mask, loss = masks(labels, shape, dtype), losses(shape)
    strata = random.integers(0, 3, shape).astype(np.uint8) if stratified else None
    expected = words_of(make_stats(labels, np.concatenate([mask, mask]), np.concatenate([loss, loss]),
                                   None if strata is None else np.concatenate([strata, strata]), histogram))
    like = create(core.fm_class_stats_create, labels,
                  options(kit.StatsOptions, strata=3 if stratified else 1, histogram=histogram))
    known = create(cuda.fm_cuda_stats_create, device, like)
    size = kit.room("stats", known, shape)

    def run():
        m, lo, words, status = (kit.Memory(mask), kit.Memory(loss), zeros(expected.size, np.int64),
                                zeros(shape[0], kit.STATUS))
        s = kit.Memory(strata) if stratified else None
        for _ in range(2):
            space = kit.workspace(size)
            call(cuda.fm_cuda_stats_add, known, volume(m), volume(lo), kit.extra(s), ptr(words.address),
                 ptr(status.address), ptr(space.address), kit.size_t(size), None)
            status.get()
        return (words.get().copy(),)

    words, = in_orders(name, run)
    tap.ok(np.array_equal(words, expected), f"{name}: the words are the CPU's")
    cuda.fm_cuda_stats_destroy(known)


def test_stats():
    check_stats("statistics", ADE, np.uint8, 0)
    check_stats("with a histogram", ADE, np.uint8, 32)
    check_stats("with strata", IDS, np.int64, 1, stratified=True)
    check_stats("of 3,000 classes", WIDE, np.uint16, 0)
    check_stats("of packed bytes", ADE, np.uint8, 0, shape=(3, 64, 80))
    check_stats("of packed bytes, with a histogram", IDS, np.uint8, 8, shape=(1, 61, 67))
    check_stats("of packed bytes, with wide bins", ADE, np.uint8, 1, shape=(2, 64, 80))
    check_stats("of packed bytes and 3,000 classes", WIDE, np.uint8, 0, shape=(2, 40, 64))
    check_stats("of more images than threads", ADE, np.uint8, 1, shape=(300, 4, 4))
    check_stats("of one pixel", ADE, np.uint8, 8, shape=(1, 1, 1))


# ---- Bad pixels

def bad_pair(bad, dtype=np.uint8, loss_dtype=np.float32, shape=(3, 23, 31)):
    """A mask, a loss map and strata of which `bad` says (image, y, x, what, value)."""
    mask, loss = masks(ADE, shape, dtype), losses(shape).astype(loss_dtype)
    strata = random.integers(0, 3, shape).astype(np.uint8)
    mask[:, 5:9] = 17
    for image, y, x, what, value in bad:
        {"label": mask, "loss": loss, "stratum": strata}[what][image, y, x] = value
    return mask, loss, strata


def expect(function, *arguments):
    try:
        call(function, *arguments)
    except kit.Failed as failed:
        return failed.code, failed.message
    return 0, ""


def check_bad(name, bad, dtype=np.uint8, loss_dtype=np.float32, out_dtype=None, stratified=True, shape=(3, 23, 31), floor=0.0):
    mask, loss, strata = bad_pair(bad, dtype, loss_dtype, shape)
    good_mask, good_loss, good_strata = bad_pair([], shape=shape)
    if not stratified:
        strata = good_strata = None
    cells = 450 if stratified else 150
    handle = create(core.fm_filter_create, make_stats(ADE, good_mask, good_loss, good_strata),
                    options(kit.FilterOptions, min_kept_share=floor))
    known = create(cuda.fm_cuda_filter_create, device, handle)
    out_dtype = out_dtype or kit.type_of(mask)
    m, lo, s = kit.Memory(mask.copy()), kit.Memory(loss), kit.Memory(strata) if stratified else None
    out = m if out_dtype == kit.type_of(mask) else zeros(mask.shape, kit.NUMPY[out_dtype])
    counts, status, space = zeros((3, cells, 2), np.int64), zeros(3, kit.STATUS), kit.workspace(kit.room("filter", known, mask.shape))
    call(cuda.fm_cuda_filter_apply, known, volume(m), volume(lo), kit.extra(s), volume(out), ptr(counts.address),
         ptr(status.address), ptr(space.address), kit.size_t(space.array.size), None)
    found = [kit.sentence(one, ADE) for one in status.get()]
    outs, numbers = out.get(), counts.get()
    ignored = core.fm_labels_ignore_label_in(ADE, out_dtype)
    for i in range(3):
        cpu = np.zeros(mask.shape[1:], kit.NUMPY[out_dtype])
        expected = expect(core.fm_filter_apply, handle, plane(mask[i]), plane(loss[i]), extra(strata, i), plane(cpu),
                          None)
        tap.equal(found[i], expected, f"{name}: the sentence of image {i}")
        if expected[0]:
            tap.ok((outs[i] == ignored).all() and not numbers[i].any(), f"{name}: image {i} is given up")
        else:
            tap.ok(np.array_equal(outs[i], cpu) and numbers[i].any(), f"{name}: image {i} is not")
    check_bad_stats(name, mask, loss, strata, found)


def check_bad_stats(name, mask, loss, strata, found):
    like = create(core.fm_class_stats_create, ADE, options(kit.StatsOptions, strata=1 if strata is None else 3, histogram=4))
    known = create(cuda.fm_cuda_stats_create, device, like)
    size = kit.room("stats", known, mask.shape)
    m, lo, space = kit.Memory(mask.copy()), kit.Memory(loss), kit.workspace(size)
    s = None if strata is None else kit.Memory(strata)
    words, status = zeros(core.fm_class_stats_word_count(like), np.int64), zeros(3, kit.STATUS)
    call(cuda.fm_cuda_stats_add, known, volume(m), volume(lo), kit.extra(s), ptr(words.address), ptr(status.address),
         ptr(space.address), kit.size_t(size), None)
    codes = [expect(core.fm_class_stats_add, like, plane(mask[i]), plane(loss[i]), extra(strata, i)) for i in range(3)]
    tap.ok(np.array_equal(words.get(), words_of(like)), f"{name}: statistics of the good images alone")
    tap.equal([kit.sentence(one, ADE) for one in status.get()], codes, f"{name}: sentences of statistics")
    del found


def test_bad():
    check_bad("label", [(1, 8, 3, "label", 200), (1, 9, 0, "label", 201)])
    check_bad("NaN", [(0, 5, 30, "loss", np.nan), (2, 6, 0, "loss", np.inf), (2, 5, 29, "loss", -0.5)])
    check_bad("large f64", [(0, 5, 30, "loss", 1e39), (1, 5, 1, "loss", -np.inf)], loss_dtype=np.float64)
    check_bad("stratum", [(2, 7, 7, "stratum", 3), (2, 7, 6, "loss", np.nan), (0, 6, 6, "stratum", 255),
                          (0, 6, 7, "label", 180)])
    check_bad("label below 0", [(1, 0, 0, "label", -2 ** 40)], dtype=np.int64)
    check_bad("large u64", [(1, 0, 0, "label", 2 ** 63 + 5)], dtype=np.uint64)
    packed = {"stratified": False, "shape": (3, 24, 32)}
    check_bad("packed label", [(1, 8, 3, "label", 200), (1, 9, 0, "label", 201), (2, 23, 31, "label", 254)], **packed)
    check_bad("packed NaN", [(0, 5, 30, "loss", np.nan), (2, 6, 0, "loss", np.inf), (2, 5, 29, "loss", -0.5), (0, 5, 31, "label", 222)],
              **packed)
    check_bad("misfit", [(1, 8, 30, "label", 150), (0, 8, 30, "label", 150)], out_dtype=kit.I8)


# ---- Maps

def check_strata(shape, dtype=np.uint8, edges=None):
    mask = masks(ADE, shape, dtype)
    if shape[1] > 200:
        mask[:, 20:, 20:] = 3
    listed = (kit.i32 * len(edges))(*edges) if edges else None
    chosen = options(kit.BoundaryOptions, edges=ctypes.cast(listed, ptr), edge_count=len(edges)) if edges else None
    expected = np.zeros(shape, np.uint8)
    for i in range(shape[0]):
        call(core.fm_map_boundary_strata, kit.context, plane(mask[i]), chosen, plane(expected[i]))
    size = cuda.fm_cuda_boundary_workspace(shape[0], kit.i64(shape[1]), kit.i64(shape[2]))

    def run():
        m, out, space = kit.Memory(mask), zeros(shape, np.uint8), kit.workspace(size)
        call(cuda.fm_cuda_boundary_strata, device, volume(m), chosen, volume(out), ptr(space.address),
             kit.size_t(size), None)
        return (out.get().copy(),)

    strata, = in_orders(f"strata {shape}", run)
    tap.ok(np.array_equal(strata, expected), f"strata {shape} {edges}")


def check_window(shape, radius, dtype=np.uint8, values_dtype=np.float32):
    values = random.normal(0, 60, shape).astype(values_dtype)
    values.reshape(-1)[::97] = 1e4
    check_means(masks(ADE, shape, dtype), values, radius)


def check_means(mask, values, radius):
    shape = mask.shape
    expected = np.zeros(shape, np.float32)
    for i in range(shape[0]):
        call(core.fm_map_window_mean, kit.context, plane(mask[i]), plane(values[i]), radius, plane(expected[i]))
    size = cuda.fm_cuda_window_workspace(shape[0], kit.i64(shape[1]), kit.i64(shape[2]))

    def run():
        m, v, out, space = kit.Memory(mask), kit.Memory(values), zeros(shape, np.float32), kit.workspace(size)
        status = zeros(shape[0], kit.STATUS)
        call(cuda.fm_cuda_window_mean, device, volume(m), volume(v), radius, volume(out), ptr(status.address),
             ptr(space.address), kit.size_t(size), None)
        return out.get().copy(), status.get()["code"].copy()

    means, codes = in_orders(f"window {shape} {radius}", run)
    tap.ok(np.array_equal(means, expected) and not codes.any(), f"window {shape}, radius {radius}")


def test_long_runs():
    """Runs that are longer than what is noted of one, whose steps are the most that there can be."""
    mask, values = np.full((2, 3, 70000), 3, np.uint8), np.full((2, 3, 70000), 1e4, np.float32)
    mask[1, 1, 66000:66003] = 4
    values[1] *= -1
    check_means(mask, values, 1023)
    # Runs down a column that end within what a thread slides along, at its end, and behind it.
    shape = (1, 135, 70)
    mask = (np.arange(135)[:, None] + np.zeros(70, int)) // np.array([1, 5, 16, 17, 32, 33, 64])[np.arange(70) // 10]
    for radius in (2, 15, 16, 40):
        check_means(mask[None].astype(np.uint8), random.normal(0, 60, shape).astype(np.float32), radius)


def test_maps():
    for shape in ((1, 1, 1), (2, 1, 700), (2, 300, 1), (2, 43, 91), (1, 260, 300)):
        check_strata(shape)
    check_strata((2, 43, 91), np.int64, [2, 3, 5, 8, 400])
    check_strata((1, 30, 600), np.uint16, [300])
    for radius in (0, 1, 6, 1023):
        check_window((2, 31, 45), radius)
    check_window((1, 150, 300), 20, np.int64, np.float16)
    check_window((1, 1, 1), 3, np.uint16, np.float64)


def test_bad_window():
    shape = (2, 9, 9)
    mask, values = masks(ADE, shape, np.uint8), np.ones(shape, np.float32)
    values[1, 4, 2] = -np.inf
    size = cuda.fm_cuda_window_workspace(2, kit.i64(9), kit.i64(9))
    m, v, out, space, status = (kit.Memory(mask), kit.Memory(values), kit.Memory(np.full(shape, 7, np.float32)),
                                kit.workspace(size), zeros(2, kit.STATUS))
    call(cuda.fm_cuda_window_mean, device, volume(m), volume(v), 2, volume(out), ptr(status.address),
         ptr(space.address), kit.size_t(size), None)
    spare = np.zeros(shape[1:], np.float32)
    expected = expect(core.fm_map_window_mean, kit.context, plane(mask[1]), plane(values[1]), 2, plane(spare))
    tap.equal([kit.sentence(one, ADE) for one in status.get()], [(0, ""), expected], "a value that is none")
    tap.ok((out.get()[0] == 1).all() and not out.get()[1].any(), "its image has no means")


# ---- Hardness

def check_hardness(name, chosen, shape, dtype=np.uint8, bad=False):
    mask = masks(ADE, shape, dtype)
    stats = make_stats(ADE, mask, losses(shape))
    if bad:
        mask[1, -1, -1] = 222
    handle = create(core.fm_hardness_create, stats, chosen)
    known = create(cuda.fm_cuda_hardness_create, device, handle)
    size = cuda.fm_cuda_hardness_workspace(known, kit.i64(shape[1]), kit.i64(shape[2]))
    pixels, out, status = zeros((shape[0], 150), np.int64), zeros(shape[0], np.float64), zeros(shape[0], kit.STATUS)
    m, space = kit.Memory(mask), kit.workspace(size)
    call(cuda.fm_cuda_hardness_measure, known, volume(m), ptr(pixels.address), ptr(out.address), ptr(status.address),
         ptr(space.address), kit.size_t(size), None)
    for i in range(shape[0]):
        hard, valid = kit.f64(), kit.i64()
        expected = expect(core.fm_hardness_measure, handle, plane(mask[i]), ctypes.byref(hard), ctypes.byref(valid))
        tap.equal((float(out.get()[i]), int(pixels.get()[i].sum())), (hard.value, valid.value), f"{name}: mask {i}")
        tap.equal(kit.sentence(status.get()[i], ADE), expected, f"{name}: status of mask {i}")


def test_hardness():
    check_hardness("hardness", None, (3, 50, 71))
    check_hardness("of a large mask", None, (1, 700, 530), np.int64)
    check_hardness("without resizing", options(kit.HardnessOptions, width=-1, height=-1), (2, 50, 71))
    check_hardness("at an odd size", options(kit.HardnessOptions, width=97, height=13), (2, 50, 71))
    check_hardness("of a bad mask", None, (3, 20, 30), bad=True)


test_filter()
test_floor()
test_strides()
test_stats()
test_bad()
test_maps()
test_long_runs()
test_bad_window()
test_hardness()
cuda.fm_cuda_destroy(device)
tap.done()
