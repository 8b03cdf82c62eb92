"""golden/yield_reference.py - shapes and budgets by yield as hardness.h and planner.h define them, slowly."""
import math

import numpy as np


def complexity(classes, count):
    """[count] in units of 2^-20; classes below 0 are ignored."""
    edges = np.zeros(count, np.int64)
    for a, b in ((classes[:, :-1], classes[:, 1:]), (classes[:-1], classes[1:])):
        between = (a != b) & (a >= 0) & (b >= 0)
        for side in (a, b):
            np.add.at(edges, side[between], 1)
    pixels = np.bincount(classes[classes >= 0], minlength=count)
    return [math.floor(int(e) / (4 * math.sqrt(int(n))) * 2**20 + .5) if n else 0 for e, n in zip(edges, pixels)]


def hardness(rows):
    """Of each mask, from the complexities of all."""
    totals = [sum(column) for column in zip(*rows)]
    return [sum_up(value / total for value, total in zip(row, totals) if total) for row in rows]


def sum_up(values):
    total = 0.
    for value in values:
        total += value
    return total


def counts(pixels, budget, n_max, kept_shares=None, weights=None, kept=None):
    """Eagerly: all gains anew for each image."""
    masks, classes = len(pixels), len(pixels[0])
    shares, worth = kept_shares or [1.] * classes, weights or [1.] * classes
    adds = [[math.floor(share * n + .5) for share, n in zip(shares, row)] for row in pixels]
    got = list(kept or [0] * masks)
    there = [float(max(1, sum(column))) for column in zip(*pixels)]
    for k in range(classes):
        there[k] += sum(n * row[k] for n, row in zip(got, adds))

    def gain(i):
        return sum_up(worth[k] * (adds[i][k] / there[k]) for k in range(classes) if pixels[i][k]) / (1 + got[i])
    for _ in range(budget - sum(got)):
        best = max((i for i in range(masks) if got[i] < n_max), key=lambda i: (gain(i), -i))
        got[best] += 1
        for k in range(classes):
            there[k] += adds[best][k]
    return got
