"""golden/calibration_reference.py - calibration.h in NumPy and fractions: words, promises, thresholds. Images are
pairs of classes (other numbers: ignored) and scores."""
import math
from fractions import Fraction

import numpy as np

BINS = 32 * 32 + 2


def edges():
    """The lower end of each bin but the first."""
    return np.array([math.ldexp(1 + i % 32 / 32, i // 32 - 24) for i in range(BINS - 1)])


def words(images, classes):
    """[class][1 + bins], exactly: images with the class, sums of shares in units of 2^-30, each rounded up."""
    out, bars = [], edges().astype(np.float32)
    for k in range(classes):
        sums, count = [0] * BINS, 0
        for mask, scores in images:
            values = np.sort(scores[mask == k])
            count += len(values) > 0
            above = len(values) - np.searchsorted(values, bars)
            for i, n in enumerate(above):
                if n:
                    sums[i] += math.ceil(Fraction(int(n), len(values)) * 2**30)
        out.append([count, *sums])
    return out


def kept_in_expectation(total, n, alpha):
    return Fraction(int(total), 2**30) + 1 <= Fraction(alpha) * (n + 1)


def p_value(mean, n, alpha):
    """Of Hoeffding and Bentkus, by the definition."""
    if mean >= alpha:
        return 1.
    entropy = (mean * math.log(mean / alpha) if mean else 0) + (1 - mean) * math.log((1 - mean) / (1 - alpha))
    tail = sum(math.comb(n, j) * alpha**j * (1 - alpha)**(n - j) for j in range(math.ceil(n * mean) + 1))
    return min(math.exp(-n * entropy), math.e * tail)


def threshold(row, classes, alpha, delta=0.):
    """The least end of a bin that keeps the promise: a float32, infinite if there is none. `row`: of words."""
    count = int(row[0])
    if not count:
        return np.float32(math.inf)
    for i, total in enumerate(row[1:]):
        if kept_in_expectation(total, count, alpha) if not delta else (
                p_value(float(total) / 2**30 / count, count, alpha) <= delta / classes):
            return np.float32(edges()[i]) if i < BINS - 1 else np.float32(math.inf)
    return np.float32(math.inf)
