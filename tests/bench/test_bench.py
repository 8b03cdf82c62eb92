# bench/test_bench.py - the harness runs and writes what it says; speeds are not judged here.
import json
import math
import os
import re
import sys
import tempfile

import tap

tap.need("numpy", "PIL")

HERE = os.path.dirname(os.path.abspath(__file__))


def bench(*arguments):
    return tap.run([sys.executable, os.path.join(HERE, "run_bench.py"), "--build", tap.BUILD,
                    *arguments])


with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "bench.json")
    ran = bench("--quick", "--only", "filter_few_cache", "--json", path)
    tap.equal(ran.returncode, 0, "a short run succeeds") or print(ran.stdout)
    with open(path, encoding="utf-8") as file:
        results = json.load(file)
tap.equal([(one["name"], one["threads"]) for one in results],
          [("filter_few_cache", 1), ("filter_few_cache", 2)], "a result for each number of threads")
tap.ok(all(list(one) == ["name", "threads", "ns_per_px", "of_bound", "vs_numpy", "vs_torch"]
           for one in results), "with the members in the documentation", results)
tap.ok(all(0 < one["ns_per_px"] < math.inf for one in results), "a time", results)
tap.ok(all(0 < one["of_bound"] < math.inf and 0 < one["vs_numpy"] < math.inf for one in results),
       "ratios to the bound and to NumPy", results)
has_torch = "PyTorch not installed" not in ran.stdout
tap.ok(all((one["vs_torch"] is not None) == has_torch for one in results),
       "a ratio to PyTorch where it is installed, null elsewhere", results)
tap.ok(re.search(r"^filter_few_cache +1 +\d+\.\d+ ns/px", ran.stdout, re.M), "a table", ran.stdout)
tap.ok(re.search(r"^filter_few_cache +NumPy +9\.0x +\d", ran.stdout, re.M), "goals, apart from it", ran.stdout)
listed = bench("--list").stdout.split()
tap.equal([name for name in ("filter_few_dram", "filter_many_dram", "filter_many_cache",
                             "stats_exact_dram", "stats_exact_cache", "stats_hist_dram",
                             "hardness_512", "end_to_end") if name not in listed], [],
          "all that is asked for is there")
tap.ok(len(set(listed)) == len(listed), "no name twice", listed)
tap.equal(bench("--only", "filter_fow").returncode, 2, "an unknown name is refused")
tap.done()
