# doc/test_random.py - doc/random.md: its Python, its tables and the library agree.
import ctypes
import os
import re
import sys

import tap

sys.path.insert(0, os.path.join(tap.SOURCE, "tests", "ctypes"))
sys.path.insert(0, os.path.join(tap.SOURCE, "tests", "golden"))
import plan_reference  # noqa: E402
from freemask_ctypes import Interface  # noqa: E402

with open(os.path.join(tap.SOURCE, "doc", "random.md"), encoding="utf-8") as page:
    TEXT = page.read()
DOCUMENT = {}
for block in re.findall(r"```python\n(.*?)```", TEXT, re.S):
    exec(block, DOCUMENT)  # pylint: disable=exec-used


def rows(header):
    """Cells of the table that begins with this header."""
    table = TEXT[TEXT.index(header):].split("\n\n")[0].splitlines()[2:]
    for line in table:
        yield [cell.strip().replace("`", "").replace("(empty)", "") for cell in line.strip("|").split("|")]


class Library:
    """The library's own choice, by ctypes."""

    def __init__(self):
        self.lib = Interface(os.environ["FM_SHARED"])
        self.context = ctypes.c_void_p()
        self.lib.fm_context_create(None, ctypes.byref(self.context), None)

    def seeds_of(self, plan_seed, mask_id, seeds, count):
        """A plan of one mask gives it n_max images."""
        values = (ctypes.c_int64 * len(seeds))(*seeds)
        options = self.lib.make("fm_planner_options", n_max=count, seeds=values, seed_count=len(seeds),
                                plan_seed=plan_seed)
        planner, plan = ctypes.c_void_p(), ctypes.c_void_p()
        self.lib.fm_planner_create(self.context, options, ctypes.byref(planner), None)
        self.lib.fm_planner_add(planner, mask_id, 0.5, None, 0, None)
        self.lib.fm_planner_make_plan(planner, ctypes.byref(plan), None)
        entry = self.lib.make("fm_plan_entry")
        self.lib.fm_plan_get(plan, 0, entry, None)
        chosen = entry.seeds[:entry.count]
        self.lib.fm_plan_destroy(plan)
        self.lib.fm_planner_destroy(planner)
        return chosen

    def order(self, seed, length, epoch, count):
        """The first entries of an epoch of real images only."""
        options = self.lib.make("fm_schedule_options", mix=1, real_count=length, seed=seed)
        schedule, numbers = ctypes.c_void_p(), (ctypes.c_int64 * count)()
        self.lib.fm_schedule_create(self.context, None, options, ctypes.byref(schedule), None)
        arrays = self.lib.make("fm_schedule_arrays", numbers=numbers)
        self.lib.fm_schedule_fill(schedule, self.lib.fm_schedule_epoch_start(schedule, epoch), count, arrays, None)
        self.lib.fm_schedule_destroy(schedule)
        return list(numbers)

    def proportional(self, hardness, gamma, n_max, budget):
        options = self.lib.make("fm_planner_options", policy=2, gamma=gamma, n_max=n_max, budget=budget)
        table = self.lib.make("fm_planner_table", mask_count=len(hardness),
                              hardness=(ctypes.c_double * len(hardness))(*hardness))
        counts = (ctypes.c_uint32 * len(hardness))()
        status = self.lib.fm_planner_count_images(self.context, options, table, counts, None)
        return list(counts) if not status else status


def check_shuffles(library):
    for seed, epoch, key, length, places in rows("| seed | epoch | key |"):
        seed, epoch, length = int(seed), int(epoch), int(length)
        expected, name = list(map(int, places.split())), f"{length} entries, seed {seed}, epoch {epoch}"
        tap.equal(f"{DOCUMENT['output'](seed, b'schedule order', epoch):016x}", key, f"key of {name}")
        made = [DOCUMENT["shuffled"](length, int(key, 16), x) for x in range(len(expected))]
        tap.equal(made, expected, f"{name}, by the page")
        tap.equal(library.order(seed, length, epoch, len(expected)), expected, f"{name}, by the library")


def check_powers(library):
    power = DOCUMENT["power"]
    worst = max(abs(power(x, e) / x ** (e / 2 ** 32) - 1)
                for x in (1e-9, 0.1, 0.5, 1 / 3, 0.999, 1.0) for e in (1, 1 << 16, 1 << 31, 1 << 32, 5 << 30, 0xfffffffff))
    tap.ok(worst < 1e-13, "the page's power is a power", worst)
    hardness = [(i * 7919 % 500 + 1) / 500 for i in range(200)]
    for gamma in (0.7, 2.5, 12):
        weights = [max(1, int(power(h / max(hardness), int(gamma * 65536 + 0.5) << 16) * (2 ** 31 - 1) + 0.5))
                   for h in hardness]
        budget = 30_000_000
        tap.equal(library.proportional(hardness, gamma, 1 << 20, budget),
                  plan_reference.apportion(weights, [0] * 200, [1 << 20] * 200, budget),
                  f"gamma {gamma}: thirty million images by the page's power and by the library")


def main():
    library = Library()
    check_shuffles(library)
    for name, number in rows("| name | FNV-1a |"):
        tap.equal(f"{DOCUMENT['fnv1a'](name.encode()):016x}", number, f"FNV-1a of '{name}'")
    for seed, name, state, outputs in rows("| seed | name | state |"):
        random = DOCUMENT["Random"](int(seed), name.encode())
        tap.equal(f"{random.state:016x}", state, f"state of {seed}, '{name}'")
        tap.equal([f"{random.next():016x}" for _ in range(3)], outputs.split(), f"outputs of {seed}, '{name}'")
    for seed, name, count, seeds in rows("| plan seed | mask id |"):
        arguments = int(seed), name.encode(), list(range(42, 62)), int(count)
        chosen = list(map(int, seeds.split()))
        tap.equal(DOCUMENT["seeds_of"](*arguments), chosen, f"{count} seeds of {name}, plan seed {seed}, by the page")
        tap.equal(library.seeds_of(*arguments), chosen, f"{count} seeds of {name}, plan seed {seed}, by the library")
    odd = [7, -3, 1 << 40, 0, 5, 123456789012]
    for seed in range(20):
        arguments = seed, f"mask {seed}".encode(), odd, 4
        tap.equal(library.seeds_of(*arguments), DOCUMENT["seeds_of"](*arguments), f"odd seeds, plan seed {seed}")
    check_powers(library)
    tap.done()


main()
