"""Role: from the outbox to the channel.

One loop a process looks at all partitions in one pipeline, draws tokens, claims the heads of ready lanes, hands them to a pool of
slots, and settles what comes back in batches. `deliver` takes one message once: decide again, render, send, classify.

What may fail: a crash between send and settle is an uncertain send, for the other way round would lose a message. What is
promised: at most one message of a lane is out (order), nothing stale is sent (decided again at most a second before the
POST), a sender that is held up delays no other.
"""
