# cli/stand_ins/torch.py - stands in for PyTorch where generate.py imports it.
# SPDX-License-Identifier: MIT
import types

float32, float16 = "float32", "float16"
cuda = types.SimpleNamespace(is_available=lambda: False)


class Generator:
    def __init__(self, device="cpu"):
        self.device, self.seed = device, None

    def manual_seed(self, seed):
        if not -2**63 <= seed < 2**64:
            raise RuntimeError("Overflow when unpacking long")
        self.seed = seed
        return self
