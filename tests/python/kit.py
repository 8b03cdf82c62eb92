# python/kit.py - the package that is tested: the one that is installed, or the tree's with the build's library.
# SPDX-License-Identifier: MIT
import os
import shutil
import sys

import tap

if not os.environ.get("FREEMASK_TEST_INSTALLED"):
    # The tree's sources and declarations that are made from the headers, as a wheel has them.
    source = os.path.join(tap.SOURCE, "bindings", "python")
    shutil.copytree(os.path.join(source, "freemask"), tap.path("package", "freemask"), dirs_exist_ok=True)
    sys.path.insert(0, source)
    import make_interface
    with open(tap.path("package", "freemask", "_interface.py"), "w", encoding="utf-8") as made:
        made.write(make_interface.generate(os.path.join(tap.SOURCE, "include")))
    sys.path.insert(0, tap.path("package"))
    os.environ["FREEMASK_LIBRARY"] = os.environ["FREEMASK_SHARED"]
    os.environ["PYTHONPATH"] = os.pathsep.join([tap.path("package"), os.environ.get("PYTHONPATH", "")])

sys.path.insert(0, os.path.join(tap.SOURCE, "tests", "golden"))


def raises(kind, work, *says):
    """Does `work` raise `kind` with a sentence of one line that says all that?"""
    try:
        work()
    except kind as error:
        return all(word in str(error) for word in says) and "\n" not in str(error)
    return False
