# ablation/restyle.py - a photograph in another style: what a generator's images look like.
# SPDX-License-Identifier: MIT
from __future__ import annotations

import numpy as np
from PIL import Image


def restyled(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """A photograph in another style: colors, contrast and light are others, what it shows is not."""
    values = image / 255.0
    gray = values.mean(-1, keepdims=True)
    values = gray + (values - gray) * (1 + strength * rng.uniform(-0.5, 0.7))
    values = 0.5 + (values - 0.5) * (1 + strength * rng.uniform(-0.35, 0.35))
    values = values * (1 + strength * rng.normal(0, 0.09, 3))
    light = Image.fromarray(rng.normal(0, 0.1 * strength, (4, 5)).astype(np.float32))
    values = values + np.asarray(light.resize(image.shape[1::-1], Image.Resampling.BICUBIC))[..., None]
    return (values.clip(0, 1) * 255).astype(np.uint8)
