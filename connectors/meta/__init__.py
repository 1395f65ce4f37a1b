"""What WhatsApp and Messenger share because both are Meta's Graph API.

`graph` carries requests, `signature` checks webhooks, `faults` reads the shape of an error, `errors` says what each
code means for us, and `reading` takes values out of JSON that nobody has vouched for.
"""
