"""The same day over Messenger: a delay with a button, cards, a receipt, staff in the Page's inbox, Meta's assistant."""

from __future__ import annotations

from typing import Any

from tests.browser.phones_day import AIR as AIR_NUMBER
from tests.browser.phones_day import Json, bubble, handset, why


def chat(page_id: str, name: str, username: str, bubbles: list[Json], **more: Any) -> Json:
    """A thread of the contract: our gateway holds it, and its menu is empty."""
    return {
        "channel": "messenger", "sender_id": page_id, "sender_name": name, "page_id": page_id, "page_username": username,
        "psid": "10000000000000201", "holder": "ours", "window_until_ms": None, "typing": None, "menu": [],
        "ice_breakers": [], "get_started": False, "bubbles": bubbles, **more,
    }  # fmt: skip


AIR = ("141421356237301", "Zilver Air", "zilverair")
RAIL = ("141421356237302", "Noord Rail", "noordrail")
GRID = ("141421356237303", "Stroomnet", "stroomnet")


def page(ids: tuple[str, str, str], **more: Any) -> Json:
    return {
        "id": ids[0], "name": ids[1], "username": ids[2], "utility": True, "human_agent": True, "default_app": "ours",
        "assistant": False, "restricted": False, "subscribed": True, "since": None, "failing_since": None, **more,
    }  # fmt: skip


def pages() -> list[Json]:
    return [page(AIR), page(RAIL, utility=False), page(GRID, human_agent=False, default_app=None, subscribed=False)]


def utility(name: str, language: str) -> Json:
    return {"type": "utility", "template": {"name": name, "language": language, "category": "UTILITY"}}


def tap(index: int, text: str, **more: Any) -> Json:
    return {"index": index, "type": "postback", "text": text, "payload": f"tap-{index}", **more}


def quick(index: int, title: str) -> Json:
    return {"index": index, "title": title, "payload": f"quick-{index}", "content_type": "text"}


def attachment(kind: str, url: str | None = None, mime: str | None = None, filename: str | None = None, **more: Any) -> Json:
    return {"type": kind, "url": url, "mime": mime, "filename": filename, **more}


FLEUR: Json = {"persona": {"name": "Fleur", "picture": "/sandbox/media/9401"}, "by": "page"}


def eva() -> Json:
    bubbles = [
        bubble("e1", "06:58", "Vlucht ZZ1007 vertrekt later: 11:40 in plaats van 10:55.", by="page",
               **utility("flight_delayed_v1", "nl"), buttons=[tap(0, "Waar is hij nu?"), tap(1, "Stel een vraag")],
               why=why("ZZ1007 is 45 minutes late, and Eva is on it.", "outside the window, so a utility template",
                       trace="python main.py trace 11-0a1b2c3d")),
        bubble("e2", "07:02", "Stel een vraag", kind="sent", type="postback"),
        bubble("e3", "07:02", "Haal ik mijn aansluiting in Londen?", kind="sent"),
        bubble("e4", "07:04", "Ja: u hebt er 70 minuten. Zal ik een stoel vooraan voor u vrijhouden?", **FLEUR,
               page_reaction=None, quick_replies=[quick(0, "Graag"), quick(1, "Nee, dank u"), quick(2, "Wat kost dat?")],
               why=why("Written by an agent in the webcare desk.", trace="python main.py trace 11-0a1b2c99")),
    ]  # fmt: skip
    bubbles[2]["page_reaction"] = "❤"
    whatsapp = {**AIR_NUMBER, "bubbles": [
        bubble("w1", "06:40", "Goedemorgen Eva. Volg uw vlucht ook op https://m.me/zilverair?ref=zz1007 als u dat wilt.")]}
    menu = [tap(0, "Mijn vlucht"), {"index": 1, "type": "web_url", "text": "Website", "url": "https://air.example.com/"}]
    return handset("eva", "Eva, both apps", "447700900201", "nl", "Europe/Amsterdam", [whatsapp, chat(*AIR, bubbles, menu=menu)])


def tom() -> Json:
    card: Json = {"subtitle": "1:52, direct", "image_url": "/sandbox/media/9101", "url": None}
    stops = {"index": 2, "type": "web_url", "text": "Where it stops", "url": "https://rail.example.com/948"}
    elements: list[Json] = [
        {**card, "title": "09:18 to Groningen", "buttons": [tap(0, "Take this one")]},
        {**card, "title": "09:48 to Groningen", "subtitle": "2:05, one change in Zwolle",
         "image_url": "https://cdn.example.com/x.png", "buttons": [tap(1, "Take this one"), stops]},
        {**card, "title": "10:18 to Groningen", "image_url": None, "buttons": [tap(3, "Or this")]},
    ]  # fmt: skip
    receipt = {
        "recipient_name": "Tom de Wit", "merchant_name": "Noord Rail", "order_number": "TR-55310", "currency": "EUR",
        "payment_method": "iDEAL", "elements": [{"title": "Utrecht – Groningen", "subtitle": "2nd class", "quantity": 2,
                                                  "price": 58.4}],
        "summary": {"subtotal": 58.4, "total_tax": 5.26, "total_cost": 50.9},
        "adjustments": [{"name": "Off-peak", "amount": 7.5}],
    }  # fmt: skip
    pictures = [attachment("image", f"/sandbox/media/92{n}", "image/jpeg", f"platform-{n}.jpg") for n in range(2)]
    ticket = attachment("file", "/sandbox/media/9301", "application/pdf", "ticket-TR-55310.pdf")
    bubbles = [
        bubble("t1", "07:10", "TR-55310", type="receipt", by="page", receipt=receipt, why=why("His order was confirmed.")),
        bubble("t2", "07:10", "", type="file", by="page", attachment=ticket),
        bubble("t3", "07:31", "", kind="sent", type="image", ticks="delivered", attachment=pictures[0], attachments=pictures),
        bubble("t4", "07:40", elements[0]["title"], type="generic", by="page", elements=elements,
               why=why("The 08:48 does not run; these do.", trace="python main.py trace 22-77aa0011")),
    ]  # fmt: skip
    return handset("tom", "Tom, by train", "447700900202", "en", "Europe/Amsterdam", [chat(*RAIL, bubbles)])


def noor() -> Json:
    bubbles = [
        bubble("n1", "07:20", "Wanneer is er weer stroom?", kind="sent", edited=1, history=["Wanneer is er stroom?"]),
        bubble("n2", "07:21", "Ik ben de assistent. Uw postcode staat in storing 4417.", by="assistant"),
        bubble("n3", "07:26", "Dag Noor, onze monteur is er. Rond half tien.", by="inbox", reaction="❤️"),
        bubble("n4", "07:30", "De stroom in uw straat is terug om 09:30.", kind="unsent", ticks=None, type="utility",
               template={"name": "outage_updated_v1", "language": "nl", "category": "UTILITY"},
               reason="the Page's staff hold this chat", why=why("Another app may not speak while staff do.")),
        bubble("n5", "07:31", "Dank je!", kind="sent", ticks="delivered"),
    ]  # fmt: skip
    return handset("noor", "Noor, no power", "447700900203", "nl", "Europe/Amsterdam", [chat(*GRID, bubbles, holder="inbox")])


def daan() -> Json:
    bubbles = [
        bubble("d1", "07:00", "Free coffee", type="coupon", by="page",
               coupon={"title": "Free coffee", "subtitle": "Today, at any station", "coupon_code": "WAIT-15"}),
        bubble("d2", "07:05", "Your seat is 4A.", by="page", ticks="failed",
               error={"code": 551, "title": "This person isn't available"}),
        bubble("d3", "07:06", "", type="location", kind="sent",
               attachment=attachment("location", latitude=52.09, longitude=5.11)),
    ]  # fmt: skip
    fresh = chat(*GRID, [], get_started=True)
    return handset("daan", "Daan, new here", "447700900204", "en", "Europe/London", [chat(*AIR, bubbles), fresh])


def day() -> list[Json]:
    return [eva(), tom(), noor(), daan()]
