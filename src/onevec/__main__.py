"""`python -m onevec` is the command `onevec`."""

from __future__ import annotations

import sys

from onevec.cli import main

if __name__ == "__main__":
    sys.exit(main())
