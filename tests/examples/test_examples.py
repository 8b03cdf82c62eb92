# examples/test_examples.py - the examples' output, line by line, from Python's own arithmetic.
import math
import os
import re
import struct
import subprocess
import sys
from fractions import Fraction

import tap

sys.path.insert(0, os.path.join(tap.SOURCE, "tests", "golden"))
from make_schedule_golden import JOINT, Schedule  # noqa: E402

FIRST, SECOND, THIRD, FOURTH, SIXTH, CPP = sys.argv[1:7]


def f32(value):
    return struct.unpack("f", struct.pack("f", value))[0]


def output_of(program):
    done = subprocess.run([program], capture_output=True, text=True, check=False)
    tap.ok(done.returncode == 0 and not done.stderr, f"{program.rsplit('/', 1)[-1]} ends well", done.stderr)
    return done.stdout.splitlines()


def means_of(pairs, ignored):
    """{label: h} of (label, loss) pairs."""
    sums, counts = {}, {}
    for label, loss in pairs:
        if label != ignored:
            sums[label] = sums.get(label, Fraction(0)) + Fraction(f32(loss))
            counts[label] = counts.get(label, 0) + 1
    return {label: float(sums[label]) / (counts[label] + 1e-5) for label in sums}


def dropped(pairs, means, ignored):
    return [label != ignored and f32(loss) > f32(1.25 * means.get(label, 0.0)) for label, loss in pairs]


def check_first():
    real = list(zip([0, 0, 0, 11, 3, 3, 8, 8], [0.1, 0.1, 0.4, 9, 0.2, 0.2, 1.0, 0.6]))
    synthetic = list(zip([0, 0, 0, 0, 3, 3, 8, 8], [0.1, 0.2, 0.2, 0.3, 0.2, 0.1, 0.5, 4.0]))
    means = means_of(real, 11)
    gone = dropped(synthetic, means, 11)
    filtered = [11 if drop else label for (label, _), drop in zip(synthetic, gone)]
    tap.equal(output_of(FIRST),
              [f"sky is dropped above {f32(1.25 * means[0]):.3f}, car above {f32(1.25 * means[8]):.3f}",
               f"dropped {sum(gone)} of {len(synthetic)} pixels: " + " ".join(map(str, filtered))],
              "01 filters as the formula does")


SKY, ROAD, CAR, SIDE = 0, 3, 8, 8
GREY = {SKY: 220, ROAD: 100, CAR: 30}


def draw(cars, wrong):
    """(label, loss) of each pixel, from the picture that 02 draws."""
    pairs = []
    for i in range(SIDE * SIDE):
        x, y = i % SIDE, i // SIDE
        label = SKY if y < SIDE // 2 else CAR if x < cars else ROAD
        grey = GREY[label]
        if label == CAR and wrong > 0:
            grey, wrong = GREY[ROAD], wrong - 1
        pairs.append((label, 0.25 * (1 + label) + 0.0625 * abs(grey - GREY[label])))
    return pairs


def hardness(pairs, means):
    total = 0.0
    for label in sorted(means):  # a square of 8 becomes one of 512: each pixel 4,096 times
        total += 4096 * sum(one == label for one, _ in pairs) * means[label]
    return total / (512 * 512 + 1e-5)


def check_second():
    real = [draw(i, 0) for i in range(4)]
    synthetic = [draw(3, 6 * i) for i in range(2)]
    means = means_of([pair for picture in real for pair in picture], None)
    lines = [f"mean loss: sky {means[SKY]:.4f}, road {means[ROAD]:.4f}, car {means[CAR]:.4f}"]
    for i, picture in enumerate(synthetic):
        gone = dropped(picture, means, None)
        cars = [drop for (label, _), drop in zip(picture, gone) if label == CAR]
        lines.append(f"street_3_seed_{i}: dropped {sum(gone)} of 64 pixels, {sum(cars)} of {len(cars)} of the cars")
    hard = [hardness(picture, means) for picture in real]
    order = sorted(range(4), key=lambda i: hard[i])
    counts = [min(1 + round((order.index(i) + 1) / 4 * 20), 20) for i in range(4)]
    lines += [f"street_{i}: hardness {hard[i]:.4f}, {counts[i]} images" for i in range(4)]
    lines.append(f"{sum(counts)} images in all; repeat the real set {round(sum(counts) / 4)} times")
    tap.equal(output_of(SECOND), lines, "02 collects, filters and plans as the formulas do")


def check_third():
    masks = [[0, 0, 13, 255], [0, 0, 0, 0], [13, 13, 0, 255]]
    losses = [[0.1, 1e-7, 2.5, 0], [0.1, 0.1, 3e7, 0.1], [1e-3, 0.7, 0.1, 0]]
    means = means_of([pair for m, l in zip(masks, losses) for pair in zip(m, l)], 255)
    lines = [f"road {means[0]:.17g}, either way: yes"]
    for i, mask in enumerate(masks):
        counts = [mask.count(0), mask.count(13)]
        value = (counts[0] * means[0] + counts[1] * means[13]) / (sum(counts) + 1e-5)
        lines.append(f"mask {i}: hardness {value:.17g}")
    tap.equal(output_of(THIRD), lines, "03 sums to the same bits in any order")


def street(cars, wrong):
    """Mask and logits [3][4][4] of the picture that 04 draws."""
    grey = [224, 96, 32]
    mask = [[0 if y < 8 else 2 if x < 4 * cars else 1 for x in range(16)] for y in range(16)]
    seen = [[grey[1 if wrong and label == 2 else label] for label in row] for row in mask]
    return mask, [[[4 - abs(seen[4 * y + 2][4 * x + 2] - one) / 16 for x in range(4)] for y in range(4)]
                  for one in grey]


def quarter(i):
    """Where pixel i lies between two of a quarter as many: low, high, share of high."""
    at = max((i + 0.5) / 4 - 0.5, 0)
    low = int(at)
    return low, min(low + 1, 3), at - low


def losses_of(mask, logits):
    """(label, cross-entropy) of each pixel, of logits resized bilinearly."""
    pairs = []
    for y in range(16):
        top, bottom, u = quarter(y)
        for x in range(16):
            left, right, t = quarter(x)
            z = [(c[top][left] * (1 - t) + c[top][right] * t) * (1 - u)
                 + (c[bottom][left] * (1 - t) + c[bottom][right] * t) * u for c in logits]
            pairs.append((mask[y][x], math.log(sum(map(math.exp, z))) - z[mask[y][x]]))
    return pairs


def check_fourth():
    means = means_of([pair for cars in range(3) for pair in losses_of(*street(cars, False))], 255)
    synthetic = losses_of(*street(2, True))
    gone = dropped(synthetic, means, 255)
    cars = [drop for (label, _), drop in zip(synthetic, gone) if label == 2]
    tap.equal(output_of(FOURTH),
              [f"mean loss: sky {means[0]:.4f}, road {means[1]:.4f}, car {means[2]:.4f}",
               f"dropped {sum(gone)} of 256 pixels, {sum(cars)} of {len(cars)} of the cars",
               "output: declared FM_OUTPUT_LOGITS, but the channels of each pixel sum to 1, as after a softmax: "
               "pass FM_OUTPUT_PROBS (or set trust_kind if it is right)"],
              "04 takes losses from logits as the formulas do")
def plan_images():
    """(mask, seed) of each image that 06 plans; the drawing of seeds is the page's own Python."""
    page = {}
    with open(os.path.join(tap.SOURCE, "doc", "random.md"), encoding="utf-8") as file:
        exec(re.search(r"```python\n(.*?)```", file.read(), re.S).group(1), page)  # pylint: disable=exec-used
    counts = [min(1 + round((i + 1) / 4 * 4), 4) for i in range(4)]
    return [(i, seed) for i, count in enumerate(counts)
            for seed in page["seeds_of"](0, f"street_{i}".encode(), list(range(42, 62)), count)]


def check_sixth():
    images = plan_images()
    order = Schedule(JOINT, 4, len(images), seed=2023, rank=0, world=2)

    def step(first):
        numbers = [order.at(first + i)[0] for i in range(4)]
        return f"from {first}:" + "".join(
            f" street_{n}.jpg" if n < 4 else " street_{}_seed_{}.jpg".format(*images[n - 4]) for n in numbers)

    lines = [f"epoch 0: {4 * round(len(images) / 4)} real, {len(images)} synthetic, 1 to fill it up"]
    lines += [step(0), step(4), step(8), "interrupted; the last step is made again", step(8)]
    tap.equal(output_of(SIXTH), lines, "06 trains in the order that Python works out")


def check_cpp():
    """Pixels of class 0 and 1 in the real images: columns 2, 3, 4 of 6 begin class 1. In the synthetic image of
    the first mask the third row of six loses 4, and all else 0.5."""
    if CPP == "none":
        tap.skip("the example in C++", "no C++ compiler")
        return
    means = {0: 0.5 * 36 / (36 + 1e-5), 1: 1.5 * 36 / (36 + 1e-5)}
    gone = sum(4 > 1.25 * means[0 if x < 2 else 1] for x in range(6))
    hardness = [(8 + 4 * i) / 24 * means[0] + (16 - 4 * i) / 24 * means[1] for i in range(3)]
    ranks = {i: rank for rank, i in enumerate(sorted(range(3), key=hardness.__getitem__))}
    tap.equal(output_of(CPP),
              [f"mean losses: {means[0]:.6g} {means[1]:.6g}", f"dropped: {gone} of 24 pixels"]
              + [f"street_{i}: {min(1 + round((ranks[i] + 1) / 3 * 4), 4)} images" for i in range(3)],
              "filter_and_plan filters and plans")


check_first()
check_second()
check_third()
check_fourth()
check_sixth()
check_cpp()
tap.done()
