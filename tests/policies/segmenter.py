# policies/segmenter.py - a small segmenter in NumPy: color, texture, surroundings and place into a network of two layers.
# SPDX-License-Identifier: MIT
from __future__ import annotations

import numpy as np

HIDDEN, PASSES, BATCH, SAMPLE = 80, 14, 1024, 1600  # SAMPLE: pixels of an image that it learns from


def box(image: np.ndarray, radius: int) -> np.ndarray:
    """Means over squares; what lies beyond the border is as the border."""
    padded = np.pad(image, ((radius + 1, radius), (radius + 1, radius), (0, 0)), mode="edge")
    sums = padded.cumsum(0, dtype=np.float64).cumsum(1)
    side = 2 * radius + 1
    return ((sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]) / side**2).astype(np.float32)


def moved(image: np.ndarray, dy: int, dx: int) -> np.ndarray:
    rows = np.clip(np.arange(image.shape[0]) + dy, 0, image.shape[0] - 1)
    columns = np.clip(np.arange(image.shape[1]) + dx, 0, image.shape[1] - 1)
    return image[rows][:, columns]


def features(image: np.ndarray) -> np.ndarray:
    """[height, width, 44] of an RGB image."""
    image = image.astype(np.float32) / 255
    height, width, _ = image.shape
    gray = image.mean(-1, keepdims=True)
    edges = np.abs(np.concatenate([gray - moved(gray, 1, 0), gray - moved(gray, 0, 1)], -1))
    near, middle, far = box(image, 1), box(image, 5), box(image, 15)
    spread = [np.sqrt(np.maximum(box(gray**2, r) - box(gray, r)**2, 0)) for r in (2, 6)]
    step = height // 9
    around = [moved(middle, dy, dx) - middle for dy, dx in ((-step, 0), (step, 0), (0, -step), (0, step))]
    wide = [moved(far, 2 * dy, 0) for dy in (-step, step)]
    y, x = np.mgrid[:height, :width].astype(np.float32) / height
    x -= width / height / 2
    place = np.stack([y, y**2, np.abs(x), x**2], -1)
    return np.concatenate([near, middle, far, *spread, box(edges, 2), box(edges, 8), *around, *wide, place], -1)


class Segmenter:
    """Fitted on a sample of the pixels of real images, always the same for the same images."""

    def __init__(self, classes: int, seed: int = 1) -> None:
        self.classes, self.rng = classes, np.random.default_rng(seed)
        self.parts: list[tuple[np.ndarray, np.ndarray]] = []

    def add(self, cells: np.ndarray, mask: np.ndarray) -> None:
        pick = self.rng.integers(mask.size, size=SAMPLE)
        pick = pick[mask.reshape(-1)[pick] < self.classes]
        self.parts.append((cells.reshape(mask.size, -1)[pick], mask.reshape(-1)[pick]))

    def fit(self) -> None:
        x, y = (np.concatenate(part) for part in zip(*self.parts))
        self.mean, self.scale = x.mean(0), x.std(0) + 1e-4
        x = (x - self.mean) / self.scale
        sizes = [x.shape[1], HIDDEN, HIDDEN, self.classes]
        self.w = [(self.rng.normal(0, np.sqrt(2 / a), (a, b))).astype(np.float32) for a, b in zip(sizes, sizes[1:])]
        self.b = [np.zeros(b, np.float32) for b in sizes[1:]]
        state = [(np.zeros_like(p), np.zeros_like(p)) for p in self.w + self.b]
        steps = PASSES * (len(x) // BATCH)
        for step in range(steps):
            if step % (len(x) // BATCH) == 0:
                order = self.rng.permutation(len(x))
            part = order[step % (len(x) // BATCH) * BATCH:][:BATCH]
            rate = 4e-3 * .5 * (1 + np.cos(np.pi * step / steps)) + 1e-5
            for p, g, (m, v) in zip(self.w + self.b, self._gradients(x[part], y[part]), state):
                m += .1 * (g - m)
                v += .01 * (g * g - v)
                p -= rate * (m / (1 - .9**(step + 1)) / (np.sqrt(v / (1 - .99**(step + 1))) + 1e-8) + 1e-2 * p * (p.ndim > 1))

    def _forward(self, x: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
        layers = [x]
        for i, (w, b) in enumerate(zip(self.w, self.b)):
            x = x @ w + b
            layers.append(np.maximum(x, 0) if i < 2 else x)
        p = np.exp(x - x.max(-1, keepdims=True))
        return layers, p / p.sum(-1, keepdims=True)

    def _gradients(self, x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
        layers, p = self._forward(x)
        d = p
        d[np.arange(len(y)), y] -= 1
        d /= len(y)
        weights: list[np.ndarray] = []
        biases: list[np.ndarray] = []
        for i in (2, 1, 0):
            weights.insert(0, layers[i].T @ d)
            biases.insert(0, d.sum(0))
            if i:
                d = (d @ self.w[i].T) * (layers[i] > 0)
        return weights + biases

    def probabilities(self, cells: np.ndarray) -> np.ndarray:
        flat = (cells.reshape(-1, cells.shape[-1]) - self.mean) / self.scale
        return self._forward(flat)[1].reshape(*cells.shape[:2], -1)
