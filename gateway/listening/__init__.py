"""What people say, as lists that the operator keeps: words that cannot wait, complaints, reasons. Read here, checked here.

The lists lie at the top level (`safety/`, `reasons.yaml`) because whoever answers people knows best how they write, and seldom
writes Python. They are read once, when a process starts: a mistake in one is named with its line and stops the start, for a
list that is half understood would be trusted all the same. What a message means by them is decided in `rules/` (phrases, safety,
complaints, reasons, language): pure, and fast enough to be asked of every message.
"""
