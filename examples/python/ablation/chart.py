# ablation/chart.py - bars with a dot for each seed, as SVG without a library.
# SPDX-License-Identifier: MIT
from __future__ import annotations

import math
from html import escape

LEFT, RIGHT, ROW, TOP = 330, 70, 26, 30


def bars(rows: list[tuple[str, float, list[float]]], width: int = 860) -> str:
    """Rows of (title, mean, value of each seed), in per cent."""
    values = [value for _, _, each in rows for value in each]
    # Differences are what matters: the axis begins a little below the smallest value.
    low, high = math.floor(min(values) / 5) * 5, math.ceil(max(values) / 5) * 5
    low, high = (low, high) if high > low else (low, low + 5)
    height = TOP + ROW * len(rows) + 30

    def x(value: float) -> float:
        return LEFT + (value - low) / (high - low) * (width - LEFT - RIGHT)

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
             'font-family="sans-serif" font-size="13"><rect width="100%" height="100%" fill="#fff"/>',
             f'<text x="{LEFT}" y="18" fill="#333">mIoU on real test images, % (dots: seeds; the axis begins at {low})</text>']
    for tick in range(low, high + 1, 5 if high - low > 10 else 1):
        parts.append(f'<path d="M{x(tick):.1f} {TOP}V{height - 24}" stroke="#ddd"/><text x="{x(tick):.1f}" y="{height - 8}" '
                     f'text-anchor="middle" fill="#666">{tick}</text>')
    for i, (title, mean, each) in enumerate(rows):
        y = TOP + ROW * i
        parts.append(f'<text x="{LEFT - 8}" y="{y + 17}" text-anchor="end" fill="#111">{escape(title)}</text>'
                     f'<rect x="{LEFT}" y="{y + 5}" width="{max(x(mean) - LEFT, 0):.1f}" height="{ROW - 10}" fill="#7aa6d8"/>'
                     f'<text x="{width - RIGHT + 12}" y="{y + 17}" fill="#111">{mean:.1f}</text>')
        parts.extend(f'<circle cx="{x(value):.1f}" cy="{y + ROW / 2}" r="3" fill="#123"/>' for value in each)
    return "\n".join([*parts, "</svg>", ""])
