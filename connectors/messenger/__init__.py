"""Messenger by Meta's Graph API: a Page writes to people who wrote to it first.

`render` says our content in the channel's JSON and refuses what breaks a limit, with `structured` for buttons, cards and
receipts and `utility` for approved templates; `classify` reads what came back, by the table in `codes`; `webhook` walks
through a webhook and hands each item to `inbound` and `attachments` (what people write), `echoes` (what left the Page),
`receipts` (what arrived), `threads` (who may write), `arrivals` (who came by a link) or `account` (templates, restrictions);
`people` knows how the channel names a person; `facts` holds the numbers.

A 200 means accepted. There is no idempotency key: the evidence of a send whose answer was lost is its echo, which brings
`metadata` back. Whoever holds a person's thread may write there, nobody else.
"""

from connectors.messenger.connector import MessengerConnector

__all__ = ["MessengerConnector"]
