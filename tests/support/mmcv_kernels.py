# support/mmcv_kernels.py - MMCV-lite without its compiled part.
# SPDX-License-Identifier: MIT
"""MMCV's kernels have to be compiled. MMSegmentation and MMDetection look them up by name when they are imported; what the
tests do, loading data and heads on a CPU, calls none of them. Import this before mmcv."""
import sys
import types


class Kernels(types.ModuleType):
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)

        def kernel(*_, **__):
            raise RuntimeError(f"MMCV-lite has no kernel {name}")
        return kernel


sys.modules.setdefault("mmcv._ext", Kernels("mmcv._ext"))
