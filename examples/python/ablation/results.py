# ablation/results.py - the table of all finished runs: JSON, CSV and Markdown.
# SPDX-License-Identifier: MIT
from __future__ import annotations

import csv
import glob
import json
import os
from dataclasses import asdict, dataclass
from typing import Any

import chart
import numpy as np
from settings import SETTINGS


@dataclass
class Row:
    """mIoU in per cent. Spreads are standard deviations over seeds (n - 1); None of one seed."""

    setting: str
    title: str
    seeds: int
    miou: float
    spread: float | None
    gain: float | None  # over real only, of the same seeds
    gain_spread: float | None
    dropped: float  # of the valid synthetic pixels, per cent
    each: dict[int, float]  # mIoU by seed


def write_json(path: str, value: Any) -> None:
    with open(path + ".part", "w", encoding="utf-8") as file:
        json.dump(value, file, indent=1)
        file.write("\n")
    os.replace(path + ".part", path)


def spread_of(values: list[float]) -> float | None:
    return float(np.std(values, ddof=1)) if len(values) > 1 else None


def table(folder: str) -> list[Row]:
    found: dict[str, list[dict[str, Any]]] = {}
    for path in sorted(glob.glob(os.path.join(glob.escape(folder), "seed-*", "*.json"))):
        with open(path, encoding="utf-8") as file:
            one = json.load(file)
        found.setdefault(one["setting"], []).append(one)
    real = {one["seed"]: 100 * one["miou"] for one in found.get("real", [])}
    rows = []
    for setting in SETTINGS:
        runs = found.get(setting.name, [])
        if not runs:
            continue
        each = {one["seed"]: 100 * one["miou"] for one in runs}
        gains = [] if setting.name == "real" else [miou - real[seed] for seed, miou in each.items() if seed in real]
        rows.append(Row(setting.name, setting.title, len(runs), float(np.mean(list(each.values()))), spread_of(list(each.values())),
                        float(np.mean(gains)) if gains else None, spread_of(gains),
                        100 * float(np.mean([one["dropped_share"] for one in runs])) if setting.mix != "real" else 0.0, each))
    return rows


def with_spread(value: float | None, spread: float | None, sign: str = "") -> str:
    if value is None:
        return ""
    return f"{value:{sign}.1f}" + ("" if spread is None else f" &plusmn; {spread:.1f}")


def markdown(rows: list[Row]) -> str:
    lines = ["| trained on | mIoU, % | over real only | synthetic pixels dropped, % | seeds |", "|---|---|---|---|---|"]
    for row in rows:
        lines.append(f"| {row.title} | {with_spread(row.miou, row.spread)} | {with_spread(row.gain, row.gain_spread, '+')} | "
                     f"{row.dropped:.1f} | {row.seeds} |")
    return "\n".join(lines)


def write(folder: str) -> None:
    rows = table(folder)
    write_json(os.path.join(folder, "table.json"), [asdict(row) for row in rows])
    with open(os.path.join(folder, "table.csv"), "w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["setting", "seeds", "miou", "spread", "gain", "gain_spread", "dropped"])
        out.writerows([row.setting, row.seeds, row.miou, row.spread, row.gain, row.gain_spread, row.dropped] for row in rows)
    with open(os.path.join(folder, "table.md"), "w", encoding="utf-8") as file:
        file.write(markdown(rows) + "\n")
    with open(os.path.join(folder, "chart.svg"), "w", encoding="utf-8") as file:
        file.write(chart.bars([(row.title, row.miou, list(row.each.values())) for row in rows]))
