# golden/plan_reference.py - plan policies in exact fractions, for comparing; shares no code with the
# library and goes other ways than it: breakpoints for the budget, decimals of 60 digits for powers.
# SPDX-License-Identifier: MIT
from bisect import bisect_left
from decimal import Decimal, localcontext
from fractions import Fraction
from math import floor, sqrt

FULL = (1 << 31) - 1
RANK, UNIFORM, PROPORTIONAL, REPEAT_FACTOR, RARE_CLASS, BLEND = range(6)


def rank_counts(hardness, n_max):
    """The paper; ties by index."""
    masks = len(hardness)
    order = sorted(range(masks), key=lambda i: (hardness[i], i))
    counts = [0] * masks
    for place, i in enumerate(order):
        counts[i] = min(1 + round((place + 1) / masks * n_max), n_max)
    return counts


def find_lambda(weights, low, high, budget):
    """The lambda with sum of clamp(lambda * weight) = budget, by walking over all breakpoints."""
    def total(lam):
        return sum(min(max(lam * w, lo), hi) for w, lo, hi in zip(weights, low, high))
    points = sorted({Fraction(b, w) for w, lo, hi in zip(weights, low, high) for b in (lo, hi)})

    class Totals:
        def __len__(self):
            return len(points)

        def __getitem__(self, i):
            return total(points[i])

    at = bisect_left(Totals(), budget)
    if at == 0 or total(points[at]) == budget:
        return points[at]
    left, right = points[at - 1], points[at]
    rise = total(right) - total(left)
    return left + (right - left) * (budget - total(left)) / rise


def apportion(weights, low, high, budget):
    lam = find_lambda(weights, low, high, budget)
    shares = [min(max(lam * w, lo), hi) for w, lo, hi in zip(weights, low, high)]
    counts = [floor(share) for share in shares]
    left = budget - sum(counts)
    rests = [share - count for share, count in zip(shares, counts)]
    for rest in sorted(set(rests), reverse=True):
        equal = [i for i, other in enumerate(rests) if other == rest]
        ones = min(left, len(equal))
        for j, i in enumerate(equal):
            counts[i] += (j + 1) * ones // len(equal) > j * ones // len(equal)
        left -= ones
        if not left:
            break
    return counts


def to_weight(share):
    return max(1, floor(Fraction(share) * FULL + Fraction(1, 2)))


def proportional(hardness, gamma):
    most = max(hardness)
    if most == 0:
        return [FULL] * len(hardness)
    exponent = Fraction(floor(Fraction(gamma) * 65536 + Fraction(1, 2)), 65536)
    with localcontext() as context:
        context.prec = 60
        power = Decimal(exponent.numerator) / Decimal(exponent.denominator)
        return [to_weight(Fraction(Decimal(h / most) ** power) if h else 0) for h in hardness]


def repeat_factors(classes, class_count, threshold):
    """The factor of each mask, and the largest; `classes` are sets."""
    share = [sum(k in has for has in classes) / len(classes) for k in range(class_count)]
    factor = [max(1.0, sqrt(threshold / f)) if f else 1.0 for f in share]
    return [max([1.0] + [factor[k] for k in has]) for has in classes]


def rare_class(classes, class_pixels, temperature):
    """Expected draws, up to a common factor."""
    masks_with = [sum(k in has for has in classes) for k in range(len(class_pixels))]
    total = sum(class_pixels)
    least = min(p for p, n in zip(class_pixels, masks_with) if n)
    chance = []
    with localcontext() as context:
        context.prec = 60
        for pixels, masks in zip(class_pixels, masks_with):
            y = (pixels - least) / total / temperature
            y = Fraction(floor(Fraction(y) * 2 ** 32 + Fraction(1, 2)), 2 ** 32)
            power = (Decimal(-y.numerator) / Decimal(y.denominator)).exp()
            chance.append(Fraction(power) / masks if masks else Fraction(0))
    return [sum((chance[k] for k in has), Fraction(0)) for has in classes]


def relative(values):
    most = max(values)
    return [to_weight(Fraction(v) / Fraction(most)) if most else FULL for v in values]


def weights(policy, table, options):
    """Whole weights of all masks. `table`: hardness, classes, class_pixels; `options`: a dict."""
    masks = len(table["hardness"])
    if policy == RANK:
        return relative(rank_counts(table["hardness"], options["n_max"]))
    if policy == UNIFORM:
        return [FULL] * masks
    if policy == PROPORTIONAL:
        return proportional(table["hardness"], options.get("gamma", 1))
    if policy == REPEAT_FACTOR:
        return relative(repeat_factors(table["classes"], len(table["class_pixels"]),
                                       options.get("threshold", 0.001)))
    if policy == RARE_CLASS:
        return relative(rare_class(table["classes"], table["class_pixels"],
                                   options.get("temperature", 0.01)))
    values = [Fraction(0)] * masks
    for simple, part in enumerate(options["blend"]):
        if part:
            own = weights(simple, table, options)
            values = [v + Fraction(part) * w / sum(own) for v, w in zip(values, own)]
    return relative(values)


def counts(policy, table, options, draw=None):
    """What each mask gets. `draw(i)` is 64 bits for mask i: chances of repeat factors."""
    masks = len(table["hardness"])
    n_max, n_min = options["n_max"], options.get("n_min", 0)
    kept = table.get("kept") or [0] * masks
    low, high = [max(n_min, k) for k in kept], [max(n_max, k) for k in kept]
    budget = options.get("budget", 0)
    if not budget and policy in (RANK, UNIFORM, REPEAT_FACTOR):
        if policy == RANK:
            made = rank_counts(table["hardness"], n_max)
        elif policy == UNIFORM:
            made = [n_max] * masks
        else:
            factors = repeat_factors(table["classes"], len(table["class_pixels"]),
                                     options.get("threshold", 0.001))
            made = [floor(r) + (Fraction(draw(i) >> 11, 1 << 53) < Fraction(r) - floor(r))
                    for i, r in enumerate(factors)]
        return [min(max(c, lo), hi) for c, lo, hi in zip(made, low, high)]
    if not budget:
        budget = max(sum(rank_counts(table["hardness"], n_max)), sum(low))
    return apportion(weights(policy, table, options), low, high, budget)
