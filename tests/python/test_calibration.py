#!/usr/bin/env python3
# python/test_calibration.py - promises about images, by the package: thresholds and filters against NumPy.
# SPDX-License-Identifier: MIT
import pickle

import kit
import tap

tap.need("numpy")
import calibration_reference as reference  # noqa: E402
import freemask as fm  # noqa: E402
import numpy as np  # noqa: E402

CLASSES = 3
rng = np.random.default_rng(3)
labels = fm.Labels.from_classes(["road", "sky", "rider"], ignored=255)


def image():
    mask = rng.choice([0, 1, 255], (9, 11)).astype(np.uint8)
    return mask, (rng.gamma(2, .5, mask.shape) * np.exp(rng.normal(0, .7))).astype(np.float32)


HELD = [image() for _ in range(60)]
stats = fm.ClassStats(labels, histogram=32)
stats.add(*image())
whole = fm.Calibration(stats)
for mask, loss in HELD:
    whole.add(mask, loss)
words = reference.words(HELD, CLASSES)
tap.equal(whole.state.tolist(), [60] + [word for row in words for word in row], "the state is the definition's")
tap.equal((whole.images, whole.class_images.tolist()), (60, [row[0] for row in words]), "images")
for lose, confidence in ((.05, 0.), (.1, .8)):
    exact = [reference.threshold(row, CLASSES, lose, 1 - confidence if confidence else 0.) for row in words]
    tap.equal(whole.thresholds(lose, confidence).tolist(), exact, f"thresholds for {lose}, {confidence}")
tap.equal((whole.images_needed(), whole.images_needed(.1)), (19, 9), "how many images a promise takes")

# ---- Parts -------------------------------------------------------------------------------------------
masks, losses = (np.stack([pair[i] for pair in HELD]) for i in (0, 1))
a, b = fm.Calibration(stats).add(masks[:20], losses[:20]), fm.Calibration(stats).add(masks[20:], losses[20:])
tap.ok(all(np.array_equal(c.state, whole.state) for c in (a + b, b + a, sum([a, b]), b.copy().merge(a))), "parts merge to the whole")
other = fm.Calibration(stats)
other.state = a.state + b.state
tap.ok(np.array_equal(other.state, whole.state), "states are summed")
whole.save(tap.path("c.json"))
for name, again in (("a file", fm.Calibration.load(tap.path("c.json"))), ("a pickle", pickle.loads(pickle.dumps(whole)))):
    tap.ok(np.array_equal(again.state, whole.state) and again.labels == labels, f"{name} gives it back")

# ---- Filters -----------------------------------------------------------------------------------------
noise = fm.NoiseFilter.calibrated(whole, lose=.1)
mask, loss = image()
loss *= 5
bars = np.append(whole.thresholds(.1), np.float32(np.inf))
expected = np.where(loss > bars[np.minimum(mask, CLASSES)], 255, mask)
tap.ok(np.array_equal(noise.apply(mask, loss), expected) and (expected != mask).any(), "a filter has its thresholds")
again = pickle.loads(pickle.dumps(noise))
tap.ok(np.array_equal(again.thresholds, noise.thresholds) and "lose 0.1" in repr(again), "a filter pickles")
tap.ok(np.isinf(noise.thresholds[2]), "of a class without images everything is kept")
ranked = fm.ClassStats(labels, histogram=32, ranks=stats)
scored = fm.Calibration(ranked).add(masks, losses)
paired = fm.NoiseFilter.calibrated(scored, policy="paired")
tap.ok(np.array_equal(paired.thresholds, scored.thresholds()), "of the score, too")
paired.apply(mask, loss, reference=loss)

# ---- What is refused ------------------------------------------------------------------------------------
tap.ok(kit.raises(fm.MismatchError, lambda: whole.merge(scored), "scores"), "another score")
tap.ok(kit.raises(fm.UnsupportedError, lambda: fm.Calibration(fm.ClassStats(labels)), "histogram"), "no histogram")
tap.ok(kit.raises(fm.EmptyError, lambda: fm.NoiseFilter.calibrated(fm.Calibration(stats)), "no image"), "no image")
tap.ok(kit.raises(ValueError, lambda: whole.thresholds(1.5), "lose is 1.5"), "a share above 1")
tap.ok(kit.raises(fm.LabelError, lambda: whole.add(np.full((2, 2), 7, np.uint8), np.ones((2, 2), np.float32)), "7"), "a label")
tap.ok(np.array_equal(whole.state, other.state), "and nothing was added")
tap.done()
