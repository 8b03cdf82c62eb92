# ablation/measure.py - the mean intersection over union on the test set.
# SPDX-License-Identifier: MIT
from __future__ import annotations

import numpy as np
from network import IGNORED


def confusion(targets: np.ndarray, predictions: np.ndarray, classes: int) -> np.ndarray:
    """int64 [K, K]: pixels of a class (row) that were called another (column). Ignored pixels do not count."""
    valid = targets != IGNORED
    pairs = targets[valid].astype(np.int64) * classes + predictions[valid]
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def class_iou(matrix: np.ndarray) -> np.ndarray:
    """NaN for a class that the test set does not have."""
    union = matrix.sum(0) + matrix.sum(1) - matrix.diagonal()
    return np.where(matrix.sum(1) > 0, matrix.diagonal() / np.maximum(union, 1), np.nan)


def mean_iou(matrix: np.ndarray) -> float:
    return float(np.nanmean(class_iou(matrix)))
