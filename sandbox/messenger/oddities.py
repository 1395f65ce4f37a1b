"""What people do beside talking: plugins on a website, ads, appointments, account linking, thumbs under an answer."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.control.problem import Problem
from sandbox.messenger.chat import Chat, Said
from sandbox.messenger.world import keep_token
from sandbox.store import Json

_FAR_MS = 4_102_444_800_000  # 1 January 2100: tokens of notification messages do not end
_STATES = ("requested", "confirmed", "declined", "cancelled")


def _optin(chat: Chat) -> Said:
    """``kind``: plugin, checkbox (names no sender), one_time, notification, notification_stopped."""
    asked = chat.object_of("optin")
    kind, ref = asked.get("kind", "plugin"), str(asked.get("ref", ""))
    payload, token = str(asked.get("payload", "")), chat.world.ids.hex_lower(32)
    if kind == "plugin":
        return Said("messaging_optins", {"optin": {"ref": ref}})
    if kind == "checkbox":
        optin: Json = {"ref": ref, "user_ref": str(asked.get("user_ref", ""))}
        if optin["user_ref"]:
            _left(chat, "user_ref", optin["user_ref"])
        return Said("messaging_optins", {"optin": optin}, acts=False, nobody=True)
    if kind == "one_time":
        optin = {"type": "one_time_notif_req", "payload": payload, "one_time_notif_token": token}
        _left(chat, "one_time_notif_token", token)
        return Said("messaging_optins", {"optin": optin}, acts=False)
    if kind not in ("notification", "notification_stopped"):
        raise Problem(400, "optin.kind must be plugin, checkbox, one_time, notification or notification_stopped")
    optin = {"type": "notification_messages", "payload": payload, "notification_messages_token": token,
             "notification_messages_timezone": chat.handset["timezone"], "token_expiry_timestamp": _FAR_MS,
             "user_token_status": "NOT_REFRESHED"}
    _left(chat, "notification_messages_token", token, stopped=kind == "notification_stopped")
    if kind == "notification_stopped":
        optin["notification_messages_status"] = "STOP_NOTIFICATIONS"
    optin["title"] = str(asked.get("title", ""))
    return Said("messaging_optins", {"optin": optin}, acts=False)


def _left(chat: Chat, kind: str, token: str, **facts: bool) -> None:
    """The person has left a way to be written to: a send may name this token as its recipient."""
    keep_token(chat.world, chat.page["id"], kind, token, chat.handset["address"], **facts)


def _account_linking(chat: Chat) -> Said:
    status = chat.body["account_linking"]
    if status not in ("linked", "unlinked"):
        raise Problem(400, "account_linking must be 'linked' or 'unlinked'")
    told: Json = {"status": status}
    if status == "linked":
        told["authorization_code"] = "ac_" + chat.world.ids.hex_lower(8)
    return Said("messaging_account_linking", {"account_linking": told}, acts=False)


def _feedback(chat: Chat) -> Said:
    """The customer feedback template filled in: {question, score, words?}."""
    asked = chat.object_of("feedback")
    answer: Json = {"type": str(asked.get("type", "csat")), "payload": str(asked.get("score", ""))}
    if asked.get("words"):
        answer["follow_up"] = {"type": "free_form", "payload": str(asked["words"])}
    screens = [{"screen_id": 0, "questions": {str(asked.get("question", "question")): answer}}]
    return Said("messaging_feedback", {"messaging_feedback": {"feedback_screens": screens}}, acts=False)


def _response_feedback(chat: Chat) -> Said:
    """The thumbs under an automatic answer."""
    source, asked = chat.bubble_of("response_feedback", "received")
    word = "Good response" if asked.get("good") else "Bad response"
    return Said("response_feedback", {"response_feedback": {"feedback": word, "mid": source["id"]}}, acts=False)


def _appointment(chat: Chat) -> Said:
    asked = chat.object_of("appointment")
    if asked.get("status") not in _STATES or not all(isinstance(asked.get(key), int) for key in ("start_time", "end_time")):
        raise Problem(400, f"appointment must be {{status: {' | '.join(_STATES)}, start_time, end_time (s), timezone?}}")
    payload = {"booking_id": str(asked.get("booking_id") or chat.world.ids.decimal(16)), "status": asked["status"],
               "start_time": asked["start_time"], "end_time": asked["end_time"],
               "timezone": str(asked.get("timezone") or chat.handset["timezone"])}
    return chat.message({"attachments": [{"type": "appointment_booking", "payload": payload}]},
                        {"type": "appointment", "body": f"Appointment: {asked['status']}"})


def _ad(chat: Chat) -> Said:
    """An ad was tapped: a referral into the chat, or, with ``text``, the first words written from it."""
    asked = chat.object_of("ad")
    context: Json = {"ad_title": str(asked.get("title", "")), "photo_url": str(asked.get("photo_url") or f"{chat.base}/ad.jpg"),
                     "post_id": f"{chat.page['id']}_{chat.world.ids.decimal(16)}"}
    referral: Json = {"ref": str(asked.get("ref", "")), "ad_id": str(asked.get("ad_id") or chat.world.ids.decimal(18)),
                      "source": "ADS", "type": "OPEN_THREAD", "ads_context_data": context}
    if not asked.get("text"):
        return Said("messaging_referrals", {"referral": referral})
    context["flow_id"] = chat.world.ids.decimal(16)
    text = str(asked["text"])
    return chat.message({"text": text, "referral": referral}, {"type": "text", "body": text})


SAYERS: dict[str, Callable[[Chat], Said]] = {
    "optin": _optin, "account_linking": _account_linking, "feedback": _feedback, "response_feedback": _response_feedback,
    "appointment": _appointment, "ad": _ad}
