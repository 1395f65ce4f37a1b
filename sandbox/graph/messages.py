"""The ``messages`` edge of a phone number."""

from __future__ import annotations

from sandbox import delivery, send
from sandbox.graph.call import MESSAGING, Call, call
from sandbox.store import Json


@call("POST", "number", "messages", scope=MESSAGING)
async def post_messages(this: Call) -> Json:
    body = await this.read()
    world = this.world
    with world.store.tx():
        number = world.account.number(this.node_id) or this.node
        if isinstance(body, dict) and "status" in body:
            send.read_receipt(world, number, body)
            return {"success": True}
        answer, message_id = send.send(world, number, body)
    address = "" if (message := world.handsets.message(message_id)) is None else message["address"]
    if world.faults.take("status_before_answer", this.node_id, address) is not None:
        with world.store.tx():
            rows = delivery.hurry(world, message_id)
        for row in rows:
            await world.webhooks.settled(row, world.config.webhook_timeout_s)
    return answer
