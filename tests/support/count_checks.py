#!/usr/bin/env python3
"""Counts the checks in a Meson test log: `count_checks.py testlog.json`.

Every test prints TAP. The last line is `N passed, N failed[, N skipped]`; the exit code is
0 only if checks ran and none failed. A test that ended without a word counts as failed; with
CI set, so does one that skipped as a whole for want of a tool.
"""
import json
import os
import re
import sys

LINE = re.compile(r"^(not )?ok\b(?:[^#]|\\#)*(#\s*skip\b.*)?", re.IGNORECASE)


def count(test):
    """(passed, failed, skipped) of one test, and why it failed beyond its checks."""
    passed = failed = skipped = 0
    for line in test.get("stdout", "").splitlines():
        match = LINE.match(line)
        if not match:
            continue
        if match.group(2):
            skipped += 1
        elif match.group(1):
            failed += 1
        else:
            passed += 1
    result = test.get("result", "ERROR")
    if result in ("FAIL", "ERROR", "TIMEOUT", "INTERRUPT", "UNEXPECTEDPASS") and not failed:
        return passed, 1, skipped, f"{test['name']}: {result.lower()} (exit {test['returncode']})"
    if passed + failed + skipped:
        return passed, failed, skipped, None
    if result == "OK":  # a program that only has an exit code is one check
        return 1, 0, 0, None
    return 0, *skipped_whole(test)


def skipped_whole(test):
    """(failed, skipped, why): in CI everything is there but, perhaps, data from elsewhere."""
    match = re.search(r"#\s*skip\s*(.*)", test.get("stdout", ""), re.IGNORECASE)
    why = match.group(1) if match else "printed no check"
    excused = match and (not os.environ.get("CI") or "FREEMASK_TEST_DATA" in why)
    return (0, 1, f"{test['name']}: skipped: {why}") if excused else (1, 0, f"{test['name']}: {why}")


def main():
    with open(sys.argv[1], encoding="utf-8") as log:
        tests = [json.loads(line) for line in log if line.strip()]
    totals = [0, 0, 0]
    for test in tests:
        *numbers, trouble = count(test)
        totals = [a + b for a, b in zip(totals, numbers)]
        if trouble:
            print(trouble)
        for line in test.get("stdout", "").splitlines():
            if line.startswith("not ok") or re.match(r"ok\b.*#\s*skip", line, re.IGNORECASE):
                print(f"{test['name']}: {line}")
    passed, failed, skipped = totals
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
