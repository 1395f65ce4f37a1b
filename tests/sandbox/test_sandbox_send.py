"""From a send to its statuses, and what stands on the phone meanwhile."""

from __future__ import annotations

from sandbox_box import ANN, Box, wait_until


async def test_a_text_in_an_open_window_is_sent_delivered_and_read(box: Box) -> None:
    await box.open_window()
    message_id = await box.text("Grüße 👋 a/b", biz_opaque_callback_data="m1.1.s")
    await wait_until(lambda: box.receiver.names(message_id) == ["sent", "delivered", "read"], "three statuses")
    assert all(status["biz_opaque_callback_data"] == "m1.1.s" for status in box.receiver.statuses(message_id))
    phone = await box.control("GET", f"handsets/{ANN}")
    bubble = phone["threads"][0]["bubbles"][-1]
    assert (bubble["body"], bubble["ticks"], bubble["kind"]) == ("Grüße 👋 a/b", "read", "received")
