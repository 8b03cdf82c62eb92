#!/usr/bin/env python3
# golden/make_schedule_golden.py - writes schedule.golden: what stands where, worked out in Python.
"""From doc/random.md and freemask/schedule.h, with Python's own integers and fractions; nothing of
the library is used. Run it where it lies; the file does not change unless the definition does."""
import os
from fractions import Fraction

M = (1 << 64) - 1
GOLDEN = 0x9e3779b97f4a7c15
JOINT, REAL, SYNTHETIC, RATIO, RANDOM, WEIGHTED, SHARES = range(7)
PAD, TRUNCATE, STREAM = range(3)


# ---- Random numbers ---------------------------------------------------------------------

def finalize(z):
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9 & M
    z = (z ^ z >> 27) * 0x94d049bb133111eb & M
    return z ^ z >> 31


def state_of(seed, name):
    value = 0xcbf29ce484222325
    for byte in name.encode():
        value = (value ^ byte) * 0x100000001b3 & M
    return finalize(value ^ finalize(seed))


def output(state, index):
    return finalize(state + (index + 1) * GOLDEN & M)


def below(state, bound):
    """The first output of a generator that will do."""
    index = 0
    while True:
        product = output(state, index) * bound
        if product & M >= (1 << 64) % bound:
            return product >> 64
        index += 1


def permute(length, key, x):
    """Where x goes among 0 .. length - 1."""
    left = max(1, (length - 1).bit_length() // 2)
    rows = -(-length >> left)
    rounds = 2 * (2 + -(-18 // left))
    while True:
        row, column = divmod(x, 1 << left)
        for i in range(rounds):
            if i % 2 == 0:
                column ^= finalize(key + i * GOLDEN + row & M) >> 64 - left
            else:
                row = (row + ((finalize(key + i * GOLDEN + column & M) >> 32) * rows >> 32)) % rows
        x = (row << left) + column
        if x < length:
            return x


# ---- Schedules -----------------------------------------------------------------------------

def half_even(fraction):
    return round(fraction)


class Schedule:
    def __init__(self, mix, real, synthetic, tail=PAD, times=0, shares=(0, 0), length=0, pretraining=0, seed=0,
                 in_order=0, rank=0, world=1, weights=()):
        self.options = (mix, tail, real, synthetic, times, *shares, length, pretraining, seed, in_order, rank, world)
        self.mix, self.real, self.synthetic, self.tail = mix, real, synthetic, tail
        self.pretraining, self.in_order, self.rank, self.world = pretraining, in_order, rank, world
        self.seed, self.given = seed, weights
        self.share, self.other = shares if any(shares) else (1, 1)
        self.first = self.entries(SYNTHETIC, times, length)
        self.then = self.entries(mix, times, length)
        if weights:
            bits = 62 - len(weights).bit_length()
            most = max(weights)
            exponent = 0  # most = f * 2^exponent, 1/2 <= f < 1
            while Fraction(most) >= Fraction(2) ** exponent:
                exponent += 1
            while Fraction(most) < Fraction(2) ** (exponent - 1):
                exponent -= 1
            scale = Fraction(2) ** (bits - exponent)
            self.weights = [max(int(Fraction(w) * scale), 1 if w else 0) for w in weights]

    def entries(self, mix, times, length):
        if mix == JOINT:
            self.copies = (times or max(1, half_even(Fraction(self.synthetic, self.real)))) * self.real
            return self.copies + self.synthetic
        if mix == RATIO:
            self.copies = half_even(Fraction(self.synthetic * self.share, self.other))
            return self.copies + self.synthetic
        return {REAL: self.real, SYNTHETIC: self.synthetic}.get(mix, length or self.real + self.synthetic)

    def key(self, name, index):
        return output(state_of(self.seed, "schedule " + name), index)

    def place(self, position):
        """(epoch, place among the entries of all ranks)."""
        def per_epoch(entries):
            if self.tail == STREAM:
                return entries
            return -(-entries // self.world) if self.tail == PAD else entries // self.world
        at = position * self.world + self.rank if self.tail == STREAM else position
        epoch = 0
        early = self.pretraining * per_epoch(self.first)
        if at < early:
            epoch, at = divmod(at, per_epoch(self.first))
        else:
            epoch, at = divmod(at - early, per_epoch(self.then))
            epoch += self.pretraining
        return epoch, at if self.tail == STREAM else at * self.world + self.rank

    def at(self, position):
        """number, repeat, epoch, padding"""
        epoch, place = self.place(position)
        early = epoch < self.pretraining
        entries, mix = (self.first, SYNTHETIC) if early else (self.then, self.mix)
        padding, place = place >= entries, place % entries
        number, repeat = self.draw(mix, epoch, place, entries)
        return number, repeat, epoch, int(padding)

    def draw(self, mix, epoch, place, entries):
        if not self.in_order and mix not in (RANDOM, WEIGHTED):
            place = permute(entries, self.key("order", epoch), place)
        if mix == REAL:
            return place, 0
        if mix == SYNTHETIC:
            return self.real + place, 0
        if mix == JOINT:
            return (place % self.real, place // self.real) if place < self.copies else (
                self.real + place - self.copies, 0)
        late = epoch - self.pretraining
        if mix == RATIO:
            return self.walk("real", self.real, late * self.copies + place) if place < self.copies else (
                self.real + place - self.copies, 0)
        if mix == RANDOM:
            real = below(output(self.key("mix", epoch), place), self.share + self.other) < self.share
            name, size, first = ("real", self.real, 0) if real else ("synthetic", self.synthetic, self.real)
            return first + self.walk(name, size, late * entries + place)[0], 0
        key, total = self.key("weights", epoch), sum(self.weights)
        if mix == WEIGHTED:
            point = below(output(key, place), total)
        else:
            point = (place * total + below(key, total)) // entries
        return self.piece(point), 0

    def walk(self, name, size, step):
        shuffle, at = divmod(step, size)
        return (at if self.in_order else permute(size, self.key(name, shuffle), at)), shuffle

    def piece(self, point):
        for i, weight in enumerate(self.weights):
            if point < weight:
                return i
            point -= weight
        raise AssertionError


def cases():
    """(schedule, positions)"""
    near = range(40)
    yield Schedule(JOINT, 4, 9), near
    yield Schedule(JOINT, 4, 10, seed=M), near                    # 2.5 times, half to even
    yield Schedule(JOINT, 4, 14, seed=7, world=3, rank=1), near   # 3.5 times
    yield Schedule(JOINT, 20210, 221814, seed=1, world=8, rank=5), [*near, 27780, 55516, 55517, 10 ** 12]
    yield Schedule(JOINT, 7, 5, times=3, tail=TRUNCATE, world=4, rank=3, seed=2), near
    yield Schedule(JOINT, 7, 5, tail=STREAM, world=5, rank=4, seed=2, pretraining=2), near
    yield Schedule(JOINT, 3, 2, world=64, rank=63, seed=2), near  # padding thirteen times over
    yield Schedule(JOINT, 3, 4, in_order=1), near
    for real in (1, 2, 3, 5, 17, 1000, 65536, 65537, (1 << 20) + 1):
        yield Schedule(REAL, real, 0, seed=real), near
    yield Schedule(REAL, 10 ** 9, 0, seed=3, world=64, rank=63), [0, 1, 15624999, 15625000, 10 ** 15]
    yield Schedule(REAL, 1 << 40, 0, seed=4), [0, (1 << 40) - 1, 1 << 40, (1 << 61) + 12345]
    yield Schedule(SYNTHETIC, 5, 30, seed=5, world=2, rank=1), near
    yield Schedule(REAL, 5, 30, seed=5, pretraining=1, tail=TRUNCATE, world=2, rank=1), near
    yield Schedule(RATIO, 5, 12, seed=6, shares=(1, 3)), near
    yield Schedule(RATIO, 5, 7, seed=6, shares=(3, 2), pretraining=1, world=2, rank=0), near  # 10.5 real ones
    yield Schedule(RATIO, 5, 7, seed=6, in_order=1), near
    yield Schedule(RATIO, 10 ** 6, 10 ** 9, seed=8, shares=(2, 3), world=8, rank=7), [0, 5, 10 ** 9, 10 ** 14]
    yield Schedule(RANDOM, 4, 6, seed=9), near
    yield Schedule(RANDOM, 4, 6, seed=9, shares=(1, 1 << 20), length=5, pretraining=2), near
    yield Schedule(RANDOM, 10 ** 9, 10 ** 8, seed=9, shares=(7, 3), world=3, rank=2), [0, 1, 2, 10 ** 9, 10 ** 16]
    weights = [0.5, 0, 1, 2.25, 1e-300, 0, 3]
    yield Schedule(WEIGHTED, 3, 4, seed=10, weights=weights), near
    yield Schedule(WEIGHTED, 3, 4, seed=11, weights=weights, length=11, world=2, rank=1, pretraining=1), near
    yield Schedule(SHARES, 3, 4, seed=12, weights=weights, length=3), near
    yield Schedule(SHARES, 3, 4, seed=12, weights=weights, length=23, in_order=1), near
    yield Schedule(SHARES, 50, 50, seed=13, weights=[0.1 * (i * 37 % 101) for i in range(100)], length=40), near
    yield Schedule(WEIGHTED, 50, 50, seed=13, weights=[1e300 if i % 9 else 1e299 for i in range(100)]), near


def main():
    folder = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(folder, "schedule.golden"), "w", encoding="utf-8") as file:
        file.write("# By make_schedule_golden.py. options: mix tail real synthetic times real_share synthetic_share\n"
                   "# epoch_length pretraining seed in_order rank world, weights; at: position number repeat epoch\n"
                   "# padding\n")
        for schedule, positions in cases():
            words = [*schedule.options, len(schedule.given), *(float(w).hex() for w in schedule.given)]
            file.write("options " + " ".join(map(str, words)) + "\n")
            for position in positions:
                file.write(f"at {position} " + " ".join(map(str, schedule.at(position))) + "\n")


if __name__ == "__main__":
    main()
