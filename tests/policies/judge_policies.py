"""policies/judge_policies.py - ./dev policies: the filter's policies on worlds with planted truth.

For each world and seed a teacher is fitted on real images in two halves (each predicts the other), and
every policy orders the synthetic pixels. Recall is the share of the wrong pixels that are found when a
given share of the *clean* synthetic pixels is dropped, so that no policy gains by dropping more."""
import argparse
import ctypes
import os
import sys
import tempfile

import numpy as np
from teacher import Teacher, features
from worlds import CLASSES, camvid_world, demo_world

sys.path[:0] = [os.path.join(os.path.dirname(__file__), "..", room) for room in ("ctypes", "support")]
from freemask_ctypes import Interface  # noqa: E402

LIB = Interface(os.environ["FM_SHARED"])
CONTEXT = ctypes.c_void_p()
LIB.fm_context_create(None, ctypes.byref(CONTEXT), None)
IGNORED = 255


def made(function, *arguments):
    out, err = ctypes.c_void_p(), LIB.struct("fm_error")()
    if function(*arguments, ctypes.byref(out), ctypes.byref(err)):
        raise RuntimeError(err.message.decode())
    return out


def call(function, *arguments):
    err = LIB.struct("fm_error")()
    if function(*arguments, ctypes.byref(err)):
        raise RuntimeError(err.message.decode())


def view(array):
    return LIB.fm_plane_make(array.ctypes.data, LIB.dtype(array.dtype.name), *array.shape)


def extra(strata, reference):
    planes = [None if a is None else ctypes.pointer(view(a)) for a in (strata, reference)]
    return ctypes.byref(LIB.make("fm_extra_planes", strata=planes[0], reference=planes[1]))


LABELS = made(LIB.fm_labels_create, CONTEXT, LIB.labels_options(CLASSES, IGNORED))


# ---- Losses ------------------------------------------------------------------------------------------


def losses_of(world):
    """Real losses by name, each from the half that has not seen the image, synthetic ones from the half that has not
    seen the photograph, and what cleanlab's rule needs."""
    halves = [Teacher(CLASSES), Teacher(CLASSES)]
    names = sorted(world.real)
    masks = {name: np.where(world.masks[name] < CLASSES, world.masks[name], IGNORED).astype(np.uint8) for name in names}
    real, confident = {}, np.zeros((CLASSES, 2))
    for i, name in enumerate(names):
        halves[i % 2].add(features(world.real[name]), masks[name])

    for half in halves:
        half.fit()

    def label_probability(p, mask):
        return np.take_along_axis(p, np.minimum(mask, CLASSES - 1)[..., None], -1)[..., 0]
    for i, name in enumerate(names):
        p = halves[1 - i % 2].probabilities(features(world.real[name]))
        own, valid = label_probability(p, masks[name]), masks[name] < CLASSES
        real[name] = -np.log(np.maximum(own, 1e-7)).astype(np.float32)
        np.add.at(confident, masks[name][valid], np.stack([own[valid], np.ones(valid.sum())], -1))
    bar = confident[:, 0] / np.maximum(confident[:, 1], 1)
    synthetic = []
    for name, image, truth in world.made:
        # the half that has not seen the photograph: the generator worked from its mask
        p = halves[1 - names.index(name) % 2].probabilities(features(image))
        own, best = label_probability(p, masks[name]), p.argmax(-1)
        suspect = (best != masks[name]) & (p.max(-1) >= bar[best])
        synthetic.append((name, -np.log(np.maximum(own, 1e-7)).astype(np.float32), truth, suspect + 1 - own))
    return masks, real, synthetic


# ---- Policies ----------------------------------------------------------------------------------------


def strata_of(mask):
    out = np.zeros(mask.shape, np.uint8)
    call(LIB.fm_map_boundary_strata, CONTEXT, view(mask), None, view(out))
    return out


def collect(masks, real, planes, strata=1, ranks=None):
    options = dict(histogram=32) if ranks is None else dict(histogram=32, score=1, ranks=ranks)
    stats = made(LIB.fm_class_stats_create, LABELS, ctypes.byref(LIB.make(
        "fm_class_stats_options", strata=1 if ranks else strata, **options)))
    for name, loss in real.items():
        call(LIB.fm_class_stats_add, stats, view(masks[name]), view(loss), extra(planes.get(name), None))
    return stats


def score_map(stats, mask, loss, strata=None, reference=None):
    out = np.zeros(mask.shape, np.float32)
    call(LIB.fm_class_stats_score_map, stats, view(mask), view(loss), extra(strata, reference), view(out))
    return out


def thresholds(stats, policy, **options):
    made_filter = made(LIB.fm_filter_create, stats, ctypes.byref(LIB.make("fm_filter_options", policy=policy, **options)))
    out = np.zeros(CLASSES, np.float32)
    call(LIB.fm_filter_thresholds, made_filter, out.ctypes.data_as(ctypes.POINTER(ctypes.c_float)), CLASSES)
    LIB.fm_filter_destroy(made_filter)
    return out


class Rule:
    """A policy at its default, and an order of all pixels for the sweep: the score (paper: the loss relative
    to its class's mean)."""

    def __init__(self, name, order, dropped):
        self.name, self.order, self.dropped = name, order, dropped


def real_order(stats, policy, classes, scores):
    """Losses of different classes do not compare: the share of the class's real pixels that lose more."""
    shares = np.unique(np.concatenate([np.geomspace(1e-5, .02, 60), np.linspace(.02, .999, 200)]))
    table = np.stack([thresholds(stats, policy, real_share=share) for share in shares])  # falling
    order = np.zeros(scores.shape)
    for k in range(CLASSES):
        here = classes == k
        order[here] = -np.searchsorted(-table[:, k], -scores[here], side="right")
        above = np.maximum(scores[here] - table[0, k], 0)
        order[here] += above / (1 + above)
    return order


def rules_of(masks, real, synthetic):
    strata = {name: strata_of(mask) for name, mask in masks.items()}
    losses, near = collect(masks, real, {}), collect(masks, real, strata, 8)
    ranked = {"strata": collect(masks, real, strata, ranks=near), "paired": collect(masks, real, {}, ranks=losses)}
    valid = [masks[name] < CLASSES for name, *_ in synthetic]

    def flat(maps):
        return np.concatenate([m[v] for m, v in zip(maps, valid)])
    classes, truth = flat([masks[n] for n, *_ in synthetic]), flat([t for _, _, t, _ in synthetic])
    loss = flat([lo for _, lo, _, _ in synthetic])
    means = np.array([LIB.fm_class_stats_mean(losses, k, -1) for k in range(CLASSES)])
    rules = [Rule("paper 1.25", loss / np.maximum(means, 1e-9)[classes], loss > thresholds(losses, 0)[classes]),
             Rule("cleanlab", flat([c for *_, c in synthetic]), flat([c for *_, c in synthetic]) > 1)]
    scores = {"quantile": (losses, 1, loss),
              "strata": (ranked["strata"], 2, flat([score_map(ranked["strata"], masks[n], lo, strata[n])
                                                    for n, lo, *_ in synthetic])),
              "paired": (ranked["paired"], 3, flat([score_map(ranked["paired"], masks[n], lo, None, real[n])
                                                    for n, lo, *_ in synthetic]))}
    for name, (stats, policy, values) in scores.items():
        order = values if name != "quantile" else real_order(stats, policy, classes, values)
        for share in (.05, .3):
            rules.append(Rule(f"{name} {share:g}", order, values > thresholds(stats, policy, real_share=share)[classes]))
    chance = np.random.default_rng(1).random(len(truth))
    rules.append(Rule("chance", chance, chance > .95))
    shift = loss[truth == 0].mean() / np.mean(np.concatenate([lo[masks[n] < CLASSES] for n, lo in real.items()]))
    return rules, classes, truth > 0, shift


# ---- Measures ----------------------------------------------------------------------------------------


def measure(rule, classes, wrong):
    out = {}
    for share in (.02, .05, .1):
        bar = np.quantile(rule.order[~wrong], 1 - share)
        caught = rule.order > bar
        # ties at the bar are split so that exactly the share of clean pixels goes
        tied = rule.order == bar
        left = (share - caught[~wrong].mean()) / max(tied[~wrong].mean(), 1e-12)
        part = caught + tied * min(1, max(0, left))
        if wrong.any():
            out[f"R@{share * 100:g}"] = part[wrong].mean()
            if share == .05:
                each = [part[wrong & (classes == k)].mean() for k in range(CLASSES) if (wrong & (classes == k)).sum() > 200]
                out["class mean"] = np.mean(each)
    if wrong.any():
        out["recall"], out["precision"] = rule.dropped[wrong].mean(), wrong[rule.dropped].mean()
    out["clean drop"] = rule.dropped[~wrong].mean()
    return out


WORLDS = [  # title, maker, strength of the style, times the usual errors, shared by all images of a mask
    ("demo, its own style", "demo", 0, 1, False), ("demo, other style", "demo", .3, 1, False),
    ("demo, other style, shared errors", "demo", .3, 1, True), ("demo, other style, half the errors", "demo", .3, .5, False),
    ("demo, other style, no errors", "demo", .3, 0, False),
    ("CamVid, 9 % wrong", "camvid", 1, .8, False), ("CamVid, 20 % wrong", "camvid", 1, 1.8, False),
    ("CamVid, 29 % wrong", "camvid", 1, 2.8, False), ("CamVid, 20 % wrong, shared errors", "camvid", 1, 1.8, True),
    ("CamVid, no errors", "camvid", 1, 0, False)]
TUNING, FRESH = "1,2,3", "101,102,103"  # policies were chosen on the first; what is published is of the others


def run_world(kind, folder, seed, strength, errors, shared, options):
    if kind == "demo":
        world = demo_world(f"{folder}/{seed}-{errors:g}-{shared:d}", seed, strength, errors, shared, options.scenes)
    else:
        world = camvid_world(os.environ["FREEMASK_TEST_DATA"], seed, strength, errors, shared, options.scenes)
    rules, classes, wrong, shift = rules_of(*losses_of(world))
    return {rule.name: measure(rule, classes, wrong) for rule in rules}, shift, wrong.mean()


COLUMNS = ["R@2", "R@5", "R@10", "class mean", "recall", "precision", "clean drop"]


def show(title, results, shifts, wrongs):
    """One table: means over seeds, with the standard deviation of R@5."""
    print(f"\n### {title}\n\nClean synthetic pixels lose {np.mean(shifts):.2f} times as much as real ones; "
          f"{100 * np.mean(wrongs):.1f} % of the pixels are wrong.\n")
    columns = [c for c in COLUMNS if c in next(iter(results[0].values()))]
    print("| policy | " + " | ".join(columns) + " |\n|---|" + "---|" * len(columns))
    for name in results[0]:
        cells = []
        for column in columns:
            values = [100 * r[name][column] for r in results]
            spread = f" &plusmn; {np.std(values, ddof=1):.1f}" if column == "R@5" and len(values) > 1 else ""
            cells.append(f"{np.mean(values):.1f}{spread}")
        print(f"| {name} | " + " | ".join(cells) + " |")
    sys.stdout.flush()


def judge_quick(folder, options):
    """One small world: recall at equal loss of clean pixels, paired beside the paper's rule and chance."""
    options.scenes = 16
    results, _, _ = run_world("demo", folder, 1, .3, 1, False, options)
    recall = {name: results[name]["R@5"] for name in ("paper 1.25", "paired 0.05", "chance")}
    print("recall at 5 % of the clean pixels: " + ", ".join(f"{name} {value:.3f}" for name, value in recall.items()))
    if not (recall["paired 0.05"] > .95 * recall["paper 1.25"] > .95 * 2 * recall["chance"]):
        sys.exit("policies: paired finds fewer wrong pixels than the paper's rule, or that hardly more than chance")


def main():
    parser = argparse.ArgumentParser(prog="./dev policies", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", default=FRESH, help=f"worlds (default {FRESH}; for tuning: {TUNING})")
    parser.add_argument("--only", default="", help="worlds whose titles hold this")
    parser.add_argument("--scenes", type=int, default=40, help="scenes of a world (default 40)")
    parser.add_argument("--quick", action="store_true", help="one small world, as a gate")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.quick:
            return judge_quick(folder, options)
        for title, kind, strength, errors, shared in WORLDS:
            if options.only not in title:
                continue
            if kind == "camvid" and not os.environ.get("FREEMASK_TEST_DATA"):
                print(f"\n### {title}\n\nSkipped: FREEMASK_TEST_DATA does not name a folder with camvid/.")
                continue
            runs = [run_world(kind, folder, int(seed), strength, errors, shared, options) for seed in options.seeds.split(",")]
            show(title, *([list(part) for part in zip(*runs)]))
    return None


main()
