# torch/test_step.py - the libtorch trainer ignores the pixels that do not show what their mask says.
import re
import subprocess
import sys

import tap

done = subprocess.run([sys.argv[1]], capture_output=True, text=True, check=False)
tap.ok(done.returncode == 0 and not done.stderr, "the trainer ends well", done.stderr)
found = re.fullmatch(r"ignored (\d+) % of the wrong pixels, (\d+) % of the others\n", done.stdout)
if tap.ok(found, "and says what it ignored", done.stdout):
    # The paper's threshold lies above the mean: of real-like pixels far fewer than half exceed it.
    tap.ok(int(found[1]) >= 90, "nearly all wrong pixels are ignored", done.stdout)
    tap.ok(int(found[2]) <= 30, "most of the others are not", done.stdout)
tap.done()
