"""Channels: what the gateway means, said in a channel's own words, and what the channel says, understood.

What flows through. Outwards an `OutboundMessage` becomes a `RenderedRequest` (pure), `send` carries it (the only call
with I/O), and `classify` (pure again) turns whatever came back, or broke, into a `SendResult`. Inwards `verify` looks
at the raw bytes before anything is believed, and `parse_webhook` turns kept bytes into inbound events.

What may fail. Content may break a limit of the channel: `CannotRender`, before a byte left. The way there may break:
`connectors.meta.graph` says whether a byte can have left, because only then is a second try a possible double. The
answer may be a code nobody has seen: that is a value too (retry twice). A webhook may hold one item nobody can read: it
becomes a `BadItem`, and its neighbours are read all the same.

What is promised. No token, number, channel id or text of a person in an exception or in a `SendResult.detail`.
Nothing here knows the store, the rules or webcare: a connector imports `gateway.connector`, `gateway.model`,
`gateway.errors` and `connectors.meta`, and nothing else of ours. What the channel's maker changes is changed here and
nowhere else, and every number says where it comes from and when it was read.
"""
