"""The gateway: events in, messages out, answers to people.

Everything is a role or a library of a role; roles meet only in the store. docs/architecture.md draws the house.
"""
