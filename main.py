"""Thuisfront: reads the arguments and hands over to gateway.cli. `python main.py` alone shows the main tasks in words."""

from __future__ import annotations

import sys

from gateway.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
