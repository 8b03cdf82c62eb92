# doc/test_random.py - doc/random.md: its Python, its tables and the library agree.
import ctypes
import os
import re
import sys

import tap

sys.path.insert(0, os.path.join(tap.SOURCE, "tests", "ctypes"))
from freemask_ctypes import Interface  # noqa: E402

with open(os.path.join(tap.SOURCE, "doc", "random.md"), encoding="utf-8") as page:
    TEXT = page.read()
DOCUMENT = {}
exec(re.search(r"```python\n(.*?)```", TEXT, re.S).group(1), DOCUMENT)  # pylint: disable=exec-used


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
        self.lib.fm_planner_add(planner, mask_id, 0.5, None)
        self.lib.fm_planner_finish(planner, ctypes.byref(plan), None)
        entry = self.lib.make("fm_plan_entry")
        self.lib.fm_plan_get(plan, 0, entry, None)
        chosen = entry.seeds[:entry.count]
        self.lib.fm_plan_destroy(plan)
        self.lib.fm_planner_destroy(planner)
        return chosen


def main():
    library = Library()
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
    tap.done()


main()
