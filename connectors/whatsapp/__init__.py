"""WhatsApp by Meta's Cloud API.

`render` says our content in the channel's JSON and refuses what breaks a limit; `classify` reads what came back;
`webhook` walks through a webhook and hands each item to `inbound` (what people write), `statuses` (what became of
ours) or `account` (templates, numbers, preferences); `people` knows how the channel names a person; `facts` holds the
numbers.

A 200 means accepted, never delivered. There is no idempotency key and no way to ask after a message: the only evidence
of a send whose answer was lost is a status webhook that carries `biz_opaque_callback_data` back.
"""

from connectors.whatsapp.connector import WhatsAppConnector

__all__ = ["WhatsAppConnector"]
