"""Meta's Graph API for WhatsApp and Messenger in small: a client library of another maker cannot tell it from the real one.

What flows through: a client POSTs to ``/v25.0/{phone-number-id}/messages``; the request is checked like Meta checks it
(shape, template, limits, account) and answered with a wamid or with an error in Meta's shape; what happens afterwards
(sent, delivered, read, failed) is a row in ``jobs`` that falls due on the sandbox's own clock, and each result is a row
in ``webhooks`` that is delivered, signed, until somebody answers 200. What customers hold in their hands is a handset:
``/sandbox/handsets`` shows it as JSON, and what they say there becomes a signed inbound webhook. Messenger's Pages work the
same: the package ``messenger`` holds what is theirs (PSIDs, windows, who holds a thread, echoes), all below it is shared.

What may fail: everything, on request (``/sandbox/faults``). What is promised: state lies in one SQLite file and survives
kill -9 at any line; a webhook once due is delivered after a restart; time can be turned (``/sandbox/clock``).

The package shares no line with the gateway or its connectors, so that one misreading of Meta cannot hide on both sides.
Facts are Meta's as of November 2026 (v25.0 webhooks: no ``conversation``, BSUID fields present).
"""
