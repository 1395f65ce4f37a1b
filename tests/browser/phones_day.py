"""A day on the phones: an airline booking in Dutch, a rail order in English, an outage, a family far away."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]

AIR = {"phone_number_id": "314159265358979", "display_phone_number": "+1 202-555-0142", "verified_name": "Zilver Air"}
RAIL = {"phone_number_id": "314159265358980", "display_phone_number": "+1 202-555-0143", "verified_name": "Noord Rail"}
GRID = {"phone_number_id": "314159265358981", "display_phone_number": "+1 202-555-0144", "verified_name": "Stroomnet"}


def at(clock: str, day: int = 22) -> int:
    """Milliseconds of HH:MM UTC in November 2026."""
    hour, minute = clock.split(":")
    return int(datetime(2026, 11, day, int(hour), int(minute), tzinfo=UTC).timestamp() * 1000)


NOW_MS = at("09:04")


def bubble(id_: str, clock: str, body: str, *, day: int = 22, **more: Any) -> Json:
    """A received text unless told otherwise; every field of the contract is there."""
    return {
        "id": id_, "kind": "received", "at_ms": at(clock, day), "type": "text", "template": None, "header": None,
        "body": body, "footer": None, "buttons": [], "list": None, "reply_to": None, "reaction": None,
        "ticks": "read", "error": None, "opaque": None, "why": None, **more,
    }  # fmt: skip


def template(name: str, language: str) -> Json:
    return {"type": "template", "template": {"name": name, "language": language, "category": "UTILITY"}}


def why(text: str, *details: str, trace: str = "") -> Json:
    return {"text": text, "details": list(details), "trace": trace or None}


def handset(name: str, label: str, address: str, language: str, timezone: str, threads: list[Json]) -> Json:
    return {
        "name": name, "label": label, "address": address, "user_id": f"NL.{address}", "username": None,
        "language": language, "timezone": timezone, "online": True, "typing": False, "threads": threads,
    }  # fmt: skip


def reply(index: int, text: str) -> Json:
    return {"index": index, "type": "quick_reply", "text": text, "payload": f"choice-{index}"}


def sanne() -> Json:
    bubbles = [
        bubble(
            "s1", "19:22", "Uw vlucht naar *Londen* is geboekt, Sanne. Boekingscode ZX7K2P.\n\n"
            "Zondag 22 november, 10:55\nAmsterdam – London Heathrow",
            day=2, **template("booking_confirmed", "nl"),
            header={"type": "document", "url": "/sandbox/media/9001", "filename": "ticket-ZX7K2P.pdf",
                    "mime": "application/pdf"},
            footer="Antwoord STOP om u af te melden",
            why=why("Her booking was confirmed, and she asked for news here."),
        ),
        bubble(
            "s2", "08:31", "Vlucht ZZ1007 vertrekt later: *11:40* in plaats van 10:55. "
            "Het vliegtuig komt later aan. U hoeft niets te doen.",
            **template("flight_delayed", "nl"),
            buttons=[reply(0, "Kan ik omboeken?"), reply(1, "Houd mijn familie op de hoogte")],
            why=why("ZZ1007 is 45 minutes late, and Sanne is on it.", "event flight.status version 12, 08:31:02",
                    "consent: journey, given with the booking", "outside the service window, so a template",
                    trace="python main.py trace 03-7f2c9a1e"),
        ),
        bubble("s3", "08:33", "Kan ik omboeken?", kind="sent", reply_to="s2", ticks="read"),
        bubble(
            "s4", "08:34", "Dat kan gratis tot een uur voor vertrek. Er is plaats op ZZ1011 van 12:20. "
            "Zal ik u omboeken?", ticks="read",
            why=why("Written by an agent in the webcare desk.", "her answer opened the window until 08:33 tomorrow",
                    trace="python main.py trace 03-8810bd42"),
        ),
        bubble("s5", "08:36", "Nee dank u, ik wacht wel even", kind="sent", ticks="read"),
        bubble(
            "s6", "08:40", "Uw vlucht ZZ1007 vertrekt van gate D18.", kind="unsent", reason="replaced by a newer one",
            ticks=None, **template("gate_changed", "nl"),
            why=why("A newer gate came before this one was sent.", "gate D18 at 08:40:11, gate D24 at 08:40:13",
                    trace="python main.py trace 03-91c0aa07"),
        ),
        bubble(
            "s7", "08:41", "Let op: ZZ1007 vertrekt van gate *D24*. Boarding om 11:05.", ticks="delivered",
            why=why("The gate changed, and the window is open.", "event flight.status version 14",
                    trace="python main.py trace 03-91c0b31f"),
        ),
    ]  # fmt: skip
    return handset("sanne", "Sanne, traveller", "447700900101", "nl", "Europe/Amsterdam", [{**AIR, "bubbles": bubbles}])


def family() -> Json:
    bubbles = [
        bubble("f1", "20:02", "Yes, keep me posted about Sanne's flight", day=21, kind="sent", ticks="read"),
        bubble(
            "f2", "20:02", "You will hear when Sanne's flight leaves, is late, and lands. Ask *where is it?* at any time.",
            day=21, header={"type": "image", "url": "/sandbox/media/9002", "mime": "image/jpeg"}, reaction="❤",
            why=why("He joined by the link that Sanne shared.", trace="python main.py trace 41-0c22e9b8"),
        ),
        bubble(
            "f3", "08:31", "Sanne's flight ZZ1007 leaves later: 11:40 instead of 10:55, Amsterdam time.",
            why=why("The flight is late, and he follows it.", "copy of event flight.status version 12",
                    "times in the zone of the airport", trace="python main.py trace 41-17d0ff5a"),
        ),
        bubble("f4", "08:52", "where is it?", kind="sent", ticks="read"),
        bubble(
            "f5", "08:52", "Still at the gate in Amsterdam. It leaves at 11:40 and lands in London at 12:02 their time. "
            "Source: the airline, 08:31.", reply_to="f4", ticks="read",
            buttons=[reply(0, "Tell me when it leaves"), {"index": 1, "type": "url", "text": "Follow the flight",
                                                          "url": "https://air.example.com/zz1007"}],
            why=why("Answered by the assistant: the state, its source and its age.",
                    trace="python main.py trace 41-19ab4410"),
        ),
    ]  # fmt: skip
    return handset("noor", "Noor, at home", "447700900102", "en", "Asia/Dubai", [{**AIR, "bubbles": bubbles}])


def mila() -> Json:
    bubbles = [
        bubble(
            "m1", "08:03", "Your train ticket is here. Order TR-55310, 29.00 euro.", day=21,
            **template("rail_ticket", "en"),
            header={"type": "document", "url": "/sandbox/media/9003", "filename": "ticket-TR-55310.pdf",
                    "mime": "application/pdf"},
            why=why("Her order was confirmed and its ticket was made."),
        ),
        bubble(
            "m2", "07:48", "Train 3542 Utrecht – Eindhoven does not stop in Den Bosch today. Which way suits you?",
            **template("trip_changed", "en"),
            list={"button": "See other trains", "sections": [
                {"title": "Direct", "rows": [
                    {"id": "t1", "title": "09:18, platform 5", "description": "Arrives 10:08"},
                    {"id": "t2", "title": "09:33, platform 7", "description": "Arrives 10:23"}]},
                {"title": "One change", "rows": [{"id": "t3", "title": "09:09, platform 2",
                                                  "description": "Change in Tiel, arrives 10:31"}]}]},
            why=why("Train 3542 changed, and she travels on it.", "event trip.status version 3",
                    trace="python main.py trace 22-5be0c7d1"),
        ),
        bubble("m3", "07:51", "09:18, platform 5", kind="sent", reply_to="m2", ticks="read"),
        bubble(
            "m4", "07:51", "Platform 5, at the end of the footbridge", type="location", ticks="read",
            header={"type": "location", "text": "Utrecht Centraal, platform 5", "url": "https://maps.example.com/ut5"},
            why=why("Her answer asked for the way.", trace="python main.py trace 22-5c10e2aa"),
        ),
        bubble("m5", "08:20", "Platform changed: the 09:18 leaves from platform 7.", ticks="sent",
               why=why("The platform changed.", trace="python main.py trace 22-61ff0309")),
    ]  # fmt: skip
    return handset("mila", "Mila, commuter", "447700900103", "en", "Europe/Amsterdam", [{**RAIL, "bubbles": bubbles}])


def yusuf() -> Json:
    bubbles = [
        bubble(
            "y1", "05:23", "Stroomstoring in uw straat. Wij zijn onderweg. Verwachte hersteltijd: 09:00.",
            kind="unsent", reason="night, until 07:00", ticks=None, **template("outage_started", "nl"),
            why=why("It was night on this phone; the news waited.", "quiet hours 22:00 – 07:00, Europe/Amsterdam",
                    "sent later as one message with the newest time", trace="python main.py trace 57-2a90be11"),
        ),
        bubble(
            "y2", "06:00", "Stroomstoring in postcode 3511. Een kabel is beschadigd. Wij verwachten herstel om 09:30.",
            **template("outage_update", "nl"), buttons=[reply(0, "Houd mij op de hoogte"), reply(1, "Ik bel liever")],
            why=why("His postcode is inside the outage.", "outage OUT-2026-004417 version 5, 1,840 connections",
                    trace="python main.py trace 57-2b17d404"),
        ),
        bubble("y3", "06:04", "شكرا، هل الخبز آمن في الثلاجة؟", kind="sent", ticks="read"),
        bubble("y4", "06:10", "Ja. Houd de koelkast dicht: tot vier uur zonder stroom blijft alles goed.",
               why=why("Written by an agent in the webcare desk.", trace="python main.py trace 57-2c40aa80")),
        bubble(
            "y5", "08:58", "De stroom is terug in uw straat. Dank u voor het wachten.", ticks="failed",
            **template("outage_resolved", "nl"), error={"code": 131026, "title": "Message undeliverable"},
            why=why("The outage ended; the channel could not deliver.", "falls back to SMS as unreached",
                    trace="python main.py trace 57-30d7c955"),
        ),
    ]  # fmt: skip
    air = [bubble("ya", "16:00", "Welkom bij Zilver Air.", day=20)]
    threads = [{**GRID, "bubbles": bubbles}, {**AIR, "bubbles": air}]
    return handset("yusuf", "Yusuf, no power", "447700900104", "nl", "Europe/Amsterdam", threads)


def daan() -> Json:
    bubbles = [
        bubble(
            "d1", "06:00", "No power in postcode 3512. A cable is damaged. We expect to have it back at 09:30.",
            **template("outage_update", "en"), header={"type": "text", "text": "Outage in your street"},
            why=why("His postcode is inside the outage.", trace="python main.py trace 12-2b17d404"),
        ),
        bubble("d2", "07:12", "Thanks! Working from the library then.", kind="sent", ticks="delivered"),
        bubble(
            "d3", "08:58", "The power is back in your street. Thank you for waiting.", ticks="read",
            why=why("The outage ended, and his answer opened the window.", "outage OUT-2026-004417 version 9",
                    trace="python main.py trace 12-30d7c955"),
        ),
    ]  # fmt: skip
    return handset("daan", "Daan, neighbour", "447700900105", "en", "Europe/Amsterdam", [{**GRID, "bubbles": bubbles}])


def story() -> Json:
    titles = ["Booking", "Ticket", "Family joins", "Delay", "Question", "Gate change", "Departure", "Landing"]
    captions = {5: "The gate changes twice within two seconds: Sanne hears of the last one only."}
    return {
        "title": "One day in November", "position": 5, "state": "playing", "speed": 2.0,
        "steps": [{"title": each, "caption": captions.get(n, f"{each}.")} for n, each in enumerate(titles)],
        "note": "Press a button on Sanne's phone, or write to the webcare desk yourself.",
    }  # fmt: skip


def day() -> list[Json]:
    return [sanne(), family(), mila(), yusuf(), daan()]
