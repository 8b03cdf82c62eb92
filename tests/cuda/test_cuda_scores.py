# cuda/test_cuda_scores.py - what looks at losses several times on the device: FM_SCORE_RANK, with references and
# siblings, and floors of outputs; the CPU's bits and sentences.
import ctypes
import re

import kit
import numpy as np
import tap
from kit import call, core, create, cuda, options, plane, ptr, volume, zeros

random = np.random.default_rng(15)
device = create(cuda.fm_cuda_create, 0)
ADE, IDS, WIDE = kit.preset("ade20k"), kit.preset("cityscapes-ids"), kit.space(3000, (65535, -1))
ARGUMENT, UNSUPPORTED, SHAPE, MISMATCH = -1, -3, -4, -11
STRATA, PAIRED, BINS = 2, 3, 8


# ---- Made-up sets

def masks_of(labels, shape, dtype):
    """Blocks of a few labels, some ignored."""
    known = [v for v in range(65536) if v <= np.iinfo(dtype).max and core.fm_labels_class_of(labels, kit.i64(v)) >= 0]
    ignored = [v for v in range(65536) if v <= np.iinfo(dtype).max and core.fm_labels_class_of(labels, kit.i64(v)) == -1]
    chosen = [*random.choice(known, 4), *ignored[:1]]
    n, h, w = shape
    small = random.choice(chosen, (n, h // 6 + 1, w // 7 + 1))
    return np.ascontiguousarray(small.repeat(6, 1).repeat(7, 2)[:, :h, :w].astype(dtype))


def losses_of(shape, dtype=np.float32):
    """Of any size; some count as 0."""
    out = random.gamma(0.6, 1, shape).astype(np.float32)
    out[..., ::9, ::11] *= 40
    out.reshape(-1)[::53] = np.float32(-1e-6)
    out.reshape(-1)[1::97] = 1e4
    return out.astype(dtype)


def as_bf16(array):
    return (array.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)


class Ranked:
    """Statistics of a real set's losses and of its scores, and filters of these."""

    def __init__(self, labels, dtype=np.uint8, strata=1):
        self.labels, self.strata = labels, strata
        shape = (3, 30, 40)
        masks, losses, strata_of = masks_of(labels, shape, dtype), losses_of(shape), random.integers(0, strata, shape).astype(np.uint8)
        self.seen = np.unique(masks)
        self.ranks = create(core.fm_class_stats_create, labels, options(kit.StatsOptions, strata=strata, histogram=BINS))
        for i in range(3):
            call(core.fm_class_stats_add, self.ranks, plane(masks[i]), plane(losses[i]), self.extra(strata_of[i]))
        self.stats = self.empty()
        for i in range(3):
            call(core.fm_class_stats_add, self.stats, plane(masks[i]), plane(losses[i]), self.extra(strata_of[i]))
        layout = (ctypes.c_uint64 * 5)(40)
        call(core.fm_class_stats_get_layout, self.stats, ctypes.byref(layout))
        self.fingerprint = layout[4]

    def empty(self):
        return create(core.fm_class_stats_create, self.labels,
                      options(kit.StatsOptions, histogram=BINS, score=1, ranks=self.ranks.value))

    def masks(self, shape, dtype=np.uint8):
        """Of labels that the real set has, mostly."""
        n, h, w = shape
        small = random.choice([*self.seen, self.seen[0]], (n, h // 6 + 1, w // 7 + 1))
        return np.ascontiguousarray(small.repeat(6, 1).repeat(7, 2)[:, :h, :w].astype(dtype))

    def extra(self, strata, reference=None, siblings=(), ranks=0, types=(None, None)):
        """fm_extra_planes of one image."""
        keep = [plane(strata) if self.strata > 1 else None, None if reference is None else plane(reference, types[0]),
                (kit.Plane * len(siblings))(*[plane(one, types[1]) for one in siblings]) if len(siblings) else None]
        at = [ctypes.cast(ctypes.pointer(one), ptr) if one is not None else None for one in keep]
        made = options(kit.Extra, strata=at[0], reference=at[1], siblings=at[2], count=len(siblings), ranks=ranks)
        made.keep = keep
        return made

    def filter(self, policy, **chosen):
        return create(core.fm_filter_create, self.stats, options(kit.FilterOptions, policy=policy, real_share=0.3, **chosen))


class Batch:
    """Masks, losses and what else a call takes, on the host and on the device."""

    def __init__(self, ranked, shape, dtype=np.uint8, loss=np.float32, reference=None, siblings=0, missing=(), strided=False):
        n, h, w = shape
        self.ranked, self.shape = ranked, shape
        self.bf16 = loss == "bf16"
        self.mask = ranked.masks(shape, dtype)
        self.loss = as_bf16(losses_of(shape)) if self.bf16 else losses_of(shape, loss)
        self.type = kit.BF16 if self.bf16 else None
        self.strata = random.integers(0, ranked.strata, shape).astype(np.uint8)
        self.reference = self.siblings = None
        self.ranks = 0
        self.missing = set(missing)
        inner = {"small": (n, h * 2 // 3 + 1, w // 2 + 1), "large": (n, h + 5, 2 * w + 3)}.get(reference, shape)
        if reference == "codes" or reference == "small codes":
            if reference == "small codes":
                inner = (n, h // 2 + 1, w // 3 + 1)
            self.reference, self.ranks = random.integers(0, 256, inner).astype(np.uint8), ranked.fingerprint
        elif reference:
            self.reference = as_bf16(losses_of(inner)) if self.bf16 else losses_of(inner, loss)
        if siblings:
            self.siblings = np.stack([losses_of(shape) for _ in range(siblings)], 1)
        if strided:  # rows with gaps, columns first, from the end
            wide = np.zeros((n, h, w + 13), self.mask.dtype)[:, :, 5:5 + w]
            wide[...] = self.mask
            turned = np.zeros((n, w, h), self.loss.dtype).transpose(0, 2, 1)
            turned[...] = self.loss
            self.mask, self.loss = wide, turned
            if self.reference is not None:
                flipped = np.zeros(self.reference.shape, self.reference.dtype)[:, ::-1, ::-1]
                flipped[...] = self.reference
                self.reference = flipped

    def of(self, i):
        """(mask, loss map, extra) of one image for the CPU."""
        paired = self.reference is not None and i not in self.missing
        made = self.ranked.extra(self.strata[i], self.reference[i] if paired else None,
                                 self.siblings[i] if paired and self.siblings is not None else (), self.ranks if paired else 0,
                                 (self.type if self.ranks == 0 else None, None))
        return plane(self.mask[i]), plane(self.loss[i], self.type), made

    def upload(self):
        self.m, self.lo, self.s = kit.Memory(self.mask), kit.Memory(self.loss), kit.Memory(self.strata)
        self.r = None if self.reference is None else kit.Memory(self.reference)
        self.b = None if self.siblings is None else kit.Memory(self.siblings)
        flags = np.array([i not in self.missing for i in range(len(self.mask))], np.uint8)
        self.has = kit.Memory(flags) if self.missing else None

    def device_extra(self):
        return kit.extra(self.s if self.ranked.strata > 1 else None, self.r, self.b, self.has, self.ranks,
                         kit.BF16 if self.bf16 and not self.ranks else None)


def in_orders(name, run):
    results, same = kit.in_orders(run)
    tap.ok(same, f"{name}: any order of threads")
    return results


def rubbish(size):
    """A workspace whose floats are infinite."""
    return kit.workspace(size, 0x7f800000)


def said(function, *arguments):
    try:
        call(function, *arguments)
    except kit.Failed as failed:
        return failed.code, failed.message
    return 0, ""


# ---- Filters

def check_filter(name, ranked, batch, policy=PAIRED, out_dtype=None, weights=None, in_place=False, **chosen):
    """Also of bad images: their sentences."""
    if policy == PAIRED and (batch.missing or batch.reference is None):
        chosen["without_reference"] = 1
    handle, n = ranked.filter(policy, **chosen), batch.shape[0]
    known = create(cuda.fm_cuda_filter_create, device, handle)
    classes, out_dtype = core.fm_labels_class_count(ranked.labels), out_dtype or kit.type_of(batch.mask)
    expected, counted, sentences = np.zeros(batch.shape, kit.NUMPY[out_dtype]), np.zeros((n, classes, 2), np.int64), []
    ignored = core.fm_labels_ignore_label_in(ranked.labels, out_dtype)
    for i in range(n):
        mask, loss, extra = batch.of(i)
        numbers = np.zeros((2, classes), np.int64)
        report = options(kit.Report, stratum_valid=numbers[0].ctypes.data, stratum_dropped=numbers[1].ctypes.data)
        tail = plane(expected[i], out_dtype), report
        sentences.append(said(core.fm_filter_apply, handle, mask, loss, extra, *tail) if weights is None else
                         said(core.fm_filter_weigh, handle, mask, loss, extra, weights, *tail))
        counted[i] = numbers.T
        if sentences[i][0]:
            expected[i] = ignored if weights is None else 0

    def run():
        batch.upload()
        out = batch.m if in_place else zeros(batch.shape, kit.NUMPY[out_dtype])
        if in_place:
            out = batch.m = kit.Memory(batch.mask.copy())
        counts, status, space = zeros((n, classes, 2), np.int64), zeros(n, kit.STATUS), rubbish(kit.room("filter", known, batch.shape))
        extra = batch.device_extra()
        tail = (volume(out, out_dtype), ptr(counts.address), ptr(status.address), ptr(space.address), kit.size_t(space.array.size), None)
        if weights is None:
            call(cuda.fm_cuda_filter_apply, known, volume(batch.m), volume(batch.lo, batch.type), extra, *tail)
        else:
            call(cuda.fm_cuda_filter_weigh, known, volume(batch.m), volume(batch.lo, batch.type), extra, weights, *tail)
        return out.get().copy(), counts.get().copy(), status.get().copy()

    outs, counts, statuses = in_orders(name, run)
    tap.ok(np.array_equal(outs, expected), f"{name}: what is written", int((outs != expected).sum()))
    tap.ok(np.array_equal(counts, counted), f"{name}: counts")
    tap.equal([kit.sentence(one, ranked.labels) for one in statuses], sentences, f"{name}: sentences")
    if not any(code for code, _ in sentences):
        tap.ok(0 < counted[..., 1].sum() < counted[..., 0].sum(), f"{name}: some are dropped, some are kept")
    cuda.fm_cuda_filter_destroy(known)


def test_filter():
    one, strata, ids, wide = Ranked(ADE), Ranked(ADE, strata=3), Ranked(IDS), Ranked(WIDE, np.uint16, strata=2)
    check_filter("strata", one, Batch(one, (3, 37, 53)), STRATA)
    check_filter("strata, several", strata, Batch(strata, (2, 37, 53)), STRATA)
    check_filter("paired", one, Batch(one, (3, 37, 53), reference="same"))
    check_filter("paired, several strata", strata, Batch(strata, (2, 41, 64), reference="same"))
    check_filter("paired, packed, in place", one, Batch(one, (2, 32, 48), reference="same"), in_place=True)
    check_filter("paired, no reference", one, Batch(one, (2, 20, 30)))
    check_filter("paired, some without", one, Batch(one, (4, 20, 30), reference="same", missing=(1, 3)))
    check_filter("paired, some without, siblings", strata, Batch(strata, (3, 20, 30), reference="small", siblings=2, missing=(0,)))
    check_filter("a smaller reference", one, Batch(one, (2, 37, 53), reference="small"))
    check_filter("a larger reference", strata, Batch(strata, (2, 24, 31), reference="large"))
    check_filter("codes", one, Batch(one, (2, 37, 53), reference="codes"))
    check_filter("codes of another size", strata, Batch(strata, (2, 37, 53), reference="small codes"))
    for count in (1, 2, 3):
        check_filter(f"{count} siblings", one, Batch(one, (2, 24, 31), reference="same", siblings=count))
    check_filter("codes and siblings", strata, Batch(strata, (2, 24, 31), reference="codes", siblings=2))
    for loss in (np.float16, "bf16", np.float64):
        check_filter(f"losses of {loss}", one, Batch(one, (2, 24, 31), loss=loss, reference="same"))
    check_filter("many ignored labels", ids, Batch(ids, (2, 37, 53), reference="same"), out_dtype=kit.I64)
    check_filter("i64 into u8", ids, Batch(ids, (2, 37, 53), np.int64, reference="same"), out_dtype=kit.U8)
    check_filter("3,000 classes", wide, Batch(wide, (1, 30, 44), np.uint16, reference="same"), out_dtype=kit.I32)
    check_filter("any strides", strata, Batch(strata, (2, 37, 53), reference="same", strided=True))
    check_filter("a large window", one, Batch(one, (1, 130, 90), reference="small"))
    check_filter("several blocks", one, Batch(one, (2, 97, 181), reference="same"))
    check_filter("a floor", one, Batch(one, (2, 37, 53), reference="same"), min_kept_share=0.9)
    check_filter("a floor, packed", one, Batch(one, (2, 32, 48), reference="same"), min_kept_share=0.8)
    for kind, dtype in ((0, kit.U8), (0, kit.F16), (1, kit.F32), (2, kit.F64)):
        check_filter(f"weights of kind {kind}, type {dtype}", one, Batch(one, (2, 24, 31), reference="same"), out_dtype=dtype,
                     weights=options(kit.WeightOptions, kind=kind))


def bad_batch(ranked, bad, **chosen):
    """`bad` says (image, y, x, plane, value); y and x within a class that the real set has."""
    batch = Batch(ranked, (4, 23, 31), **chosen)
    batch.mask[:, 4:12, 4:30] = next(v for v in ranked.seen if core.fm_labels_class_of(ranked.labels, kit.i64(int(v))) >= 0)
    for image, y, x, what, value in bad:
        given = {"mask": batch.mask, "loss": batch.loss, "strata": batch.strata, "reference": batch.reference}.get(what)
        if given is None:
            batch.siblings[image, what, y, x] = value
        else:
            given[image, y, x] = value
    return batch


def test_bad():
    """Labels first, then strata and losses as they come, then the reference and the siblings row by row, then what does not fit."""
    one, strata = Ranked(ADE), Ranked(ADE, strata=3)
    check_filter("bad labels and losses", one, bad_batch(
        one, [(0, 5, 7, "loss", np.nan), (0, 20, 30, "mask", 200), (1, 6, 9, "loss", -1), (1, 6, 8, "loss", np.inf)]), STRATA)
    check_filter("bad strata", strata, bad_batch(
        strata, [(1, 6, 9, "strata", 7), (1, 6, 8, "loss", np.nan), (2, 6, 9, "strata", 3), (2, 6, 9, "loss", np.nan), (3, 7, 7, "strata", 255)]), STRATA)
    check_filter("bad references", one, bad_batch(
        one, [(0, 5, 7, "reference", np.nan), (1, 5, 7, "reference", -3), (1, 9, 9, "loss", np.nan), (2, 6, 5, "reference", np.inf),
              (2, 6, 4, "reference", 3)], reference="same"))
    check_filter("bad siblings", strata, bad_batch(
        strata, [(0, 5, 20, 1, np.nan), (0, 5, 7, 2, np.nan), (0, 6, 7, 0, np.nan), (1, 5, 20, "reference", np.nan), (1, 5, 7, 0, np.inf),
                 (2, 8, 8, 2, -1)], reference="same", siblings=3))
    batch = bad_batch(one, [], reference="small")
    batch.reference[1] = np.nan
    check_filter("a reference of another size that is bad", one, batch)
    batch = bad_batch(one, [], reference="same", missing=(1,))
    batch.reference[1] = np.nan
    check_filter("a reference that is not looked at", one, batch)
    # Labels of 150 do not fit I8; a score's pixels are looked at before.
    batch = bad_batch(one, [(0, 9, 9, "mask", 150), (1, 9, 9, "mask", 150), (1, 10, 10, "loss", np.nan), (2, 9, 9, "mask", 150),
                            (2, 10, 10, "reference", np.nan)], reference="same")
    batch.mask[batch.mask > 127] = 0
    for image in (0, 1, 2):
        batch.mask[image, 9, 9] = 150
    check_filter("a label that does not fit", one, batch, out_dtype=kit.I8)
    batch = bad_batch(one, [(1, 5, 7, "loss", np.nan)], reference="same")
    check_filter("a bad image and a floor", one, batch, min_kept_share=0.9)


# ---- Statistics

def check_stats(name, ranked, batch):
    like, expected, n = ranked.empty(), ranked.empty(), batch.shape[0]
    sentences = [said(core.fm_class_stats_add, expected, *batch.of(i)) for i in range(n)]
    known = create(cuda.fm_cuda_stats_create, device, like)
    size, count = kit.room("stats", known, batch.shape), core.fm_class_stats_word_count(like)
    want = np.zeros(count, np.int64)
    call(core.fm_class_stats_export, expected, ptr(want.ctypes.data), kit.i64(count))

    def run():
        batch.upload()
        words, status, space = zeros(count, np.int64), zeros(n, kit.STATUS), rubbish(size)
        call(cuda.fm_cuda_stats_add, known, volume(batch.m), volume(batch.lo, batch.type), batch.device_extra(), ptr(words.address),
             ptr(status.address), ptr(space.address), kit.size_t(size), None)
        return words.get().copy(), status.get().copy()

    words, statuses = in_orders(name, run)
    tap.ok(np.array_equal(words, want) and words[0] == sum(not code for code, _ in sentences), f"{name}: the words are the CPU's")
    tap.equal([kit.sentence(one, ranked.labels) for one in statuses], sentences, f"{name}: sentences")
    cuda.fm_cuda_stats_destroy(known)


def test_stats():
    one, strata, wide = Ranked(ADE), Ranked(ADE, strata=3), Ranked(WIDE, np.uint16)
    check_stats("statistics", one, Batch(one, (3, 37, 53)))
    check_stats("statistics, packed", one, Batch(one, (2, 32, 48)))
    check_stats("statistics of several strata", strata, Batch(strata, (2, 37, 53), loss=np.float16))
    check_stats("statistics of 3,000 classes", wide, Batch(wide, (1, 20, 31), np.int32))
    check_stats("statistics with references", strata, Batch(strata, (3, 20, 30), reference="large", siblings=1, missing=(2,)))
    check_stats("statistics of bad images", one, bad_batch(one, [(0, 5, 7, "loss", np.nan), (2, 5, 7, "reference", np.nan), (3, 0, 0, "mask", 222)],
                                                           reference="same"))


# ---- Outputs

def check_output(name, ranked, policy, batch, values, **chosen):
    """Fused as separate, and the CPU's sentences."""
    n, model = batch.shape[0], options(kit.LossOptions, kind=1, trust_kind=1)
    host = create(core.fm_network_loss_create, ranked.labels, model)
    known_loss = create(cuda.fm_cuda_loss_create, device, host)
    handle = ranked.filter(policy, **chosen) if policy else create(core.fm_filter_create, ranked.ranks, options(kit.FilterOptions, **chosen))
    known = create(cuda.fm_cuda_filter_create, device, handle)
    batch.upload()
    z, lo, status = kit.Memory(values), zeros(batch.shape, np.float32), zeros(n, kit.STATUS)
    call(cuda.fm_cuda_loss_map, known_loss, kit.output(z), volume(batch.m), volume(lo), ptr(status.address), None)
    status.get()
    cells = core.fm_labels_class_count(ranked.labels) * core.fm_filter_stratum_count(handle)
    results = []
    for fused in (False, True):
        out, weights, counts = zeros(batch.shape, np.uint8), zeros(batch.shape, np.float32), zeros((n, cells, 2), np.int64)
        space = rubbish(kit.room("filter_output" if fused else "filter", known, batch.shape))
        source = (known_loss, kit.output(z), volume(batch.m)) if fused else (volume(batch.m), volume(lo))
        end = ptr(status.address), ptr(space.address), kit.size_t(space.array.size), None
        calls = (cuda.fm_cuda_filter_apply_output, cuda.fm_cuda_filter_weigh_output) if fused else (cuda.fm_cuda_filter_apply,
                                                                                                    cuda.fm_cuda_filter_weigh)
        call(calls[1], known, *source, batch.device_extra(), options(kit.WeightOptions, kind=1), volume(weights), None, *end)
        call(calls[0], known, *source, batch.device_extra(), volume(out), ptr(counts.address), *end)
        results.append((out.get().copy(), weights.get().copy(), counts.get().copy()))
    sentences = []
    for i in range(n):
        mask, _, extra = batch.of(i)
        spare = np.zeros(batch.shape[1:], np.uint8)
        sentences.append(said(core.fm_filter_apply_output, handle, host, kit.host_output(values[i]), mask, extra, plane(spare), None))
    good = [not code for code, _ in sentences]
    tap.ok(all(np.array_equal(a[good], b[good]) for a, b in zip(*results)), f"{name}: fused as separate")
    tap.ok(not any(good) or results[1][2][..., 1].any() and (results[1][2][..., 1] < results[1][2][..., 0]).any(), f"{name}: some are dropped, some are kept")
    tap.equal([kit.sentence(one, ranked.labels) for one in status.get()], sentences, f"{name}: sentences")
    tap.ok(all((results[1][0][i] == 255).all() and not results[1][2][i].any() for i in range(n) if not good[i]), f"{name}: bad images")
    if policy:
        check_stats_output(name, ranked, batch, known_loss, kit.output(z), lo)
    cuda.fm_cuda_filter_destroy(known)
    cuda.fm_cuda_loss_destroy(known_loss)


def check_stats_output(name, ranked, batch, known_loss, output, lo):
    known, n = create(cuda.fm_cuda_stats_create, device, ranked.empty()), batch.shape[0]
    count, results = core.fm_class_stats_word_count(ranked.stats), []
    bad = zeros(n, kit.STATUS)
    for fused in (False, True):
        words, space = zeros(count, np.int64), rubbish(kit.room("stats_output" if fused else "stats", known, batch.shape))
        source = (known_loss, output, volume(batch.m)) if fused else (volume(batch.m), volume(lo))
        call(cuda.fm_cuda_stats_add_output if fused else cuda.fm_cuda_stats_add, known, *source, batch.device_extra(), ptr(words.address),
             ptr(bad.address), ptr(space.address), kit.size_t(space.array.size), None)
        results.append((words.get().copy(), bad.get()["code"].copy()))
    if not results[1][1].any():
        tap.ok(np.array_equal(results[0][0], results[1][0]) and results[0][0][0] == n, f"{name}: statistics, fused as separate")
    else:
        tap.equal(int(results[1][0][0]), int((results[1][1] == 0).sum()), f"{name}: statistics of the good images")
    cuda.fm_cuda_stats_destroy(known)


def test_outputs():
    space = kit.space(9)
    one, strata = Ranked(space), Ranked(space, strata=2)
    values = random.normal(0, 2, (3, 9, 10, 12)).astype(np.float32)
    shape = (3, 40, 48)
    for share in (0.5, 0.95):
        check_output(f"a floor of {share} of an output", one, 0, Batch(one, shape), values, min_kept_share=share, tolerance=0.01)
    check_output("a floor of an output, strata", strata, 0, Batch(strata, (3, 37, 53)), values, min_kept_share=0.7, tolerance=0.01)
    check_output("a score of an output", one, STRATA, Batch(one, shape), values)
    check_output("a paired score of an output", strata, PAIRED, Batch(strata, (3, 37, 53), reference="small", siblings=1), values)
    check_output("a score of an output with a floor", one, PAIRED, Batch(one, shape, reference="codes"), values, min_kept_share=0.9)
    bad = values.copy()
    bad[0, 2, 0, 0] = np.nan
    for policy, batch in ((0, Batch(one, shape)), (PAIRED, Batch(one, shape, reference="same"))):
        batch.mask[:2, :8, :8] = 1
        batch.mask[1, 39, 47] = 99
        if policy:
            batch.reference[2, 20:, 20:] = np.nan
            batch.mask[2, 30, 30] = 1
        check_output(f"a bad output, policy {policy}", one, policy, batch, bad, min_kept_share=0.6, **({} if policy else {"tolerance": 0.01}))


# ---- Calls

def refused(name, code, pattern, function, *arguments):
    found = said(function, *arguments)
    tap.ok(found[0] == code and re.search(pattern, found[1]), name, found)


def test_refused():
    one, strata = Ranked(ADE), Ranked(ADE, strata=3)
    batch = Batch(one, (2, 12, 16), reference="same", siblings=1)
    batch.upload()
    known = {name: create(cuda.fm_cuda_filter_create, device, handle) for name, handle in (
        ("paired", one.filter(PAIRED)), ("optional", one.filter(PAIRED, without_reference=1)), ("strata", one.filter(STRATA)),
        ("paper", create(core.fm_filter_create, one.ranks, None)), ("several", strata.filter(PAIRED)))}
    status, out = zeros(2, kit.STATUS), zeros(batch.shape, np.uint8)
    size = kit.room("filter", known["paired"], batch.shape)
    space, has = rubbish(size), kit.Memory(np.ones(2, np.uint8))

    def apply(name, code, pattern, which="paired", extra=None, given=None, written=out):
        refused(name, code, pattern, cuda.fm_cuda_filter_apply, known[which], volume(batch.m), volume(batch.lo), extra, volume(written), None,
                ptr(status.address), ptr(space.address), kit.size_t(size if given is None else given), None)

    apply("no reference", ARGUMENT, "reference is not set, but the policy 'paired'")
    apply("flags where all are required", ARGUMENT, "has_reference is set", extra=kit.extra(reference=batch.r, has=has))
    apply("a reference of strata", ARGUMENT, "reference is set", "strata", kit.extra(reference=batch.r))
    apply("a reference of losses", ARGUMENT, "reference is set, but the score is the loss", "paper", kit.extra(reference=batch.r))
    apply("siblings alone", ARGUMENT, "siblings are set, but reference is not", "optional", kit.extra(siblings=batch.b))
    odd = kit.extra(reference=batch.r)
    odd.sibling_count = 2
    apply("siblings that are not there", ARGUMENT, "sibling_count is 2", extra=odd)
    odd = kit.extra(reference=batch.r, siblings=batch.b)
    odd.siblings.channels = 1
    apply("too few siblings", SHAPE, "siblings 1 of", extra=odd)
    codes = zeros(batch.shape, np.uint8)
    apply("codes without ranks", ARGUMENT, "reference_ranks is 0, expected codes", extra=kit.extra(reference=codes))
    apply("losses with ranks", ARGUMENT, "of f32 and reference_ranks is set", extra=kit.extra(reference=batch.r, ranks=3))
    apply("codes of other ranks", MISMATCH, "codes were made with other statistics", extra=kit.extra(reference=codes, ranks=one.fingerprint ^ 1))
    apply("a reference of one image", SHAPE, "reference is of 1 images, mask of 2",
          extra=kit.extra(reference=zeros((1, 12, 16), np.float32)))
    apply("a reference of integers", UNSUPPORTED, "reference: dtype", extra=kit.extra(reference=zeros(batch.shape, np.int32)))
    apply("strata where there are none", ARGUMENT, "there is one stratum", extra=kit.extra(strata=codes, reference=batch.r))
    apply("no strata", ARGUMENT, "there are 3 strata", "several", kit.extra(reference=batch.r))
    apply("over the reference", ARGUMENT, "overlaps the reference", extra=kit.extra(reference=codes, ranks=one.fingerprint), written=codes)
    apply("a small workspace", ARGUMENT, f"workspace: has {size - 1} bytes, expected {size}", extra=kit.extra(reference=batch.r), given=size - 1)
    wrong = kit.extra(reference=batch.r)
    wrong.size = 8
    apply("an odd size", ARGUMENT, "fm_cuda_extra: size is 8", extra=wrong)
    tap.equal([kit.room("filter", known["paper"], batch.shape), kit.room("filter", known["paired"], (0, 3, 3)),
               kit.room("filter_output", known["paired"], (1, 0, 3)), kit.room("filter_output", None, (1, 1, 1)),
               kit.room("stats_output", None, (1, 1, 1))], [0] * 5, "no workspace of what is none")
    for handle in known.values():
        cuda.fm_cuda_filter_destroy(handle)


def test_graph():
    """A call only launches, and its graph runs twice."""
    one = Ranked(ADE)
    batch = Batch(one, (2, 24, 32), reference="small")
    batch.upload()
    handle = one.filter(PAIRED, min_kept_share=0.9)
    known, out, status = create(cuda.fm_cuda_filter_create, device, handle), zeros(batch.shape, np.uint8), zeros(2, kit.STATUS)
    space, stream, graph, made = rubbish(kit.room("filter", known, batch.shape)), ptr(), ptr(), ptr()
    before = kit.driver.read() if kit.driver.fake else None
    kit.driver.run("cuStreamCreate", ctypes.byref(stream), 1)
    kit.driver.run("cuStreamBeginCapture_v2", stream, 0)
    call(cuda.fm_cuda_filter_apply, known, volume(batch.m), volume(batch.lo), batch.device_extra(), volume(out), None, ptr(status.address),
         ptr(space.address), kit.size_t(space.array.size), stream)
    kit.driver.run("cuStreamEndCapture", stream, ctypes.byref(graph))
    kit.driver.run("cuGraphInstantiateWithFlags", ctypes.byref(made), graph, kit.u64(0))
    if before:
        after = kit.driver.read()
        tap.equal([getattr(after, what) - getattr(before, what) for what in ("allocations", "frees", "copies", "waits", "pushed")], [0] * 5,
                  "scores allocate nothing, copy nothing, wait for nothing")
    expected = np.zeros(batch.shape, np.uint8)
    for i in range(2):
        mask, loss, extra = batch.of(i)
        call(core.fm_filter_apply, handle, mask, loss, extra, plane(expected[i]), None)
    for times in (1, 2):
        kit.driver.run("cuGraphLaunch", made, stream)
        kit.driver.run("cuCtxSynchronize")
        tap.ok(np.array_equal(out.get(), expected) and (expected != batch.mask).any() and not status.get()["code"].any(), f"a graph of scores, run {times}")
    cuda.fm_cuda_filter_destroy(known)


test_filter()
test_bad()
test_stats()
test_outputs()
test_refused()
test_graph()
cuda.fm_cuda_destroy(device)
tap.done()
