# ctypes/test_scores.py - ranks, paired scores and the filters of them against NumPy, to the bit; files,
# blobs and merges of their statistics.
import ctypes

from kit import CONTEXT, LIB, call, encoded, made, refusal, tap, view

# kit says where the references lie
# isort: split
import numpy as np
from score_reference import Ranks

CLASSES, IGNORED, H, W = 4, 9, 40, 56
QUANTILE, STRATA, PAIRED = 1, 2, 3
rng = np.random.default_rng(12)


def extra(strata=None, reference=None, siblings=(), ranks=0):
    planes = [None if a is None else ctypes.pointer(view(a)) for a in (strata, reference)]
    others = (LIB.struct("fm_plane") * len(siblings))(*[view(sibling) for sibling in siblings])
    return ctypes.byref(LIB.make("fm_extra_planes", strata=planes[0], reference=planes[1],
                                 siblings=others if len(siblings) else None,
                                 sibling_count=len(siblings), reference_ranks=ranks))


LABELS = made(LIB.fm_labels_create, CONTEXT, LIB.labels_options(CLASSES, IGNORED))


def scene(shift=1.0):
    """A mask of tiles with ignored ones, losses with -0, denormals and beyond the bins, strata."""
    tiles = rng.choice([0, 1, 2, IGNORED], (H // 7 + 1, W // 9 + 1), p=[.4, .3, .2, .1])
    mask = np.kron(tiles, np.ones((7, 9), np.uint8))[:H, :W].astype(np.uint8)
    loss = (rng.gamma(.7, 1, (H, W)) * (1 + mask % 5) * shift).astype(np.float32)
    loss[0, :4] = [-0., 1e-40, 300, 3e38]
    loss[mask == IGNORED] = np.nan
    return mask, loss, rng.integers(0, 3, (H, W)).astype(np.uint8)


REAL = [scene() for _ in range(6)]


def statistics(images, ranks=None, strata=1, histogram=32):
    """Of the losses, or with ranks of the score."""
    if ranks is None:
        options = LIB.make("fm_class_stats_options", histogram=histogram, strata=strata)
    else:
        options = LIB.make("fm_class_stats_options", histogram=histogram, score=1, ranks=ranks)
    stats = made(LIB.fm_class_stats_create, LABELS, ctypes.byref(options))
    for mask, loss, planes in images:
        call(LIB.fm_class_stats_add, stats, view(mask), view(loss),
             extra(planes) if strata > 1 else None)
    return stats


# ---- Checks ---------------------------------------------------------------------------------------


def score_map(stats, mask, loss, planes=None):
    out = np.full(mask.shape, 7, np.float32)
    call(LIB.fm_class_stats_score_map, stats, view(mask), view(loss), planes, view(out))
    return out


def check_scores(strata):
    truth = Ranks(REAL, CLASSES, strata)
    losses = statistics(REAL, strata=strata)
    stats = statistics([], ranks=losses)
    for i in range(6):
        mask, loss, planes = scene(1.5)
        reference = scene()[1] if i % 2 else None
        if reference is not None:
            reference[np.isnan(reference)] = .5
        given = planes if strata > 1 else None
        siblings = [np.nan_to_num(scene()[1], nan=3) for _ in range(i % 4)] if i % 2 else []
        got = score_map(stats, mask, loss, extra(given, reference, siblings))
        expected = truth.scores(mask, loss, planes, reference, siblings)
        if not np.array_equal(got, expected):
            y, x = np.argwhere(got != expected)[0]
            return f"pixel {y}, {x}: {got[y, x]!r}, expected {expected[y, x]!r}"
    return None


def check_reference_sizes():
    """A smaller reference is brought to the mask's size by the nearest pixel."""
    losses = statistics(REAL)
    stats = statistics([], ranks=losses)
    mask, loss, _ = scene()
    small = rng.gamma(1, 1, (H // 2, W // 2)).astype(np.float64)
    large = np.kron(small, np.ones((2, 2))).astype(np.float32)
    return np.array_equal(score_map(stats, mask, loss, extra(None, small)),
                          score_map(stats, mask, loss, extra(None, large)))


def ranks_of(stats):
    layout = LIB.make("fm_class_stats_layout")
    call(LIB.fm_class_stats_get_layout, stats, ctypes.byref(layout))
    return layout.ranks_fingerprint


def code_map(stats, mask, loss):
    codes = np.full(mask.shape, 77, np.uint8)
    call(LIB.fm_class_stats_code_map, stats, view(mask), view(loss), view(codes))
    return codes


def check_codes():
    """Codes are ranks in 255 equal parts, and scores with them those with the losses, nearly; of
    another size, too."""
    losses = statistics(REAL)
    stats, truth = statistics([], ranks=losses), Ranks(REAL, CLASSES)
    for i in range(6):
        mask, loss, _ = scene(1.5)
        reference = scene()[1]
        reference[np.isnan(reference)] = .5
        codes = code_map(stats, mask, reference)
        most = int(np.floor(-np.log(.002) * 4096 + .5))
        ranks = np.clip(truth.table(mask, reference, None)[0], 0, most)
        expected = np.where(mask < CLASSES, (ranks * 255 + most // 2) // most, 0)
        if not np.array_equal(codes, expected):
            return f"image {i}: codes"
        exact = score_map(stats, mask, loss, extra(None, reference))
        near = score_map(stats, mask, loss, extra(None, codes, (), ranks_of(stats)))
        if not 0 < abs(exact - near).max() <= .1:
            return f"image {i}: scores differ by {abs(exact - near).max()}"
        small = np.ascontiguousarray(codes[::2, ::2])
        large = np.kron(small, np.ones((2, 2), np.uint8))
        if not np.array_equal(score_map(stats, mask, loss, extra(None, small, (), ranks_of(stats))),
                              score_map(stats, mask, loss, extra(None, large, (), ranks_of(stats)))):
            return "small codes"
    return None


def check_tables():
    """What code elsewhere computes the score of: ranks in steps, and the bins of codes."""
    for strata in (1, 3):
        losses, truth = statistics(REAL, strata=strata), Ranks(REAL, CLASSES, strata)
        stats, bins, tables = statistics([], ranks=losses), 32 * 32 + 2, 1 + strata if strata > 1 else 1
        steps, codes = np.zeros((CLASSES, tables, bins), np.int16), np.zeros((CLASSES, 256), np.uint16)

        def fill(of, count, code_count, steps=steps, codes=codes):
            return (LIB.fm_class_stats_rank_tables, of, steps.ctypes.data_as(ctypes.POINTER(ctypes.c_int16)), count,
                    codes.ctypes.data_as(ctypes.POINTER(ctypes.c_uint16)), code_count)

        call(*fill(stats, steps.size, codes.size))
        expected = np.concatenate([truth.own[:, None], truth.within], 1) if strata > 1 else truth.own[:, None]
        if not np.array_equal(steps, expected):
            return f"{strata} strata: steps"
        most = int(np.floor(-np.log(.002) * 4096 + .5))
        away = abs(np.take_along_axis(truth.own, codes.astype(int), 1) - np.arange(256) * most // 255)
        nearest = abs(truth.own[:, None, :] - (np.arange(256) * most // 255)[None, :, None]).min(-1)
        if not np.array_equal(away, nearest):
            return f"{strata} strata: codes"
        for of, count, code_count, says in ((losses, steps.size, codes.size, "statistics are of losses"), (None, 1, 1, "NULL"),
                                            (stats, steps.size - 1, codes.size, "expected"), (stats, steps.size, codes.size + 1, "expected")):
            said = refusal(*fill(of, count, code_count))
            if says not in said:
                return said
    return None


def check_siblings():
    """They lower what a place is expected to lose, and never raise it: where all are wrong alike, the
    real image decides."""
    stats = statistics([], ranks=statistics(REAL))
    mask, loss, _ = scene(1.5)
    reference = np.nan_to_num(scene()[1], nan=.5)
    with_real = score_map(stats, mask, loss, extra(None, reference))
    alike = np.nan_to_num(loss, nan=.5)
    odd = np.where(mask < CLASSES, 3e38, 1).astype(np.float32)
    low = np.zeros_like(odd)
    return (np.array_equal(with_real, score_map(stats, mask, loss, extra(None, reference, [odd])))
            and np.array_equal(score_map(stats, mask, loss, extra(None, reference, [low])),
                               score_map(stats, mask, loss, extra(None, low)))
            and (score_map(stats, mask, loss, extra(None, reference, [alike, low])) > with_real).any())


def filtered(stats, mask, loss, planes, **options):
    """The filtered mask and the thresholds."""
    made_filter = made(LIB.fm_filter_create, stats, ctypes.byref(LIB.make("fm_filter_options",
                                                                          **options)))
    thresholds = np.zeros(CLASSES, np.float32)
    call(LIB.fm_filter_thresholds, made_filter, ctypes.cast(
        thresholds.ctypes.data, ctypes.POINTER(ctypes.c_float)), CLASSES)
    out = np.zeros_like(mask)
    report = LIB.make("fm_filter_report")
    call(LIB.fm_filter_apply, made_filter, view(mask), view(loss), planes, view(out),
         ctypes.byref(report))
    if report.dropped != (out != mask).sum() or report.valid != (mask < CLASSES).sum():
        raise RuntimeError("the report counts something else")
    return out, thresholds, made_filter


def check_policies():
    """What is dropped is what exceeds the share's quantile on the real set, up to a bin's width."""
    losses = statistics(REAL)
    stats = statistics([(m, lo, None) for m, lo, _ in REAL], ranks=losses)
    mask, loss, _ = scene(2)
    reference = np.nan_to_num(scene()[1])
    plain = np.where(mask < CLASSES, loss, 0)
    cases = [(losses, QUANTILE, None, plain), (stats, STRATA, None, score_map(stats, mask, loss)),
             (stats, PAIRED, reference, score_map(stats, mask, loss, extra(None, reference)))]
    for of, policy, used, scores in cases:
        for share in (.05, .3):
            out, thresholds, _ = filtered(of, mask, loss, extra(None, used), policy=policy,
                                          real_share=share)
            dropped = (mask < CLASSES) & (scores > thresholds[np.minimum(mask, CLASSES - 1)])
            if not np.array_equal(out, np.where(dropped, IGNORED, mask)):
                return f"policy {policy}, share {share}: other pixels"
            for k in range(3):
                real = np.concatenate([(lo if policy == QUANTILE else score_map(stats, m, lo))[m == k]
                                       for m, lo, _ in REAL])
                exact = np.quantile(real.astype(np.float64), 1 - share)
                if abs(thresholds[k] - exact) > exact / 30 + .02:
                    return f"policy {policy}, class {k}: {thresholds[k]}, expected {exact}"
            if thresholds[3] != 0:
                return "the class without pixels has a threshold"
    return None


def text_of(stats):
    return encoded(LIB.fm_class_stats_encode, stats)


def check_keeping():
    """Parts are merged to the same words as the whole; files and blobs give them back."""
    losses = statistics(REAL)
    images = [(m, lo, None) for m, lo, _ in REAL]
    whole, first, second = (statistics(some, ranks=losses) for some in (images, images[:2],
                                                                       images[2:]))
    call(LIB.fm_class_stats_merge, first, second)
    text = text_of(whole)
    if text_of(first) != text:
        return "merged parts differ from the whole"
    if text_of(made(LIB.fm_class_stats_decode, LABELS, text, len(text))) != text:
        return "a file is read as something else"
    blob = ctypes.create_string_buffer(LIB.fm_class_stats_blob_size(whole))
    call(LIB.fm_class_stats_save, whole, blob, len(blob))
    if text_of(made(LIB.fm_class_stats_load, LABELS, blob, len(blob))) != text:
        return "a blob is read as something else"
    if text_of(ctypes.c_void_p(LIB.fm_class_stats_ranks(whole))) != text_of(losses):
        return "the ranks are not the losses' statistics"
    for at in (3, 70, len(blob) - 20, len(blob) - 9000):
        bad = ctypes.create_string_buffer(blob.raw[:at] + b"\x55" + blob.raw[at + 1:], len(blob))
        if "nothing" in refusal(LIB.fm_class_stats_load, LABELS, bad, len(bad),
                                ctypes.byref(ctypes.c_void_p())):
            return f"a blob with byte {at} changed is read"
    if "nothing" in refusal(LIB.fm_class_stats_load, LABELS, blob, 64 + 8 * 100,
                            ctypes.byref(ctypes.c_void_p())):
        return "a cut blob is read"
    return None


def check_refusals():
    losses, other = statistics(REAL), statistics(REAL[:3])
    bare = statistics(REAL, histogram=0)
    stats = statistics([(m, lo, None) for m, lo, _ in REAL], ranks=losses)
    foreign = statistics([], ranks=other)
    mask, loss, planes = scene()
    out, hole = np.zeros_like(mask), np.full((H, W), np.nan, np.float32)
    whole = np.nan_to_num(loss)
    paired = filtered(stats, mask, loss, extra(None, whole), policy=PAIRED)[2]
    strata = filtered(stats, mask, loss, None, policy=STRATA)[2]

    def create(of, **options):
        return refusal(LIB.fm_filter_create, of, ctypes.byref(LIB.make(
            "fm_filter_options", **options)), ctypes.byref(ctypes.c_void_p()))

    def apply(which, planes):
        return refusal(LIB.fm_filter_apply, which, view(mask), view(loss), planes, view(out), None)

    def options(**values):
        return refusal(LIB.fm_class_stats_create, LABELS, ctypes.byref(LIB.make(
            "fm_class_stats_options", **values)), ctypes.byref(ctypes.c_void_p()))
    reached = (ctypes.byref(ctypes.c_int32()), ctypes.byref(ctypes.c_int32()))
    told = [
        (create(stats), "use their ranks"), (create(losses, policy=PAIRED), "are of losses"),
        (create(bare, policy=QUANTILE), "histogram"), (create(losses, policy=4), "policy is 4"),
        (create(losses, policy=QUANTILE, real_share=1.5), "real_share is 1.5"),
        (create(losses, policy=QUANTILE, unseen=2), "FM_UNSEEN_GLOBAL_MEAN"),
        (create(stats, policy=PAIRED, without_reference=2), "without_reference is 2"),
        (apply(paired, None), "reference is NULL"),
        (apply(paired, extra(None, hole)), "reference: nan"),
        (apply(strata, extra(None, loss)), "reference is set"),
        (apply(paired, extra(None, None, [whole])), "only the real one"),
        (apply(paired, extra(None, whole, [whole, hole])), "siblings[1]: nan"),
        (apply(paired, extra(None, whole, [whole[1:]])), "sibling is"),
        (apply(paired, extra(None, whole, (), 5)), "reference_ranks is set"),
        (apply(paired, extra(None, mask)), "reference_ranks is 0"),
        (apply(paired, extra(None, mask, (), ranks_of(foreign))), "other statistics"),
        (refusal(LIB.fm_class_stats_code_map, losses, view(mask), view(whole), view(out)),
         "are of losses"),
        (refusal(LIB.fm_class_stats_code_map, stats, view(mask), view(hole), view(out)), "nan"),
        (refusal(LIB.fm_class_stats_code_map, stats, view(mask), view(whole), view(mask)), "overlap"),
        (apply(strata, extra(planes)), "only one stratum"),
        (refusal(LIB.fm_class_stats_merge, foreign, stats), "different ranks"),
        (refusal(LIB.fm_class_stats_merge, losses, stats), "scores"),
        (refusal(LIB.fm_filter_reach, strata, foreign, *reached), "other ranks"),
        (options(score=1), "ranks is NULL"), (options(score=1, ranks=stats), "of a score"),
        (options(score=1, ranks=bare), "histogram"), (options(score=2), "score is 2"),
        (options(score=1, ranks=statistics([])), "no pixel"),
        (options(score=1, ranks=losses, strata=2), "strata is 2"),
        (options(ranks=losses), "the score is the loss")]
    return [(got, word) for got, word in told if word not in got] or None


def check_fallback():
    """Without a reference the paired policy judges as the strata policy does, if it may."""
    stats = statistics([(m, lo, None) for m, lo, _ in REAL], ranks=statistics(REAL))
    mask, loss, _ = scene(2)
    fallback = filtered(stats, mask, loss, None, policy=PAIRED, without_reference=1)[0]
    return np.array_equal(fallback, filtered(stats, mask, loss, None, policy=STRATA)[0])


def check_hardness():
    """Hardness is of losses, whichever score the statistics are of."""
    losses = statistics(REAL)
    stats = statistics([(m, lo, None) for m, lo, _ in REAL], ranks=losses)
    values = []
    for of in (losses, stats):
        hardness, value = made(LIB.fm_hardness_create, of, None), ctypes.c_double()
        call(LIB.fm_hardness_measure, hardness, view(REAL[0][0]), ctypes.byref(value), None)
        values.append(value.value)
    return values[0] == values[1] > 0


tap.equal(check_scores(1), None, "scores with and without a reference are NumPy's, to the bit")
tap.equal(check_scores(3), None, "scores whose ranks have strata are NumPy's, to the bit")
tap.ok(check_reference_sizes(), "a reference of another size is brought to the mask's")
tap.equal(check_codes(), None, "codes of a reference are ranks in a byte; scores are near the exact ones")
tap.equal(check_tables(), None, "the tables of ranks are NumPy's; codes are read as the nearest bin")
tap.ok(check_siblings(), "siblings lower what is expected, and never raise it")
tap.equal(check_policies(), None, "quantile, strata and paired drop what exceeds the real quantile")
tap.ok(check_fallback(), "an image without a reference is judged without one")
tap.equal(check_keeping(), None, "merges, files and blobs keep the statistics of a score")
tap.equal(check_refusals(), None, "what does not go together is refused by name")
tap.ok(check_hardness(), "hardness is of the losses that the ranks were made of")
tap.done()
