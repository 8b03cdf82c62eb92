# ctypes/test_policies.py - plans of all policies against exact fractions, and their properties.
import ctypes
import os
import random
import sys

import tap
from freemask_ctypes import Interface

sys.path.insert(0, os.path.join(tap.SOURCE, "tests", "golden"))
import plan_reference as ref  # noqa: E402

tap.need("numpy", "PIL")
import reference  # noqa: E402

LIB = Interface(os.environ["FM_SHARED"])
ERROR = LIB.struct("fm_error")
CONTEXT = ctypes.c_void_p()
LIB.fm_context_create(None, ctypes.byref(CONTEXT), None)
NAMES = ["rank", "uniform", "proportional", "repeat factor", "rare class", "blend"]
rng = random.Random(551)


class Failure(Exception):
    pass


def call(function, *arguments):
    err = ERROR()
    if function(*arguments, ctypes.byref(err)):
        raise Failure(err.message.decode())


def array(kind, values):
    return (kind * max(1, len(values)))(*values)


def planner_options(policy, options, **more):
    fields = dict(options, policy=policy, **more)
    if "blend" in fields:
        parts = [LIB.make("fm_plan_part", policy=p, share=share)
                 for p, share in enumerate(fields["blend"]) if share]
        rng.shuffle(parts)
        fields["blend_count"] = len(parts)
        fields["blend"] = array(LIB.struct("fm_plan_part"), parts)
    return LIB.make("fm_planner_options", **fields)


def bit_sets(classes, class_count):
    words = (class_count + 63) // 64
    return [sum(1 << k for k in has) >> 64 * w & (1 << 64) - 1 for has in classes for w in range(words)]


def counts_of(policy, table, options):
    """By fm_planner_count_images."""
    masks = len(table["hardness"])
    kept = table.get("kept")
    fields = LIB.make("fm_planner_table", mask_count=masks, class_count=len(table["class_pixels"]),
                      hardness=array(ctypes.c_double, table["hardness"]),
                      classes=array(ctypes.c_uint64, bit_sets(table["classes"], len(table["class_pixels"]))),
                      class_pixels=array(ctypes.c_int64, table["class_pixels"]),
                      kept=array(ctypes.c_uint32, kept) if kept else None)
    counts = (ctypes.c_uint32 * masks)()
    call(LIB.fm_planner_count_images, CONTEXT, planner_options(policy, options), ctypes.byref(fields), counts)
    return list(counts)


def names_of(masks):
    """Ids whose order is that of the indices."""
    return [f"mask {i:05d}".encode() for i in range(masks)]


class Plan:
    """By fm_planner; masks are added in a random order."""

    def __init__(self, policy, table, options, seeds=None, kept_seeds=None):
        masks = len(table["hardness"])
        self.planner, self.plan = ctypes.c_void_p(), ctypes.c_void_p()
        seeds = seeds or list(range(42, 42 + max(20, options["n_max"])))
        made = planner_options(policy, options, seeds=array(ctypes.c_int64, seeds), seed_count=len(seeds))
        call(LIB.fm_planner_create, CONTEXT, made, ctypes.byref(self.planner))
        names, order = names_of(masks), list(range(masks))
        rng.shuffle(order)
        for i in order:
            pixels = [table["pixels"][i][k] if k in table["pixels"][i] else 0
                      for k in range(len(table["class_pixels"]))]
            if kept_seeds and i % 2:
                self.keep(names[i], kept_seeds[i])
            call(LIB.fm_planner_add, self.planner, names[i], table["hardness"][i],
                 array(ctypes.c_int64, pixels), len(pixels))
            if kept_seeds and i % 2 == 0:
                self.keep(names[i], kept_seeds[i])
        call(LIB.fm_planner_make_plan, self.planner, ctypes.byref(self.plan))
        self.counts, self.seeds = [], []
        for i in range(masks):
            entry = LIB.make("fm_plan_entry")
            call(LIB.fm_plan_get, self.plan, i, entry)
            self.counts.append(entry.count)
            self.seeds.append(entry.seeds[:entry.count])
        LIB.fm_plan_destroy(self.plan)
        LIB.fm_planner_destroy(self.planner)

    def keep(self, name, seeds):
        call(LIB.fm_planner_keep, self.planner, name, array(ctypes.c_int64, seeds), len(seeds))


def random_table(masks, class_count):
    """Hardness of a few sizes with ties and zeros, class contents with rare and absent classes."""
    kind = rng.randrange(4)
    hardness = [[rng.random() * 3, rng.choice([0.0, 0.25, 0.5]), rng.lognormvariate(0, 4),
                 rng.gammavariate(2, 0.3)][kind] for _ in range(masks)]
    pixels = [{k: rng.randint(1, 5000) for k in range(class_count - 1) if rng.random() < 1.5 / (k + 1)}
              for _ in range(masks)]
    return {"hardness": hardness, "pixels": pixels, "classes": [set(p) for p in pixels],
            "class_pixels": [sum(p.get(k, 0) for p in pixels) for k in range(class_count)]}


OWN_OPTIONS = [(ref.PROPORTIONAL, "gamma", [1, 0.5, 2, 0.7, 3.25, 1 / 3, 10]),
               (ref.REPEAT_FACTOR, "threshold", [0.001, 0.1, 0.5, 1]),
               (ref.RARE_CLASS, "temperature", [0.01, 0.1, 1, 0.003])]


def random_options(masks, policy):
    n_max = rng.choice([1, 2, 5, 20, 60])
    options = {"n_max": n_max, "n_min": rng.choice([0, 0, 1, n_max // 3, n_max])}
    options["plan_seed"] = rng.getrandbits(64)
    if rng.random() < 0.7:
        low, high = masks * options["n_min"], masks * n_max
        options["budget"] = rng.choice([rng.randint(low, high), low, high]) or 1
    if policy == ref.BLEND:
        options["blend"] = [rng.choice([0, 1, 0.25, 3]) for _ in range(rng.randint(1, 5))]
        options["blend"][rng.randrange(len(options["blend"]))] = 0.5
    parts = options.get("blend", [])
    for one, name, values in OWN_OPTIONS:  # others than its own are refused
        if policy == one or one < len(parts) and parts[one]:
            options[name] = rng.choice(values)
    return options


def as_ids(options):
    """64 bits for mask i by its id: the generator of the complement of the plan's seed."""
    return lambda i: reference.Generator(~options["plan_seed"], f"mask {i:05d}").next()


def as_numbers(options):
    """The same by its index."""
    def draw(i):
        key = 0xCBF29CE484222325
        for byte in i.to_bytes(8, "little"):
            key = ((key ^ byte) * 0x100000001B3) & reference.TWO64
        state = reference._final(key ^ reference._final(~options["plan_seed"] & reference.TWO64))
        return reference._final((state + 0x9E3779B97F4A7C15) & reference.TWO64)
    return draw


def check_policies():
    for policy, name in enumerate(NAMES):
        wrong = []
        for _ in range(60):
            masks = rng.choice([1, 2, 3, 7, 40, 97])
            table, options = random_table(masks, rng.choice([1, 5, 70])), random_options(masks, policy)
            if not any(table["classes"]):
                table["pixels"][0], table["classes"][0], table["class_pixels"][0] = {0: 3}, {0}, 3
            expected = ref.counts(policy, table, options, as_numbers(options))
            got = counts_of(policy, table, options)
            if got != expected:
                wrong.append(("counts", options, table, got, expected))
            expected = ref.counts(policy, table, options, as_ids(options))
            got = Plan(policy, table, options).counts
            if got != expected:
                wrong.append(("plan", options, table, got, expected))
            if options.get("budget") and sum(got) != options["budget"]:
                wrong.append(("sum", options, got))
        tap.equal(wrong[:1], [], f"{name}: counts of 60 random tables, as arrays and by id")


def check_growing():
    """More masks and other hardness: nothing is withdrawn, whatever the policy and its numbers."""
    for policy, name in enumerate(NAMES):
        wrong = []
        for _ in range(15):
            masks = rng.choice([2, 9, 50])
            table, options = random_table(masks, 12), random_options(masks, policy)
            table["pixels"][0], table["classes"][0] = {0: 3}, {0}
            table["class_pixels"] = [sum(p.get(k, 0) for p in table["pixels"]) for k in range(12)]
            old = Plan(policy, table, options)
            bigger = random_table(2 * masks, 12)
            bigger["hardness"][:masks] = [h * rng.choice([1, 0.1]) for h in table["hardness"]]
            more = random_options(2 * masks, policy)
            kept = old.seeds + [[] for _ in range(masks)]
            bigger["kept"] = [len(seeds) for seeds in kept]
            low = sum(max(k, more["n_min"]) for k in bigger["kept"])
            high = sum(max(k, more["n_max"]) for k in bigger["kept"])
            if "budget" in more:
                more["budget"] = rng.randint(low, high) or 1
            if policy == ref.BLEND:
                for name in ["blend"] + [name for _, name, _ in OWN_OPTIONS]:
                    more.pop(name, None)
                    if name in options:
                        more[name] = options[name]
            new = Plan(policy, bigger, more, seeds=list(range(30, 130)), kept_seeds=kept)
            expected = ref.counts(policy, bigger, more, as_ids(more))
            if new.counts != expected or counts_of(policy, bigger, more) != ref.counts(
                    policy, bigger, more, as_numbers(more)):
                wrong.append(("counts", new.counts, expected))
            for before, after in zip(kept, new.seeds):
                if not set(before) <= set(after) or sorted(set(after)) != after:
                    wrong.append(("seeds", before, after))
        tap.equal(wrong[:1], [], f"{name}: a plan that grows keeps what was there")


def check_seeds_of_growing():
    """Kept seeds, then the permutation without them."""
    table = random_table(30, 3)
    kept = [rng.sample(range(35, 60), rng.randint(0, 9)) for _ in range(30)]
    table["kept"] = [len(k) for k in kept]
    options = {"n_max": 12, "plan_seed": 77}
    seeds = list(range(42, 62))
    plan = Plan(ref.RANK, table, options, seeds=seeds, kept_seeds=kept)
    expected = []
    for i, count in enumerate(plan.counts):
        generator, pool, drawn = reference.Generator(77, f"mask {i:05d}"), list(seeds), list(kept[i])
        for j in range(20):
            if len(drawn) == count:
                break
            pick = j + generator.below(20 - j)
            pool[j], pool[pick] = pool[pick], pool[j]
            if pool[j] not in kept[i]:
                drawn.append(pool[j])
        expected.append(sorted(drawn))
    tap.equal(plan.seeds, expected, "seeds that are added come from the permutation")


def check_properties():
    """At 3,000 masks: within bounds, rising with hardness, evenly spread where all are equal."""
    masks = 3000
    table = random_table(masks, 2)
    table["hardness"] = [rng.choice([0, 1e-9, rng.random(), rng.random() ** 6, 5]) for _ in range(masks)]
    for gamma in (0.25, 1, 4):
        options = {"n_max": 15, "n_min": 1, "gamma": gamma, "budget": 19999}
        counts = counts_of(ref.PROPORTIONAL, table, options)
        pairs = sorted(zip(table["hardness"], counts))
        tap.equal(sum(counts), 19999, f"gamma {gamma}: the sum is the budget")
        tap.ok(min(counts) >= 1 and max(counts) <= 15, f"gamma {gamma}: within the bounds")
        tap.ok(all(a[1] <= b[1] for a, b in zip(pairs, pairs[1:]) if a[0] < b[0]),
               f"gamma {gamma}: the harder never gets less")
    counts = counts_of(ref.UNIFORM, table, {"n_max": 20, "budget": 7500})
    tap.equal([sum(counts[i:i + 100]) for i in range(0, masks, 100)], [250] * 30,
              "what is left of a uniform budget is spread evenly along the ids")
    chance = counts_of(ref.REPEAT_FACTOR, dict(table, classes=[{0} if i % 100 == 0 else {1} for i in range(masks)],
                                               class_pixels=[1, 1]), {"n_max": 20, "threshold": 0.0225})
    tap.equal(set(chance[1::100]), {1}, "repeat factor: a frequent class is not repeated")
    tap.ok(set(chance[::100]) == {1, 2} and 5 <= chance[::100].count(2) <= 25,
           "repeat factor 1.5: one or two, either about as often", chance[::100])


def fails_with(text, function, *arguments):
    try:
        function(*arguments)
        tap.ok(False, f"refused: {text}", "it was accepted")
    except Failure as failure:
        tap.ok(text in str(failure), f"refused: {text}", failure)


def ref_name(policy):
    return "FM_PLAN_" + NAMES[policy].upper().replace(" ", "_")


def check_refusals():
    table = random_table(10, 3)
    hard = dict(table, hardness=[1.0] * 9 + [-1.0])
    fails_with("budget of 201 images", counts_of, ref.UNIFORM, table, {"n_max": 20, "budget": 201})
    fails_with("budget of 9 images", counts_of, ref.UNIFORM, table, {"n_max": 20, "n_min": 1, "budget": 9})
    fails_with("budget is -1", counts_of, ref.UNIFORM, table, {"n_max": 20, "budget": -1})
    fails_with("n_min is 3", counts_of, ref.UNIFORM, table, {"n_max": 2, "n_min": 3})
    fails_with("gamma is", counts_of, ref.PROPORTIONAL, table, {"n_max": 2, "gamma": 64.5})
    fails_with("gamma is", counts_of, ref.PROPORTIONAL, table, {"n_max": 2, "gamma": float("nan")})
    fails_with("threshold is", counts_of, ref.REPEAT_FACTOR, table, {"n_max": 2, "threshold": 1.5})
    fails_with("temperature is", counts_of, ref.RARE_CLASS, table, {"n_max": 2, "temperature": float("inf")})
    fails_with("no parts", counts_of, ref.BLEND, table, {"n_max": 2, "blend": [0, 0]})
    fails_with("policy is 5, expected", counts_of, ref.BLEND, table, {"n_max": 2, "blend": [0] * 5 + [1]})
    fails_with("blend is given, but policy is FM_PLAN_RANK", counts_of, ref.RANK, table, {"n_max": 2, "blend": [1]})
    fails_with("share is -1", counts_of, ref.BLEND, table, {"n_max": 2, "blend": [1, -1]})
    for policy in range(len(NAMES)):
        for one, name, values in OWN_OPTIONS:
            if policy != one:
                options = {"n_max": 2, name: values[0]}
                if policy == ref.BLEND:
                    options["blend"] = [0 if p == one else 1 for p in range(5)]
                fails_with(f"{name} is set, but only {ref_name(one)} uses it", counts_of, policy, table, options)
    for policy in (ref.RANK, ref.UNIFORM, ref.PROPORTIONAL):
        fails_with("min_class_pixels is set", counts_of, policy, table, {"n_max": 2, "min_class_pixels": 1})
    fails_with("hardness[9] is -1", counts_of, ref.PROPORTIONAL, hard, {"n_max": 2})
    fails_with("mask mask 00009: hardness is -1", Plan, ref.BLEND, hard, {"n_max": 2, "blend": [0, 0, 1]})
    fails_with("class_pixels[0]", counts_of, ref.RARE_CLASS, dict(table, class_pixels=[-1, 1, 1]), {"n_max": 2})
    fails_with("reserved", counts_of, ref.RANK, table, {"n_max": 2, "reserved": 1})
    planner = ctypes.c_void_p()
    call(LIB.fm_planner_create, CONTEXT, planner_options(ref.RARE_CLASS, {}), ctypes.byref(planner))
    fails_with("class_pixels is NULL", call, LIB.fm_planner_add, planner, b"x", 1.0, None, 0)
    fails_with("class_count is 2", call, LIB.fm_planner_add, planner, b"x", 1.0, None, 2)
    call(LIB.fm_planner_add, planner, b"x", 1.0, array(ctypes.c_int64, [1, 2]), 2)
    fails_with("have 2", call, LIB.fm_planner_add, planner, b"y", 1.0, array(ctypes.c_int64, [1]), 1)
    fails_with("class_pixels[1] is -2", call, LIB.fm_planner_add, planner, b"y", 1.0,
               array(ctypes.c_int64, [1, -2]), 2)
    fails_with("2^62", call, LIB.fm_planner_add, planner, b"y", 1.0,
               array(ctypes.c_int64, [1 << 62, 0]), 2)
    fails_with("seed 4 is given twice", call, LIB.fm_planner_keep, planner, b"x",
               array(ctypes.c_int64, [4, 3, 4]), 3)
    call(LIB.fm_planner_keep, planner, b"zz", array(ctypes.c_int64, [1]), 1)
    plan = ctypes.c_void_p()
    fails_with("mask zz are to be kept", call, LIB.fm_planner_make_plan, planner, ctypes.byref(plan))
    call(LIB.fm_planner_add, planner, b"zz", 1.0, array(ctypes.c_int64, [1, 2]), 2)
    fails_with("mask zz were given before", call, LIB.fm_planner_keep, planner, b"zz",
               array(ctypes.c_int64, [2]), 1)
    fails_with("mask zz was added before", call, LIB.fm_planner_add, planner, b"zz", 2.0,
               array(ctypes.c_int64, [1, 2]), 2)
    call(LIB.fm_planner_make_plan, planner, ctypes.byref(plan))
    tap.equal(LIB.fm_plan_mask_count(plan), 2, "what was refused changed nothing")
    LIB.fm_plan_destroy(plan)
    LIB.fm_planner_destroy(planner)


def check_rarity_ignores_small_areas():
    """Below min_class_pixels a class is not there, but its pixels count."""
    table = {"hardness": [1.0, 1.0, 1.0], "class_pixels": [210, 104, 5],
             "pixels": [{0: 100, 1: 4}, {0: 100, 1: 100}, {0: 10, 2: 5}],
             "classes": [{0}, {0, 1}, {0, 2}]}
    options = {"n_max": 1000, "budget": 1500, "min_class_pixels": 5, "temperature": 0.3}
    tap.equal(Plan(ref.RARE_CLASS, table, options).counts, ref.counts(ref.RARE_CLASS, table, options),
              "a class of few pixels is not in the mask")


def main():
    check_policies()
    check_growing()
    check_seeds_of_growing()
    check_properties()
    check_refusals()
    check_rarity_ignores_small_areas()
    LIB.fm_context_destroy(CONTEXT)
    tap.done()


main()
