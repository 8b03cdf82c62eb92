#!/usr/bin/env python3
# bench/run_bench.py - runs the benchmarks, prints a table, writes the numbers.
"""Each number is a ratio to something measured in the same process, in turns with it:
doc/benchmarks.md tells how to read and how to add."""
import argparse
import fnmatch
import json
import os
import platform
import sys
import time

try:
    import numpy
    import PIL
except ImportError as missing:
    sys.exit(f"run_bench.py: {missing} (./dev bench installs it)")

import bench_beyond
import bench_files
import bench_filter
import bench_hardness
import bench_kit
import bench_maps
import bench_network
import bench_planner
import bench_python
import bench_schedule
import bench_stats

TOPICS = (bench_filter, bench_stats, bench_maps, bench_hardness, bench_network, bench_planner,
          bench_schedule, bench_beyond, bench_files, bench_python)


def read_arguments(entries):
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("--build", default="build", help="the build folder (default: build)")
    parser.add_argument("--json", metavar="FILE", help="write the numbers to FILE")
    parser.add_argument("--markdown", action="store_true",
                        help="print the tables as in doc/benchmarks.md")
    parser.add_argument("--seconds", type=float, default=2.0, metavar="S",
                        help="how long to measure each number (default: 2)")
    parser.add_argument("--quick", action="store_true", help="a tenth of that, for a first look")
    parser.add_argument("--only", metavar="NAME", action="append",
                        help="one entry, or a pattern ('filter_*'); may be repeated")
    parser.add_argument("--level", choices=bench_kit.LEVELS, default="best",
                        help="the fastest kernels allowed")
    parser.add_argument("--threads", type=int, choices=(1, 2), help="1 or 2 only")
    parser.add_argument("--list", action="store_true", help="print the names")
    options = parser.parse_args()
    wanted = options.only or ["*"]
    chosen = [entry for entry in entries
              if any(fnmatch.fnmatch(entry.name, pattern) for pattern in wanted)]
    if not chosen:
        parser.error(f"no entry is called {' or '.join(wanted)} (--list prints the names)")
    return options, chosen


# ---- Tables ----------------------------------------------------------------------------

def percent(value):
    return "-" if value is None else f"{100 * value:.0f} %"


def times(value):
    return "-" if value is None else f"{value:.1f}x" if value < 10 else f"{value:.0f}x"


UNITS = {"ns_per_px": "ns/px", "ns_per_entry": "ns/entry", "us": "us", "ms": "ms"}
HEADS = ["", "threads", "time", "of bound", "NumPy", "PyTorch", "2nd core", "memory"]
MARKDOWN_HEAD = "| benchmark | time | of bound | NumPy | PyTorch | 2nd core |\n|---|---|---|---|---|---|"


def row(result):
    digits = 4 if result.value < 0.1 else 3 if result.value < 10 else 1
    return [result.entry.name, str(result.threads), f"{result.value:.{digits}f} {UNITS[result.entry.unit]}",
            percent(result.of_bound), times(result.vs_numpy), times(result.vs_torch), times(result.speedup),
            "" if result.memory is None else f"{result.memory / 1024:.0f} KiB"]


def print_row(cells):
    widths = (30, 7, 14, 9, 9, 9, 9, 9)
    print(" ".join(text.ljust(width) for text, width in zip(cells, widths)).rstrip(), flush=True)


def print_markdown(results):
    """One benchmark: with one thread, and what the second one gains."""
    results[0].speedup = results[-1].speedup
    name, _, *cells = row(results[0])
    print(f"| `{name}` | {' | '.join(cells[:5])} |", flush=True)


def goals_of(results):
    """[(name, what, goal, reached, is it, form)] of one benchmark."""
    goal, first, last = results[0].entry.goal, results[0], results[-1]
    rows = [("of bound", goal.bound, first.of_bound, percent), ("NumPy", goal.numpy, first.vs_numpy, times),
            ("PyTorch", goal.torch, first.vs_torch, times), ("2nd core", goal.speedup, last.speedup, times)]
    found = [(first.entry.name, what, wanted, reached, reached >= wanted, form) for what, wanted, reached, form in rows
             if wanted is not None and reached is not None]
    if goal.beyond is not None:
        found.append((first.entry.name, "beyond it", goal.beyond, first.beyond, first.beyond <= goal.beyond,
                      lambda value: f"{value:.1f} {UNITS[first.entry.unit]}"))
    return found


def print_goals(measured, markdown):
    """What the project wants to reach, apart from what was measured."""
    rows = [one for results in measured for one in goals_of(results)]
    if not rows:
        return
    print(f"\n{sum(good for *_, good, _ in rows)} of {len(rows)} goals are reached:\n")
    if markdown:
        print("| benchmark | | goal | reached |\n|---|---|---|---|")
    for name, what, wanted, reached, good, form in rows:
        cells = [form(wanted), form(reached) + ("" if good else " (missed)")]
        if markdown:
            print(f"| `{name}` | {what} | {' | '.join(cells)} |")
        else:
            print(f"{name:30} {what:10} {cells[0]:>8}  {cells[1]}")


def describe(kit):
    torch = kit.torch
    print(f"libfreemask {kit.lib.fm_version().decode()}, kernels {kit.level}; {platform.machine()}, "
          f"{os.cpu_count()} processors; Python {platform.python_version()}, NumPy {numpy.__version__}, "
          f"Pillow {PIL.__version__}, PyTorch {torch.__version__ if torch else 'not installed'}")
    print("Ratios of medians, more is better.\n")


def warn_of_company(before):
    """Says so where others were computing."""
    load = os.getloadavg()[0]
    if load > before + 1.5 and load > 2.5:
        print(f"\nnote: the load is {load:.1f}: others are computing, numbers are less sure")


def measure(kit, entry, options):
    """With each number of threads that is asked for."""
    results = []
    for threads in entry.threads:
        if options.threads in (None, threads):
            results.append(bench_kit.measure(entry, kit, threads))
            if threads > 1 and len(results) > 1:
                results[-1].compare(results[0])
            if not options.markdown:
                print_row(row(results[-1]))
    if options.markdown and results:
        print_markdown(results)
    return results


def run(options, chosen):
    """[[a result for each number of threads] for each benchmark]"""
    seconds = 0.2 if options.quick else options.seconds
    kit = bench_kit.Kit(options.build, options.level, options.quick, seconds)
    describe(kit)
    measured = []
    for topic in TOPICS:
        entries = [entry for entry in topic.ENTRIES if entry in chosen]
        if not entries:
            continue
        if options.markdown:
            print(f"\n{topic.TITLE}:\n\n{MARKDOWN_HEAD}")
        else:
            print(f"\n{topic.TITLE}")
            print_row(HEADS)
        measured += [measure(kit, entry, options) for entry in entries]
    measured = [results for results in measured if results]
    print_goals(measured, options.markdown)
    return measured


def main():
    entries = [entry for topic in TOPICS for entry in topic.ENTRIES]
    options, chosen = read_arguments(entries)
    if options.list:
        print("\n".join(entry.name for entry in chosen))
        return
    load, start = os.getloadavg()[0], time.time()
    results = [result for measured in run(options, chosen) for result in measured]
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump([result.json() for result in results], file, indent=1)
            file.write("\n")
    warn_of_company(load)
    print(f"\n{len(results)} measurements in {time.time() - start:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
