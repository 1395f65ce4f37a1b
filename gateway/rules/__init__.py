"""Decisions as pure functions: values and a time go in, a verdict comes out. No I/O, no clock, no import but the model.

Gateway, console and assistant ask the same functions, so that a button and a worker cannot disagree.
"""
