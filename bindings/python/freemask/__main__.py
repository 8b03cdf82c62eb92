# freemask/__main__.py - the command-line tool that is in this package.
# SPDX-License-Identifier: MIT
from __future__ import annotations

import os
import subprocess
import sys
import sysconfig


def main() -> None:
    """Becomes the tool: `python -m freemask ...` is `freemask ...`."""
    name = "freemask.exe" if os.name == "nt" else "freemask"
    tool = os.path.join(sysconfig.get_path("scripts"), name)
    if not os.path.exists(tool):
        sys.exit(f"freemask: the tool is not where this package puts it ({tool})")
    if os.name == "nt":
        sys.exit(subprocess.call([tool, *sys.argv[1:]]))
    os.execv(tool, [tool, *sys.argv[1:]])


if __name__ == "__main__":
    main()
