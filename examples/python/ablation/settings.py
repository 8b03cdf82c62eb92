# ablation/settings.py - what each row of the table is trained on.
# SPDX-License-Identifier: MIT
from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Setting:
    name: str  # of files, and of the command line
    title: str
    mix: str  # of freemask.Schedule: "real", "synthetic", "joint"; "pretrain": half of the steps synthetic, then real
    made: str = "raw"  # what is left of the synthetic masks: a name of targets.MADE
    plan: str = "uniform"  # of freemask.plan: as many images of each mask; "rank": more of the harder ones
    core: bool = False  # the paper's table; others answer what else one might train on
    truth: bool = False  # needs to know which pixels are wrong
    weighted: bool = False  # needs a loss that weighs pixels


SETTINGS = [
    Setting("real", "real only", "real", core=True),
    Setting("synthetic-raw", "synthetic, raw", "synthetic", core=True),
    Setting("synthetic-filtered", "synthetic, filtered", "synthetic", "paper", core=True),
    Setting("synthetic-resampled", "synthetic, filtered, re-sampled", "synthetic", "paper", "rank", core=True),
    Setting("joint-raw", "joint, raw", "joint", core=True),
    Setting("joint-paper", "joint, filtered, re-sampled (the paper)", "joint", "paper", "rank", core=True),
    Setting("joint-paired-train", "joint, paired, use=train, re-sampled", "joint", "paired-train", "rank", core=True),
    Setting("joint-oracle", "joint, oracle, re-sampled", "joint", "oracle", "rank", core=True, truth=True),
    Setting("pretrain", "pre-training on filtered, re-sampled; then real", "pretrain", "paper", "rank", core=True),
    Setting("joint-quantile", "joint, quantile 5 %, re-sampled", "joint", "quantile", "rank"),
    Setting("joint-paired-detect", "joint, paired 5 %, re-sampled", "joint", "paired-detect", "rank"),
    Setting("joint-weights", "joint, weights, re-sampled", "joint", "weights", "rank", weighted=True),
    Setting("joint-relabel", "joint, relabelled by the teacher, re-sampled", "joint", "relabel", "rank"),
]
