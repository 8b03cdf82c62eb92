# cuda/test_cuda_losses.py - losses from outputs against float64 and the CPU, fused forms against separate ones.
import ctypes

import kit
import numpy as np
import tap
from kit import call, core, create, cuda, host_output, options, output, plane, ptr, volume, zeros

random = np.random.default_rng(11)
device = create(cuda.fm_cuda_create, 0)
LOGITS, PROBS, SCORES = 1, 2, 3
BOUND = 5e-6  # nats, for losses below 20


def positions(inner, outer, corners):
    at = np.arange(outer, dtype=np.float64)
    at = at * (inner - 1) / max(outer - 1, 1) if corners else (at + 0.5) * inner / outer - 0.5
    at = np.clip(at, 0, inner - 1)
    low = np.minimum(np.floor(at).astype(int), inner - 1)
    return low, np.minimum(low + 1, inner - 1), at - low


def resized(values, height, width, corners):
    """[N, C, h, w] in float64."""
    values = values.astype(np.float64)
    low, high, t = positions(values.shape[2], height, corners)
    values = values[:, :, low] * (1 - t)[:, None] + values[:, :, high] * t[:, None]
    low, high, t = positions(values.shape[3], width, corners)
    return values[..., low] * (1 - t) + values[..., high] * t


def truth(kind, values, mask, corners, binary=False, floor=1e-7):
    z = resized(values, *mask.shape[1:], corners)
    known = mask != 255
    label = np.where(known, mask, 0).astype(int)
    if binary:
        p = 1 / (1 + np.exp(-z[:, 0])) if kind == LOGITS else z[:, 0]
        loss = -np.log(np.maximum(np.where(label == 1, p, 1 - p), floor if kind == PROBS else 0))
        return np.where(known, loss, 0)
    own = np.take_along_axis(z, label[:, None], 1)[:, 0]
    if kind == LOGITS:
        top = z.max(1)
        loss = np.log(np.exp(z - top[:, None]).sum(1)) + top - own
    elif kind == PROBS:
        loss = -np.log(np.maximum(own, floor))
    else:
        loss = -np.log(np.maximum(own / z.sum(1), floor))
    return np.where(known, loss, 0)


def make(kind, shape):
    values = random.normal(0, 4, shape)
    if kind == SCORES:
        values = np.abs(values)
    if kind == PROBS:
        values = np.exp(values)
        values = values / values.sum(1, keepdims=True) if shape[1] > 1 else values / (1 + values)
    return values


class Model:
    def __init__(self, kind, classes, **chosen):
        self.labels = kit.space(classes)
        self.host = create(core.fm_network_loss_create, self.labels,
                           options(kit.LossOptions, kind=kind, trust_kind=1, **chosen))
        self.device = create(cuda.fm_cuda_loss_create, device, self.host)

    def losses(self, memory, dtype, mask):
        """(losses, statuses) of the device."""
        m, out, status = kit.Memory(mask), zeros(mask.shape, np.float32), zeros(len(mask), kit.STATUS)
        call(cuda.fm_cuda_loss_map, self.device, output(memory, dtype), volume(m), volume(out), ptr(status.address),
             None)
        return out.get().copy(), status.get().copy()


def mask_of(shape, classes):
    small = random.integers(0, classes, (shape[0], shape[1] // 3 + 1, shape[2] // 4 + 1))
    mask = small.repeat(3, 1).repeat(4, 2)[:, :shape[1], :shape[2]].astype(np.uint8)
    mask[random.random(mask.shape) < 0.1] = 255
    return np.ascontiguousarray(mask)


def worst(found, expected):
    """Of the bound."""
    bound = np.where(expected < 20, BOUND, 1e-5 * expected)
    return float((np.abs(found.astype(np.float64) - expected) / bound).max())


def check(name, kind, inner, outer, classes=7, dtype=np.float32, turned=False, corners=False, binary=False):
    n = 2
    values = make(kind, (n, 1 if binary else classes, *inner)).astype(dtype)
    if turned:  # channels last
        values = np.ascontiguousarray(values.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    mask = mask_of((n, *outer), 2 if binary else classes)
    model = Model(kind, 2 if binary else classes, align_corners=int(corners), binary=int(binary))
    found, status = model.losses(kit.Memory(values), None, mask)
    expected = truth(kind, values, mask, corners, binary)
    tap.ok(not status["code"].any(), f"{name}: no image is bad", str(status))
    tap.ok(worst(found, expected) < 1, f"{name}: within the bound of float64", str(worst(found, expected)))
    cpu = np.zeros(outer, np.float32)
    call(core.fm_network_loss_map, model.host, host_output(values[1]), plane(mask[1]), plane(cpu))
    tap.ok(worst(found[1], cpu.astype(np.float64)) < 2, f"{name}: near the CPU's")


def test_kinds():
    check("1/4-size logits", LOGITS, (16, 20), (64, 80), classes=150)
    check("f16", LOGITS, (16, 20), (64, 80), classes=19, dtype=np.float16)
    check("channels last", LOGITS, (9, 11), (36, 44), turned=True)
    check("full size", LOGITS, (33, 41), (33, 41))
    check("odd scale", LOGITS, (13, 17), (50, 71))
    check("corners", LOGITS, (13, 17), (50, 71), corners=True)
    check("smaller", LOGITS, (40, 60), (13, 17))
    check("one pixel", LOGITS, (1, 1), (5, 7))
    check("one channel", LOGITS, (8, 9), (32, 36), binary=True)
    check("probabilities", PROBS, (16, 20), (64, 80))
    check("probability of one channel", PROBS, (16, 20), (64, 80), binary=True)
    check("scores", SCORES, (16, 20), (61, 80), classes=19)
    # Columns of pixels between two, three and many rows of the output.
    for scale in (2, 3, 4, 8):
        check(f"scale {scale}", LOGITS, (9, 11), (9 * scale, 11 * scale), classes=33)
    check("f16 of the mask's size", LOGITS, (17, 19), (17, 19), dtype=np.float16)
    check("less high, wider", LOGITS, (40, 7), (13, 50))
    check("one row", LOGITS, (1, 40), (3, 40), corners=True)


def test_sizes_of_values():
    """Far apart, equal and large, near the largest float."""
    mask = mask_of((1, 12, 12), 5)
    model = Model(LOGITS, 5)
    for scale in (30, 1e3, 1e7):
        values = random.normal(0, scale, (1, 5, 6, 6)).astype(np.float32)
        found, status = model.losses(kit.Memory(values), None, mask)
        tap.ok(not status["code"].any() and worst(found, truth(LOGITS, values, mask, False)) < 1, f"of size {scale}")
        flat = random.normal(0, scale, (1, 5, 12, 12)).astype(np.float32)
        found, status = model.losses(kit.Memory(flat), None, mask)
        tap.ok(not status["code"].any() and worst(found, truth(LOGITS, flat, mask, False)) < 1, f"of size {scale}, not resized")
    # Sums that move up and up, and tops that change from corner to corner.
    rising = np.sort(random.normal(0, 12, (1, 200, 12, 12)).astype(np.float32), 1)
    steep = np.where((np.arange(200)[:, None, None] + np.arange(6)[:, None] + np.arange(6)) % 2, 25.0, -25.0).astype(np.float32)[None]
    large, many = Model(LOGITS, 200), mask_of((1, 12, 12), 200)
    for name, values in (("rising", rising), ("falling", rising[:, ::-1].copy()), ("steep", steep), ("rising, resized", rising[..., :6, :6].copy())):
        found, status = large.losses(kit.Memory(values), None, many)
        tap.ok(not status["code"].any() and worst(found, truth(LOGITS, values, many, False)) < 1, f"logits: {name}",
               worst(found, truth(LOGITS, values, many, False)))
    equal = np.full((1, 5, 6, 6), 3e38, np.float32)
    found, status = model.losses(kit.Memory(equal), None, mask)
    tap.ok(not status["code"].any() and np.allclose(found[mask != 255], np.log(5), atol=BOUND), "equal and large")


def test_bf16():
    values = random.normal(0, 4, (1, 5, 6, 6)).astype(np.float32)
    upper = (values.view(np.uint32) >> 16).astype(np.uint16)
    mask = mask_of((1, 24, 24), 5)
    found, status = Model(LOGITS, 5).losses(kit.Memory(upper), kit.BF16, mask)
    exact = (upper.astype(np.uint32) << 16).view(np.float32)
    tap.ok(not status["code"].any() and worst(found, truth(LOGITS, exact, mask, False)) < 1, "bf16")


def check_bad(name, kind, places, label=None, **chosen):
    values = make(kind, (3, 1 if chosen.get("binary") else 6, 8, 8)).astype(np.float32)
    mask = mask_of((3, 32, 32), 2 if chosen.get("binary") else 6)
    mask[:, 4:20, 4:20] = 1
    for place, value in places:
        values[place] = value
    if label:
        mask[label] = 99
    model = Model(kind, 2 if chosen.get("binary") else 6, **chosen)
    found, status = model.losses(kit.Memory(values), None, mask)
    for i in range(3):
        expected, cpu = (0, ""), np.zeros((32, 32), np.float32)
        try:
            call(core.fm_network_loss_map, model.host, host_output(values[i]), plane(mask[i]), plane(cpu))
        except kit.Failed as failed:
            expected = failed.code, failed.message
        tap.equal(kit.sentence(status[i], model.labels), expected, f"{name}: the sentence of image {i}")
        tap.ok(bool(found[i].any()) != bool(expected[0]), f"{name}: losses of image {i}")


def test_bad():
    check_bad("NaN", LOGITS, [((1, 3, 3, 3), np.nan)])
    check_bad("infinity and a label", LOGITS, [((0, 5, 2, 3), np.inf), ((2, 0, 2, 2), -np.inf)], label=(2, 31, 31))
    check_bad("probability below 0", PROBS, [((1, 1, 3, 3), -0.5)])
    check_bad("score that is none", SCORES, [((1, 4, 3, 3), np.nan)])
    check_bad("one channel", LOGITS, [((1, 0, 3, 3), np.inf)], binary=1)
    far = [((1, c, slice(None), slice(None)), 3e38 if c else -3e38) for c in range(6)]
    check_bad("too far apart", LOGITS, [*far[:1], *far[2:], ((1, 1, slice(None), slice(None)), -3e38)])


def test_channels():
    """Another order, and a channel that is no class."""
    channels = (kit.i32 * 3)(2, 0, 3)
    values, mask = make(LOGITS, (1, 4, 8, 8)).astype(np.float32), mask_of((1, 32, 32), 3)
    model = Model(LOGITS, 3, channel_count=4, channels=ctypes.cast(channels, ptr))
    found, _ = model.losses(kit.Memory(values), None, mask)
    moved = np.where(mask == 255, 255, np.array([2, 0, 3])[np.minimum(mask, 2)])
    tap.ok(worst(found, truth(LOGITS, values, moved, False)) < 1, "channels of classes")


# ---- Which class is shown

def check_shown(name, kind, inner, outer, classes=7, dtype=np.float32, change=None, bad=False, **chosen):
    """The same numbers as the CPU's."""
    channels = 1 if chosen.get("binary") else chosen.get("channel_count", classes)
    values = make(kind, (2, channels, *inner)).astype(dtype)
    if change:
        change(values)
    mask = mask_of((2, *outer), classes)
    model = Model(kind, classes, **chosen)
    expected = np.full(mask.shape, -1, np.int32)
    if bad:
        mask[0, -1, -1] = 99
    for i in range(int(bad), 2):
        call(core.fm_network_class_map, model.host, host_output(values[i]), plane(mask[i]), plane(expected[i]))
    m, z, out, status = kit.Memory(mask), kit.Memory(values), zeros(mask.shape, np.int32), zeros(2, kit.STATUS)
    call(cuda.fm_cuda_class_map, model.device, output(z), volume(m), volume(out), ptr(status.address), None)
    tap.equal([int(code) for code in status.get()["code"]], [-5 if bad else 0, 0], f"classes shown, {name}: statuses")
    tap.ok(np.array_equal(out.get(), expected) and (out.get() >= 0).any(), f"classes shown, {name}")


def test_shown():
    def odd(values):
        values[:, :, ::2, ::3] = np.nan
        values[:, 1, 1] = np.inf
        values[1] = np.round(values[1])

    channels = (kit.i32 * 3)(2, 0, 3)
    check_shown("1/4 size", LOGITS, (16, 20), (64, 80), classes=150)
    check_shown("f16, odd scale", LOGITS, (13, 17), (50, 71), dtype=np.float16)
    check_shown("the mask's size", PROBS, (33, 41), (33, 41))
    check_shown("corners", SCORES, (13, 17), (50, 71), align_corners=1)
    check_shown("smaller", LOGITS, (40, 60), (13, 17))
    check_shown("one channel", LOGITS, (8, 9), (32, 36), classes=2, binary=1)
    check_shown("one channel of probabilities", PROBS, (8, 9), (32, 36), classes=2, binary=1)
    check_shown("what is no number, and equal ones", LOGITS, (12, 15), (24, 45), change=odd)
    check_shown("other channels", LOGITS, (12, 15), (24, 45), classes=3, channel_count=4, channels=ctypes.cast(channels, ptr))
    check_shown("a label that is none", LOGITS, (12, 15), (24, 45), bad=True)


# ---- Queries

def truth_queries(values, classes, mask, first=False, floor=1e-7):
    """Composed, in float64."""
    z = classes.astype(np.float64)
    p = np.exp(z - z.max(2, keepdims=True))
    p = (p / p.sum(2, keepdims=True))[..., :-1]

    def sigmoid(x):
        return 1 / (1 + np.exp(-np.clip(x, -700, 700)))

    inner = values.astype(np.float64)
    shown = resized(sigmoid(inner), *mask.shape[1:], False) if first else sigmoid(resized(inner, *mask.shape[1:], False))
    scores = np.einsum("nqc,nqyx->ncyx", p, shown)
    known = mask != 255
    own = np.take_along_axis(scores, np.where(known, mask, 0).astype(int)[:, None], 1)[:, 0]
    return np.where(known, -np.log(np.maximum(own / scores.sum(1), floor)), 0)


class QueryModel(Model):
    def __init__(self, classes, **chosen):
        super().__init__(SCORES, classes, **chosen)

    def losses(self, memory, class_logits, mask):
        m, out, status = kit.Memory(mask), zeros(mask.shape, np.float32), zeros(len(mask), kit.STATUS)
        made = kit.queries(self.device, memory, class_logits)
        call(cuda.fm_cuda_loss_map, self.device, made, volume(m), volume(out), ptr(status.address), None)
        return out.get().copy(), status.get().copy()


def make_queries(n, queries, classes, inner, dtype=np.float32, spread=4, shift=0.0):
    """A few queries are sure of a class, most of none, as those of networks."""
    rows = random.normal(0, 2, (n, queries, classes + 1))
    rows[..., -1] += 3
    rows[np.arange(n)[:, None], np.arange(queries)[None], random.integers(0, classes, (n, queries))] += 4
    return random.normal(shift, spread, (n, queries, *inner)).astype(dtype), rows.astype(dtype)


def check_queries(name, queries, classes, inner, outer, first=False, **chosen):
    values, rows = make_queries(2, queries, classes, inner, **chosen)
    mask = mask_of((2, *outer), classes)
    model = QueryModel(classes, compose_first=int(first))
    found, status = model.losses(kit.Memory(values), kit.Memory(rows), mask)
    expected = truth_queries(values, rows, mask, first)
    tap.ok(not status["code"].any() and worst(found, expected) < 1, f"{name}: within the bound of float64",
           f"{worst(found, expected)} {status}")
    cpu = np.zeros(outer, np.float32)
    call(core.fm_network_loss_map, model.host, host_output(values[1], class_logits=rows[1]), plane(mask[1]), plane(cpu))
    tap.ok(worst(found[1], cpu.astype(np.float64)) < 2, f"{name}: near the CPU's")


def test_queries():
    check_queries("100 queries", 100, 19, (16, 20), (64, 80))
    check_queries("queries of f16", 33, 150, (8, 10), (32, 40), dtype=np.float16)
    check_queries("queries of the mask's size", 20, 19, (24, 30), (24, 30))
    check_queries("queries, twice as high", 20, 19, (12, 15), (24, 30))
    check_queries("queries of more pixels", 20, 19, (40, 50), (24, 30))
    check_queries("one query", 1, 3, (8, 8), (21, 30))
    check_queries("composed first", 20, 19, (12, 12), (48, 40), first=True)
    check_queries("far below", 20, 5, (8, 8), (32, 32), shift=-40.0)
    check_queries("far apart", 20, 5, (8, 8), (32, 32), spread=60)
    check_queries("more classes than threads", 12, 200, (6, 6), (24, 24))


def test_queries_fused():
    values, rows = make_queries(2, 20, 9, (12, 15))
    mask, model = mask_of((2, 48, 60), 9), QueryModel(9)
    losses, _ = model.losses(kit.Memory(values), kit.Memory(rows), mask)
    like = create(core.fm_class_stats_create, model.labels, None)
    known = create(cuda.fm_cuda_stats_create, device, like)
    size = kit.room("stats", known, mask.shape)
    m, z, r, lo, status = kit.Memory(mask), kit.Memory(values), kit.Memory(rows), kit.Memory(losses), zeros(2, kit.STATUS)
    words, fused = (zeros(core.fm_class_stats_word_count(like), np.int64) for _ in range(2))
    space = kit.workspace(size)
    tail = ptr(status.address), ptr(space.address), kit.size_t(size), None
    call(cuda.fm_cuda_stats_add, known, volume(m), volume(lo), None, ptr(words.address), *tail)
    call(cuda.fm_cuda_stats_add_output, known, model.device, kit.queries(model.device, z, r), volume(m), None, ptr(fused.address),
         *tail)
    tap.ok(np.array_equal(words.get(), fused.get()) and words.get()[0] == 2, "statistics of queries: fused as separate")
    call(core.fm_class_stats_import, like, ptr(words.get().ctypes.data), kit.i64(words.array.size), None)
    handle = create(cuda.fm_cuda_filter_create, device, create(core.fm_filter_create, like, None))
    one, two = zeros(mask.shape, np.uint8), zeros(mask.shape, np.uint8)
    call(cuda.fm_cuda_filter_apply, handle, volume(m), volume(lo), None, volume(one), None, ptr(status.address), None,
         kit.size_t(0), None)
    call(cuda.fm_cuda_filter_apply_output, handle, model.device, kit.queries(model.device, z, r), volume(m), None, volume(two), None,
         ptr(status.address), None, kit.size_t(0), None)
    tap.ok(np.array_equal(one.get(), two.get()) and (one.get() != mask).any(), "filter of queries: fused as separate")


def test_queries_bad():
    """Labels come before class logits, and these before mask logits, as on the CPU."""
    values, rows = make_queries(4, 6, 5, (8, 8))
    mask = mask_of((4, 32, 32), 5)
    mask[:, 4:20, 4:20] = 1
    values[0, 3, 3, 3], values[1, 3, 3, 3] = np.nan, np.inf
    rows[1, 4, 2], rows[1, 5, 1], rows[2, 2, 5], rows[3, 0, 0] = np.inf, np.nan, np.nan, np.nan
    mask[3, 31, 31] = 77
    model = QueryModel(5)
    found, status = model.losses(kit.Memory(values), kit.Memory(rows), mask)
    for i in range(4):
        expected = 0, ""
        try:
            call(core.fm_network_loss_map, model.host, host_output(values[i], class_logits=rows[i]), plane(mask[i]),
                 plane(np.zeros((32, 32), np.float32)))
        except kit.Failed as failed:
            expected = failed.code, failed.message
        tap.equal(kit.sentence(status[i], model.labels), expected, f"queries: the sentence of image {i}")
        tap.ok(expected[0] and not found[i].any(), f"queries: image {i} is given up")


# ---- Fused forms

def test_fused():
    shape = (2, 50, 71)
    values, mask = make(LOGITS, (2, 9, 13, 18)).astype(np.float32), mask_of(shape, 9)
    strata = random.integers(0, 3, shape).astype(np.uint8)
    model = Model(LOGITS, 9)
    losses, _ = model.losses(kit.Memory(values), None, mask)
    like = create(core.fm_class_stats_create, model.labels, options(kit.StatsOptions, strata=3, histogram=16))
    known = create(cuda.fm_cuda_stats_create, device, like)
    size, count = kit.room("stats", known, mask.shape), core.fm_class_stats_word_count(like)
    m, z, lo, s, status = (kit.Memory(mask), kit.Memory(values), kit.Memory(losses), kit.Memory(strata),
                           zeros(2, kit.STATUS))
    words, fused, space = zeros(count, np.int64), zeros(count, np.int64), kit.workspace(size)
    tail = ptr(status.address), ptr(space.address), kit.size_t(size), None
    call(cuda.fm_cuda_stats_add, known, volume(m), volume(lo), kit.extra(s), ptr(words.address), *tail)
    call(cuda.fm_cuda_stats_add_output, known, model.device, output(z), volume(m), kit.extra(s), ptr(fused.address), *tail)
    tap.ok(np.array_equal(words.get(), fused.get()) and words.get()[0] == 2, "statistics: fused as separate")
    call(core.fm_class_stats_import, like, ptr(words.get().ctypes.data), kit.i64(count), None)
    handle = create(cuda.fm_cuda_filter_create, device, create(core.fm_filter_create, like, None))
    results = []
    none = None, kit.size_t(0)  # a workspace
    for function, source in ((cuda.fm_cuda_filter_apply, (volume(m), volume(lo))),
                                    (cuda.fm_cuda_filter_apply_output, (model.device, output(z), volume(m)))):
        out, counts = zeros(shape, np.uint8), zeros((2, 27, 2), np.int64)
        call(function, handle, *source, kit.extra(s), volume(out), ptr(counts.address), ptr(status.address), *none, None)
        results.append((out.get(), counts.get()))
    tap.ok(all(np.array_equal(a, b) for a, b in zip(*results)) and results[0][1][..., 1].any(), "filter: fused as separate")
    weights = []
    for function, source in ((cuda.fm_cuda_filter_weigh, (volume(m), volume(lo))),
                                    (cuda.fm_cuda_filter_weigh_output, (model.device, output(z), volume(m)))):
        out = zeros(shape, np.float16)
        call(function, handle, *source, kit.extra(s), None, volume(out), None, ptr(status.address), *none, None)
        weights.append(out.get())
    tap.ok(np.array_equal(*weights) and weights[0].any(), "weights: fused as separate")


def test_graph():
    """Calls in a graph, which runs twice."""
    shape = (2, 40, 64)
    values, mask = make(LOGITS, (2, 9, 10, 16)).astype(np.float32), mask_of(shape, 9)
    model = Model(LOGITS, 9)
    losses, _ = model.losses(kit.Memory(values), None, mask)
    like = create(core.fm_class_stats_create, model.labels, options(kit.StatsOptions, histogram=4))
    for i in range(2):
        call(core.fm_class_stats_add, like, plane(mask[i]), plane(losses[i]), None)
    host = create(core.fm_filter_create, like, options(kit.FilterOptions, tolerance=0.3, min_kept_share=0.6))
    known, sums = create(cuda.fm_cuda_filter_create, device, host), create(cuda.fm_cuda_stats_create, device, like)
    m, z, lo, out, status = kit.Memory(mask), kit.Memory(values), zeros(shape, np.float32), zeros(shape, np.uint8), zeros(2, kit.STATUS)
    words, space = zeros(core.fm_class_stats_word_count(like), np.int64), kit.workspace(kit.room("filter", known, shape))
    size = kit.room("stats", sums, shape)
    room, stream, graph, made = kit.workspace(size), ptr(), ptr(), ptr()
    kit.driver.run("cuStreamCreate", ctypes.byref(stream), 1)
    kit.driver.run("cuStreamBeginCapture_v2", stream, 0)
    call(cuda.fm_cuda_loss_map, model.device, output(z), volume(m), volume(lo), ptr(status.address), stream)
    call(cuda.fm_cuda_filter_apply, known, volume(m), volume(lo), None, volume(out), None, ptr(status.address), ptr(space.address),
         kit.size_t(space.array.size), stream)
    call(cuda.fm_cuda_stats_add, sums, volume(m), volume(lo), None, ptr(words.address), ptr(status.address), ptr(room.address),
         kit.size_t(size), stream)
    kit.driver.run("cuStreamEndCapture", stream, ctypes.byref(graph))
    kit.driver.run("cuGraphInstantiateWithFlags", ctypes.byref(made), graph, kit.u64(0))
    tap.ok(not out.get().any() and not words.get().any(), "a graph: nothing runs before it does")
    for times in (1, 2):
        kit.driver.run("cuGraphLaunch", made, stream)
        kit.driver.run("cuCtxSynchronize")
        expected = np.zeros(shape, np.uint8)
        for i in range(2):
            call(core.fm_filter_apply, host, plane(mask[i]), plane(losses[i]), None, plane(expected[i]), None)
        tap.ok(np.array_equal(out.get(), expected) and (expected != mask).any() and not status.get()["code"].any(), f"a graph, run {times}: masks")
        tap.equal(int(words.get()[0]), 2 * times, f"a graph, run {times}: statistics")


def test_fused_bad():
    """Labels come before strata, and strata before values, as on the CPU."""
    values, mask = make(LOGITS, (3, 5, 8, 8)).astype(np.float32), mask_of((3, 32, 32), 5)
    strata = np.zeros((3, 32, 32), np.uint8)
    mask[:, :6, :6] = 1
    values[:, 2, 0, 0] = np.nan
    strata[1:, 5, 5] = 9
    mask[2, 31, 31] = 77
    model = Model(LOGITS, 5)
    like = create(core.fm_class_stats_create, model.labels, options(kit.StatsOptions, strata=2))
    known = create(cuda.fm_cuda_stats_create, device, like)
    size = kit.room("stats", known, mask.shape)
    m, z, s, status = kit.Memory(mask), kit.Memory(values), kit.Memory(strata), zeros(3, kit.STATUS)
    words, space = zeros(core.fm_class_stats_word_count(like), np.int64), kit.workspace(size)
    call(cuda.fm_cuda_stats_add_output, known, model.device, output(z), volume(m), kit.extra(s), ptr(words.address),
         ptr(status.address), ptr(space.address), kit.size_t(size), None)
    tap.ok(not words.get().any(), "bad images add nothing")
    for i in range(3):
        one = plane(strata[i])
        made = options(kit.Extra, strata=ctypes.cast(ctypes.pointer(one), ptr))
        try:
            call(core.fm_class_stats_add_output, like, model.host, host_output(values[i]), plane(mask[i]), made)
            expected = 0, ""
        except kit.Failed as failed:
            expected = failed.code, failed.message
        tap.equal(kit.sentence(status.get()[i], model.labels), expected, f"fused: the sentence of image {i}")


test_kinds()
test_sizes_of_values()
test_bf16()
test_bad()
test_channels()
test_shown()
test_queries()
test_queries_fused()
test_queries_bad()
test_fused()
test_graph()
test_fused_bad()
cuda.fm_cuda_destroy(device)
tap.done()
