"""What WhatsApp and Messenger share because both are Meta's Graph API.

`graph` carries requests, `signature` and `handshake` check webhooks, `faults` reads the shape of an error, `errors` says what
each code means for us, `answers` what an answer says before any channel's words for it, `items` reads each item of a webhook
for itself, `words` checks what is rendered, and `reading` takes values out of JSON that nobody has vouched for.
"""
