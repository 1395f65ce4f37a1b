"""The fixtures of the sandbox's tests; what they are made of is in ``sandbox_box``."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from sandbox_box import box, make_box

__all__ = ["box", "make_box"]
