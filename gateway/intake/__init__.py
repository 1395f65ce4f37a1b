"""Role: from a business event to messages in the outbox.

An event comes through a door (api.py over HTTP; sources/ for streams), is parsed and checked at once (cloudevents.py,
schemas.py), and kept on disk before the answer. From there on nobody waits for it: `expand` takes kept events up, lets each
change its subject's memory, and tells the subject's subscribers chunk by chunk. Every step may run twice, and after a kill at any
line it is taken up again.

What may fail: a caller gets 4xx with each field named; a store without a promise of the disk is 503, send it again. A poisoned
event is parked after five tries, with the reason. What is promised: a 202 is on disk, and every message due from it is sent or
visible with a reason (P1); one event makes one message per contact, notification and item (P2).
"""
