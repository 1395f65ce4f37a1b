"""What every connector must be able to do, and how each channel says it: one `Case` a channel, with its payload builders.

A new channel is one module here with a `CASE`, and its name in CASES.
"""

from tests.contract.channels.case import Case
from tests.contract.channels.messenger import CASE as MESSENGER
from tests.contract.channels.whatsapp import CASE as WHATSAPP

CASES: tuple[Case, ...] = (WHATSAPP, MESSENGER)

__all__ = ["CASES", "MESSENGER", "WHATSAPP"]
