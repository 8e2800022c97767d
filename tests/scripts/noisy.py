# SPDX-License-Identifier: GPL-2.0
"""The same as noisy.sh, in Python below a shell that has the results."""

import subprocess
import sys

from tlsnet import Ktap

NOISE = "ok 1 of a tool\n1..7\nKTAP version 1\n    not ok 9 of a tool\nok 2 # SKIP\nBail out!\n"


def fail() -> None:
    """Fails noisily."""
    subprocess.run(["printf", NOISE], check=True)
    raise AssertionError(NOISE)


def main() -> int:
    """One test passes, two fail."""
    print(NOISE)
    ktap = Ktap(3)
    ktap.check("passes", lambda: print(NOISE))
    ktap.check("fails", fail)
    ktap.note(NOISE)
    ktap.check("fails_too", fail)
    return ktap.status()


if __name__ == "__main__":
    sys.exit(main())
