"""Messenger in small: pages beside the numbers, people known by a PSID for each page, threads that have an owner.

What a client may ask is in ``send``, ``templates``, ``threads`` and their like; ``world`` holds what both sides share:
who is known, whose window is open, which app holds a thread, what stands in the chat. Facts: Meta's Messenger Platform
documentation as of 30 June 2026, Graph API v26.0.
"""
