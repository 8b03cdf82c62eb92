#!/usr/bin/env python3
# python/test_train_loop.py - examples/python/train_loop.py: what is dropped is what is wrong. On a CUDA device where there is one.
# SPDX-License-Identifier: MIT
import os
import re
import subprocess
import sys

import kit  # noqa: F401 - finds the package
import tap

tap.need("torch")
done = subprocess.run([sys.executable, os.path.join(tap.SOURCE, "examples", "python", "train_loop.py"), "--steps", "60"],
                      capture_output=True, text=True, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"})
tap.equal((done.returncode, done.stderr), (0, ""), "it runs")
found = re.search(r"dropped ([\d.]+) % of the wrong pixels, ([\d.]+) %", done.stdout)
tap.ok(found and float(found[1]) > 60 and float(found[2]) < 25, "wrong pixels are dropped, right ones are kept", done.stdout)
tap.done()
