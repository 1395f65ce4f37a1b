"""The only package that knows Redis. It hands out model types and takes them.

What flows through: events, contacts, subjects, the outbox, kept webhooks, conversations, facts. Keys that change together
carry one partition tag `{p:NN}` and are changed by one Lua script each (lua/), so that everything also works on a
cluster; what spans partitions is a sequence of steps that may each run twice.

What may fail: `StoreUnavailable` (no answer: the caller may repeat, every step is repeatable), `StoreRefused` (this server may
not be used), `Sealed` (a key is gone: erased or expired). What is promised: a call that returned is on disk, as far as the
server's configuration promises it (durability.py says how far).

keys.py lists every key with its type and time to live. Nothing else builds a key name.
"""
