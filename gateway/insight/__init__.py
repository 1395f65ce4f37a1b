"""Facts folded into what people and other programs ask for: history, log lines, counters, outgoing webhooks, `trace`.

What flows through: facts, read from the store's streams once they are a second old (fold.py), kept in SQL for 13 months
(history.py), told to the log and to the counters (lines.py), sent to the operator's own programs (hooks.py, outgoing.py).
One kind of fact is made here: `unreached` (unreached.py). kinds.py knows every kind's name and what it means in words.

What may fail: the database (the facts wait in the store), a target (its webhooks wait, then are dead until replayed), the process
(the next folder begins at the committed position). What is promised: each fact is one row, however often a folder dies; a number
on the board, a line of the log and a step of `trace` come from the same fact; nothing personal is in any of them.
"""
