# analyse/coverage.py - what the tests reached, by gcovr; fails under the thresholds.
"""coverage.py BUILD FOLDER ...: `lib` needs 95 % of lines and 90 % of branches, `tool` 95 % and 85 %.

Branches are gcc's: each side of each `if`, `&&`, `||` and `?:`. Kernels of instruction sets that this CPU
lacks cannot be reached here; they are left out of the numbers, and named."""
import json
import subprocess
import sys

NEEDED = {"lib": (95.0, 90.0), "tool": (95.0, 85.0)}
# By the CPU's flag that a file needs.
KERNELS = {"lib/dsp/x86/sse41.c": "sse4_1", "lib/dsp/x86/avx2.c": "avx2", "lib/dsp/x86/loss_avx2.c": "avx2",
           "lib/dsp/x86/avx512_judge.c": "avx512vbmi", "lib/dsp/x86/avx512_map.c": "avx512vbmi",
           "lib/dsp/x86/avx512_sum.c": "avx512vbmi"}
WORST = 12


def cpu_flags():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return set(next((line for line in file if line.startswith("flags")), "").split())
    except OSError:
        return set()


def measure(build, folder, left_out):
    # With -j, a file of counts that cannot be read makes gcovr wait for ever.
    command = ["gcovr", "--root", ".", "--object-directory", build, build, "--filter", f"{folder}/",
               "--json-summary-pretty", "--json-summary", f"{build}/{folder}.json"]
    for path in left_out:
        command += ["--exclude", path]
    result = subprocess.run(command, stderr=subprocess.PIPE, text=True, errors="replace")
    if result.returncode:
        sys.exit(f"gcovr: {result.stderr[-2000:]}")
    with open(f"{build}/{folder}.json", encoding="utf-8") as file:
        return json.load(file)


def share(covered, total):
    return 100.0 * covered / total if total else 100.0


def report(folder, found):
    lines = share(found["line_covered"], found["line_total"])
    branches = share(found["branch_covered"], found["branch_total"])
    needed = NEEDED[folder]
    good = lines >= needed[0] and branches >= needed[1]
    print(f"  {folder}/: {lines:.1f} % of {found['line_total']} lines (at least {needed[0]:.0f}), "
          f"{branches:.1f} % of {found['branch_total']} branches (at least {needed[1]:.0f})"
          f"{'' if good else ': TOO FEW'}")
    missed = sorted(found["files"], key=lambda f: f["branch_covered"] - f["branch_total"])
    for file in missed[:WORST]:
        print(f"    {file['filename']}: {file['line_total'] - file['line_covered']} lines, "
              f"{file['branch_total'] - file['branch_covered']} branches missed")
    return good


def main():
    build, folders = sys.argv[1], sys.argv[2:]
    flags = cpu_flags()
    left_out = sorted(path for path, flag in KERNELS.items() if flag not in flags)
    if left_out:
        print(f"  not counted, since this CPU cannot run them: {', '.join(left_out)}")
    good = [report(folder, measure(build, folder, left_out)) for folder in folders]
    sys.exit(0 if all(good) else 1)


main()
