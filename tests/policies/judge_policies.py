"""policies/judge_policies.py - ./dev policies: the filter's policies on worlds with planted truth.

For each world and seed a segmenter is fitted on real images in two halves (each judges the other's), and every policy orders
the synthetic pixels. Recall is the share of the wrong pixels that are found when a given share of the *clean* synthetic
pixels is dropped, so that no policy gains by dropping more."""
# SPDX-License-Identifier: MIT
from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
from collections.abc import Iterable

import fields
import losses as of_losses
import numpy as np
import planted
import rules
from planted import CLASSES, KINDS, Kind

TUNING, FRESH = "1,2,3", "101,102,103"  # policies are chosen on the first; what is published is of the others
COLUMNS = ["R@2", "R@5", "R@10", "class mean", "recall", "precision", "clean drop"]
PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "doc", "policies.md")
MARKS = "<!-- ./dev policies --write: from here -->", "<!-- to here -->"
ENOUGH = 200  # wrong pixels of a class that its recall is counted of


def found(order: np.ndarray, wrong: np.ndarray, share: float) -> np.ndarray:
    """What is dropped of each pixel where exactly a share of the clean ones goes: at the bar ties are split."""
    bar = np.quantile(order[~wrong], 1 - share)
    above, tied = order > bar, order == bar
    left = (share - above[~wrong].mean()) / max(tied[~wrong].mean(), 1e-12)
    return above + tied * min(1, max(0, left))


def measure(rule: rules.Rule, classes: np.ndarray, wrong: np.ndarray) -> dict[str, float]:
    out = {"clean drop": float(rule.dropped[~wrong].mean())}
    if not wrong.any():
        return out
    for share in (.02, .05, .1):
        part = found(rule.order, wrong, share)
        out[f"R@{share * 100:g}"] = float(part[wrong].mean())
        if share == .05:
            out["class mean"] = float(np.mean([part[wrong & (classes == k)].mean() for k in range(CLASSES)
                                               if (wrong & (classes == k)).sum() > ENOUGH]))
    return out | {"recall": float(rule.dropped[wrong].mean()), "precision": float(wrong[rule.dropped].mean())}


def of_classes(paper: rules.Rule, paired: rules.Rule, classes: np.ndarray, wrong: np.ndarray) -> dict[int, list[float]]:
    """Of each class with wrong pixels enough, where 5 % of all clean pixels go: recall and clean drop of both; then recall of
    paired at the paper's clean drop of the class (nan: that is 0), and of both where 5 % of its own clean pixels go."""
    parts, out = [found(rule.order, wrong, .05) for rule in (paper, paired)], {}
    for k in range(CLASSES):
        here = classes == k
        if (wrong & here).sum() <= ENOUGH:
            continue

        def within(rule: rules.Rule, share: float, here: np.ndarray = here) -> float:
            return float(found(rule.order[here], wrong[here], share)[wrong[here]].mean()) if share > 0 else float("nan")
        papers = float(parts[0][here & ~wrong].mean())
        out[k] = [float(part[here & side].mean()) for part in parts for side in (wrong, ~wrong)]
        out[k] += [within(paired, papers), within(paper, .05), within(paired, .05)]
    return out


class Results:
    """Of one kind of world: a row of measures per policy and seed."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.runs: list[dict[str, dict[str, float]]] = []
        self.shifts: list[float] = []
        self.wrong: list[float] = []
        self.agreements: list[float] = []
        self.classes: list[dict[int, list[float]]] = []

    def add(self, losses: of_losses.Losses) -> None:
        judged, classes, wrong = rules.of_world(losses)
        self.runs.append({rule.name: measure(rule, classes, wrong) for rule in judged})
        if wrong.any():
            by_name = {rule.name: rule for rule in judged}
            self.classes.append(of_classes(by_name["paper"], by_name["paired, detect"], classes, wrong))
        valid = losses.masks < CLASSES
        clean = valid[losses.origin] & ~losses.wrong
        self.shifts.append(float(losses.made[clean].mean() / losses.real[valid].mean()))
        self.wrong.append(float(wrong.mean()))
        self.agreements.append(rules.agreement(losses))

    def mean(self, policy: str, column: str) -> float:
        return float(np.mean([run[policy][column] for run in self.runs]))

    def table(self) -> str:
        columns = [c for c in COLUMNS if c in self.runs[0]["paper"]]
        lines = [f"### {self.kind.title}\n", f"Clean synthetic pixels lose {np.mean(self.shifts):.2f} times as much as real "
                 f"ones; {100 * np.mean(self.wrong):.1f} % of the pixels are wrong.\n",
                 "| policy | " + " | ".join(columns) + " |", "|---|" + "---|" * len(columns)]
        for policy in self.runs[0]:
            cells = []
            for column in columns:
                values = [100 * run[policy][column] for run in self.runs]
                spread = f" &plusmn; {np.std(values, ddof=1):.1f}" if column in ("R@5", "clean drop") and len(values) > 1 else ""
                cells.append(f"{np.mean(values):.1f}{spread}")
            lines.append(f"| {policy} | " + " | ".join(cells) + " |")
        return "\n".join(lines) + "\n"


def by_class(result: Results) -> str:
    """Means over the seeds in which a class has wrong pixels enough."""
    lines = [f"### {result.kind.title}, class by class\n",
             "| class | seeds | paper | its clean drop | paired | its clean drop | paired at the paper's clean drop | paper at 5 % of the class | "
             "paired at 5 % of the class |", "|" + "---|" * 9]
    for k, name in enumerate(rules.NAMES):
        rows = np.array([run[k] for run in result.classes if k in run])
        if len(rows):
            means = [100 * np.mean(column[~np.isnan(column)]) if (~np.isnan(column)).any() else np.nan for column in rows.T]
            lines.append(f"| {name} | {len(rows)} | " + " | ".join("-" if np.isnan(mean) else f"{mean:.1f}" for mean in means) + " |")
    return "\n".join(lines) + "\n"


def ratio(paired: float, paper: float) -> str:
    return f"{paired / paper:.2f}"


def summary(results: Iterable[Results]) -> str:
    """Paired over the paper's rule, of all worlds with errors."""
    lines = ["### paired over paper\n", "| world | R@5 | times the paper's | each seed | class mean, points |", "|---|---|---|---|---|"]
    for result in results:
        if "R@5" not in result.runs[0]["paper"]:
            continue
        ours, papers = [[run[policy]["R@5"] for run in result.runs] for policy in ("paired, detect", "paper")]
        more = result.mean("paired, detect", "class mean") - result.mean("paper", "class mean")
        lines.append(f"| {result.kind.title} | {100 * np.mean(ours):.1f} | {ratio(np.mean(ours), np.mean(papers))} | "
                     f"{', '.join(map(ratio, ours, papers))} | {100 * more:+.1f} |")
    return "\n".join(lines) + "\n"


def places(results: Iterable[Results]) -> str:
    """Paired beside strata, worlds in which synthetic images are hard where the real ones are last."""
    lines = ["### hard at the same places\n", "| world | agreement | each seed | paired: clean drop | strata: clean drop | paired: R@5 | "
             "strata: R@5 |", "|" + "---|" * 7]
    for result in sorted(results, key=lambda one: float(np.mean(one.agreements))):
        cells = [f"{np.mean(result.agreements):.2f}", ", ".join(f"{each:.2f}" for each in result.agreements)]
        for column in ("clean drop", "R@5"):
            for policy in ("paired, detect", "strata, detect"):
                known = column in result.runs[0][policy]
                cells.append(f"{100 * result.mean(policy, column):.1f}" if known else "-")
        lines.append(f"| {result.kind.title} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def losses_of(kind: Kind, seed: int, folder: str, options: argparse.Namespace) -> of_losses.Losses:
    if kind.source == "fields":
        return fields.of_kind(kind, seed, options.scenes, options.per_mask)
    name = re.sub(r"\W+", "-", f"{kind.title}-{seed}-{options.scenes}-{options.per_mask}") + ".npz"
    path = os.path.join(options.losses, name) if options.losses else None
    losses = of_losses.kept(path)
    if losses is None:
        world = planted.make(kind, os.path.join(folder, "demo"), os.environ.get("FREEMASK_TEST_DATA"), seed,
                             options.scenes, options.per_mask)
        losses = of_losses.of_world(world)
        if path:
            of_losses.keep(path, losses)
    return losses


def judge(folder: str, options: argparse.Namespace) -> None:
    results = []
    for kind in KINDS:
        if not re.search(options.only, kind.title):
            continue
        if kind.source == "camvid" and not os.environ.get("FREEMASK_TEST_DATA"):
            print(f"### {kind.title}\n\nSkipped: FREEMASK_TEST_DATA does not name a folder with camvid/.\n")
            continue
        result = Results(kind)
        for seed in options.seeds.split(","):
            result.add(losses_of(kind, int(seed), folder, options))
        print(result.table(), flush=True)
        if "R@5" in result.runs[0]["paper"] and kind.source != "fields":
            print(by_class(result), flush=True)
        results.append(result)
    print(summary(results))
    print(places(results))
    if options.write:
        with open(PAGE, encoding="utf-8") as file:
            before, _, rest = file.read().partition(MARKS[0])
        if MARKS[1] not in rest:
            sys.exit(f"policies: doc/policies.md lacks the lines {MARKS[0]} and {MARKS[1]}")
        head = (f"Seeds {options.seeds.replace(',', ', ')}, {options.scenes} scenes of {planted.SIZE[0]}x{planted.SIZE[1]} and "
                f"{options.per_mask} synthetic images of each, in per cent.\n")
        tables = "\n".join([head, summary(results), places(results), *(result.table() for result in results)])
        with open(PAGE, "w", encoding="utf-8") as file:
            file.write(f"{before}{MARKS[0]}\n\n{tables}\n{MARKS[1]}{rest.partition(MARKS[1])[2]}")


def judge_quick(folder: str, options: argparse.Namespace) -> None:
    """One small world: what is to hold on every machine."""
    options.scenes, options.per_mask = 16, 2
    result = Results(KINDS[1])
    result.add(losses_of(KINDS[1], 1, folder, options))
    recall = {policy: result.mean(policy, "R@5") for policy in ("paper", "paired, detect", "chance")}
    print("recall at 5 % of the clean pixels: " + "; ".join(f"{name} {value:.3f}" for name, value in recall.items()))
    if not recall["paired, detect"] > recall["paper"] > 2 * recall["chance"]:
        sys.exit("policies: paired finds fewer wrong pixels than the paper's rule, or that hardly more than chance")
    options.scenes, differences = 8, []
    for kind in (kind for kind in KINDS if kind.together in (0.6, 0.0)):
        result = Results(kind)
        result.add(losses_of(kind, 1, folder, options))
        drops = [result.mean(policy, "clean drop") for policy in ("paired, detect", "strata, detect")]
        print(f"{kind.title}: agreement {result.agreements[0]:.2f}; clean drop of paired {drops[0]:.3f}, of strata {drops[1]:.3f}")
        differences.append((result.agreements[0] > .2, drops[0] < drops[1]))
        if abs(result.shifts[0] - 1 - kind.style) > .3:
            sys.exit(f"policies: {kind.title}: clean pixels lose {result.shifts[0]:.2f} times as much, {1 + kind.style} was planted")
    if differences != [(True, True), (False, False)]:
        sys.exit("policies: agreement does not say where paired drops more clean pixels than strata")


def main() -> None:
    parser = argparse.ArgumentParser(prog="./dev policies", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", default=FRESH, help=f"worlds (default {FRESH}; for tuning: {TUNING})")
    parser.add_argument("--only", default="", help="worlds whose titles match this regular expression")
    parser.add_argument("--scenes", type=int, default=24, help="real images of a world (default 24)")
    parser.add_argument("--per-mask", type=int, default=2, help="synthetic images of each (default 2)")
    parser.add_argument("--losses", help="a folder that keeps the losses of worlds for the next time")
    parser.add_argument("--write", action="store_true", help="put the tables into doc/policies.md")
    parser.add_argument("--quick", action="store_true", help="one small world, as a gate")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        (judge_quick if options.quick else judge)(folder, options)


main()
