#!/usr/bin/env python3
# trainers/test_pages.py - the Python of the documentation runs, all of it that no mark excepts.
# SPDX-License-Identifier: MIT
import importlib.util
import os
import sys

import tap

tap.need("numpy", "PIL", "torch", "transformers", "segmentation_models_pytorch", "pytorch_lightning")
# The script of the same name.
spec = importlib.util.spec_from_file_location("pages", os.path.join(tap.SOURCE, "tests", "python", "test_pages.py"))
pages = importlib.util.module_from_spec(spec)
sys.path.insert(0, os.path.join(tap.SOURCE, "tests", "python"))
spec.loader.exec_module(pages)
_, left = pages.main(None)
tap.equal(left, [], "nothing is left out")
tap.done()
