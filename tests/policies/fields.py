# policies/fields.py - worlds without images: fields of losses that go together as far as one says, with planted errors.
# SPDX-License-Identifier: MIT
from __future__ import annotations

import numpy as np
from losses import Losses
from planted import IGNORED, SIZE, Kind, camvid
from segmenter import box

USED, ERRORS, MIDDLE, SPREAD = 4, 3.0, -2.5, 1.8  # classes; errors of an image; a clean loss's logarithm
MOST = 12.0  # nats: what a segmenter loses at most, or thereabouts
MARGIN = 20  # pixels: means over squares are of noise beyond the border as well


def field(rng: np.random.Generator) -> np.ndarray:
    """Standard normal, rough and smooth."""
    total = np.zeros((SIZE[1], SIZE[0]), np.float32)
    for radius, weight in ((0, .6), (2, .7), (8, .9), (MARGIN, .8)):
        noise = rng.normal(size=(total.shape[0] + 2 * MARGIN, total.shape[1] + 2 * MARGIN, 1)).astype(np.float32)
        part = box(noise, radius)[MARGIN:-MARGIN, MARGIN:-MARGIN, 0]
        total += weight * part / part.std()
    return (total - total.mean()) / total.std()


def of_kind(kind: Kind, seed: int, scenes: int, per_mask: int) -> Losses:
    """Clean losses of a synthetic image are `style` times as much again, up to MOST; their logarithms go together with the real image's
    by `together`. Wrong regions lose what their place has nothing to do with."""
    assert kind.together is not None, "fields go together by a number"
    rng = np.random.default_rng(3000 + seed)
    masks = np.stack([np.digitize(field(rng), [-.8, 0, .8]) for _ in range(scenes)]).astype(np.uint8)
    masks[:, :4] = IGNORED
    harder = .3 * np.minimum(masks, USED)  # some classes are
    places = [field(rng) for _ in range(scenes)]
    real = np.stack([np.exp(MIDDLE + SPREAD * place + more) for place, more in zip(places, harder)])
    origin = np.repeat(np.arange(scenes), per_mask)
    made, wrong = [], []
    for i in origin:
        own = kind.together * places[i] + np.sqrt(1 - kind.together**2) * field(rng)
        loss, off = (1 + kind.style) * np.exp(MIDDLE + SPREAD * own + harder[i]), np.zeros(masks[i].shape, bool)
        for _ in range(rng.poisson(ERRORS * kind.errors)):
            off |= camvid.blob(off.shape, rng) & (masks[i] < USED)
        loss[off] = np.exp(.5 + .8 * field(rng)[off])
        made.append(loss)
        wrong.append(off)
    made_losses = np.minimum(np.stack(made), MOST).astype(np.float32)
    return Losses(masks, np.minimum(real, MOST).astype(np.float32), origin, made_losses, np.stack(wrong), np.zeros_like(made_losses))
