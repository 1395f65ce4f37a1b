"""The words of the field as frozen values: no I/O, no clock, and no import of anything else of ours.

Values are parsed once, at the edge, and trusted inside. What identifies a person is wrapped in `Personal`, so that a
log line or an exception shows a mask; `.reveal()` is the one way out and can be searched for.
"""
