"""The JSON Schema of every answer of the internal API; tests hold real answers against them."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
MAYBE: Schema = {"type": ["string", "null"]}
WHEN: Schema = {"type": ["string", "null"], "format": "date-time"}
FLAG: Schema = {"type": "boolean"}
NUMBER: Schema = {"type": "integer"}


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def many(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def thing(properties: Schema, *, optional: tuple[str, ...] = (), about: str = "") -> Schema:
    """An object of which nothing is left out but `optional`, and nothing else is in it."""
    schema: Schema = {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }
    return {**schema, "description": about} if about else schema


_CONSENT = {"purpose": TEXT, "channel": TEXT, "brand": TEXT, "granted": FLAG, "at": WHEN}
_ENTRY = {**_CONSENT, "how": TEXT, "wording": MAYBE, "evidence": MAYBE}
_FIELD = thing({"field": TEXT, "message": TEXT})
_IDENTIFIER = thing({"kind": TEXT, "value": MAYBE})

_COUNTED = thing({"notification": TEXT, "channel": MAYBE, "reason": TEXT, "sentence": TEXT, "count": NUMBER})

FIGURE: Schema = {"type": ["number", "null"]}
_MEASURES = {
    "began": NUMBER,
    "answered": NUMBER,
    "within": NUMBER,
    "abandoned": NUMBER,
    "waiting": NUMBER,
    "service_level": FIGURE,
    "asa_s": FIGURE,
    "longest_s": FIGURE,
    "resolved": NUMBER,
    "hand_over_rate": FIGURE,
    "reopen_rate": FIGURE,
    "resolved_by_automation": NUMBER,
}

_INVITATION = {
    "id": TEXT,
    "state": {"enum": ["open", "claimed", "bound", "expired", "revoked"]},
    "origin": TEXT,
    "reason": TEXT,
    "brand": TEXT,
    "language": TEXT,
    "channels": many(TEXT),
    "proof": TEXT,
    "consents": many(thing({"purpose": TEXT, "wording": TEXT})),
    "made_at": WHEN,
    "valid_until": WHEN,
    "claimed_at": WHEN,
    "bound_at": WHEN,
    "revoked_at": WHEN,
    "contact": MAYBE,
    "address": MAYBE,
}

_CRISIS = {
    "subject": TEXT,
    "said": TEXT,
    "queue": TEXT,
    "since": WHEN,
    "who": TEXT,
    "why": TEXT,
    "asked": {"anyOf": [thing({"who": TEXT, "why": TEXT, "at": WHEN}), {"type": "null"}]},
}

_FUSE = {
    "event": TEXT,
    "subject": TEXT,
    "notifications": many(TEXT),
    "people": NUMBER,
    "told": NUMBER,
    "why": {"enum": ["number", "unusual"]},
    "limit": NUMBER,
    "state": {"enum": ["held", "part", "released", "discarded"]},
    "since": WHEN,
    "by": MAYBE,
    "asked": {
        "anyOf": [thing({"who": TEXT, "why": TEXT, "at": WHEN, "people": {"type": ["integer", "null"]}}), {"type": "null"}]
    },
}

_PAGE = thing(
    {
        "id": TEXT,
        "kind": MAYBE,
        "state": {"enum": ["valid", "replaced", "ended", "erased"]},
        "ends_at": WHEN,
        "open_on_a_device": FLAG,
        "wrong_answers": NUMBER,
    }
)

_SHARE = {"type": "number", "minimum": 0, "maximum": 100}
_ROLLOUT = {
    "name": TEXT,
    "about": {"type": "object"},
    "share": _SHARE,
    "holdOut": _SHARE,
    "state": {"enum": ["running", "held", "stopped"]},
    "stages": many(thing({"share": _SHARE, "hours": {"type": "number"}, "people": NUMBER})),
    "next": {"type": ["number", "null"]},
    "limits": thing({"failed": _SHARE, "optedOut": _SHARE, "least": NUMBER}),
    "began": WHEN,
    "since": WHEN,
    "revision": NUMBER,
    "who": TEXT,
    "why": TEXT,
}

ANSWERS: dict[str, Schema] = {
    "Problem": {
        "type": "object",
        "description": "RFC 9457. `code` is for programs; `problems` name each field and what it should be.",
        "properties": {
            "type": TEXT,
            "title": TEXT,
            "status": NUMBER,
            "code": TEXT,
            "detail": TEXT,
            "problems": many(_FIELD),
            "refused": many(ref("RefusedEvent")),
        },
        "required": ["type", "title", "status", "code", "detail"],
    },
    "RefusedEvent": thing({"index": NUMBER, "status": NUMBER, "code": TEXT, "problems": many(_FIELD)}),
    "EventTaken": thing(
        {
            "index": NUMBER,
            "event": TEXT,
            "subject": TEXT,
            "answer": {"enum": ["new", "same"]},
            "type": TEXT,
            "notifications": many(TEXT),
        },
        optional=("index", "type", "notifications"),
        about="event and subject: our ids, for trace and /v1/subscriptions. same: known before, it counts once.",
    ),
    "EventsTaken": {
        "anyOf": [
            ref("EventTaken"),
            thing({"events": many(ref("EventTaken")), "refused": many(ref("RefusedEvent"))}),
        ],
        "description": "One event is answered with itself, a batch with a list; index is the place in the batch.",
    },
    "DryRun": thing(
        {
            "event": TEXT,
            "subject": TEXT,
            "answer": {"enum": ["new", "same", "other", "older"]},
            "people": NUMBER,
            "looked_at": NUMBER,
            "messages": many(thing({"notification": TEXT, "channel": TEXT, "language": TEXT, "form": TEXT, "count": NUMBER})),
            "later": many(_COUNTED),
            "last_due_at": WHEN,
            "not_sent": many(_COUNTED),
            "takes_out": NUMBER,
            "moments": many(thing({"subject": TEXT, "moment": TEXT, "at": WHEN, "was": WHEN})),
            "price": many(thing({"currency": MAYBE, "amount": TEXT, "unknown": NUMBER})),
            "seconds": {"type": ["number", "null"]},
            "fuse": MAYBE,
            "examples": many(
                thing(
                    {
                        "notification": TEXT,
                        "channel": TEXT,
                        "language": TEXT,
                        "as": TEXT,
                        "to": many(_IDENTIFIER),
                        "text": TEXT,
                        "buttons": many(TEXT),
                    }
                )
            ),
            "masked": FLAG,
        },
        optional=("fuse",),
        about="form: `text` for free text, else the template. seconds: at the present pace, null while a sender is paused.",
    ),
    "Consent": thing(_CONSENT),
    "ConsentEntry": thing(_ENTRY, about="One line of the ledger."),
    "Contact": thing(
        {
            "id": TEXT,
            "version": NUMBER,
            "name": MAYBE,
            "language": MAYBE,
            "timezone": MAYBE,
            "channels": many(TEXT),
            "addresses": many(ref("Address")),
            "travellers": many(thing({"given_name": MAYBE, "family_name": MAYBE, "customer": MAYBE, "addresses": many(TEXT)})),
            "orders": many(
                thing(
                    {
                        "subject": TEXT,
                        "number": MAYBE,
                        "kind": TEXT,
                        "brand": TEXT,
                        "role": TEXT,
                        "follows": many(TEXT),
                        "until": WHEN,
                    }
                )
            ),
            "consents": many(ref("Consent")),
            "masked": FLAG,
        }
    ),
    "Address": thing(
        {
            "id": TEXT,
            "channel": TEXT,
            "identifiers": many(_IDENTIFIER),
            "given_by": TEXT,
            "proof": MAYBE,
            "proof_at": WHEN,
            "not_me_at": WHEN,
            "unreachable": FLAG,
            "last_wrote_at": WHEN,
        }
    ),
    "ContactsFound": thing({"contacts": many(ref("Contact"))}),
    "Erased": thing(
        {
            "contact": TEXT,
            "messages_withdrawn": NUMBER,
            "conversations_destroyed": NUMBER,
            "addresses_forgotten": NUMBER,
        }
    ),
    "Export": thing(
        {
            "exported_at": WHEN,
            "contact": ref("Contact"),
            "consent_ledger": many(ref("ConsentEntry")),
            "subscriptions": many(ref("Subscription")),
            "messages": many(ref("Message")),
            "documents": many(thing({"id": TEXT, "paper": {"type": "object"}})),
            "conversations": many(
                thing(
                    {
                        "id": TEXT,
                        "brand": TEXT,
                        "opened_at": WHEN,
                        "resolved_at": WHEN,
                        "entries": many(thing({"at": WHEN, "kind": TEXT, "text": TEXT})),
                    }
                )
            ),
            "touches": many({"type": "object"}),
            "not_included": many(TEXT),
        }
    ),
    "Measures": thing(
        {
            "definition": NUMBER,
            "from": WHEN,
            "to": WHEN,
            "within_s": NUMBER,
            "goals": thing({"service_level": FIGURE, "hand_over_rate": FIGURE}),
            "all": thing(_MEASURES),
            "rows": many(thing({"brand": TEXT, "queue": TEXT, "from": WHEN, **_MEASURES}, optional=("from",))),
        }
    ),
    "TouchesSet": thing({"answers": many({"enum": ["added", "known", "differs"]})}),
    "Timeline": thing(
        {
            "items": many(
                thing(
                    {
                        "at": WHEN,
                        "kind": TEXT,
                        "id": TEXT,
                        "brand": MAYBE,
                        "direction": {"enum": ["in", "out"]},
                        "state": MAYBE,
                        "reason": MAYBE,
                        "agent": MAYBE,
                        "queue": MAYBE,
                        "notification": MAYBE,
                        "transfers": NUMBER,
                        "reopened": NUMBER,
                        "complaint": {"type": "boolean"},
                        "subject": MAYBE,
                        "summary": MAYBE,
                        "by": MAYBE,
                    }
                )
            ),
            "next": MAYBE,
            "been_through": ref("BeenThrough"),
        },
        optional=("been_through",),
    ),
    "Audit": thing(
        {
            "entries": many(
                thing(
                    {
                        "at": WHEN,
                        "what": TEXT,
                        "agent": MAYBE,
                        "about": many(TEXT),
                        "detail": {"type": "object", "additionalProperties": TEXT},
                    }
                )
            ),
            "next": MAYBE,
        }
    ),
    "BeenThrough": thing(
        {
            name: thing({"count": NUMBER, "last": WHEN})
            for name in ("delays", "cancellations", "failed_deliveries", "undelivered_messages", "reopened", "complaints")
        }
    ),
    "Consents": thing({"consents": many(ref("Consent")), "ledger": many(ref("ConsentEntry"))}),
    "ConsentsSet": thing({"answers": many({"enum": ["applied", "older"]}), "consents": many(ref("Consent"))}),
    "ProofsSet": thing({"answers": many({"enum": ["applied", "older"]}), "addresses": many(ref("Address"))}),
    "Pages": thing({"pages": many(_PAGE)}),
    "PageUnbound": thing({"answer": {"enum": ["unbound", "same"]}}),
    "Subscription": thing({"subject": TEXT, "orders": many(TEXT), "until": WHEN}),
    "Subscriptions": thing({"subscriptions": many(ref("Subscription"))}),
    "SubscriptionsSet": thing(
        {"subscriptions": many(thing({"subject": TEXT, "answer": {"enum": ["added", "changed", "same"]}}))}
    ),
    "Subscribers": thing({"subject": TEXT, "contacts": many(TEXT), "after": MAYBE}),
    "Message": thing(
        {
            "id": TEXT,
            "state": TEXT,
            "reason": MAYBE,
            "sentence": MAYBE,
            "status": TEXT,
            "status_at": WHEN,
            "notification": TEXT,
            "priority": TEXT,
            "event": MAYBE,
            "subject": MAYBE,
            "contact": TEXT,
            "address": MAYBE,
            "conversation": MAYBE,
            "sender": MAYBE,
            "attempts": NUMBER,
            "planned_at": WHEN,
            "due_at": WHEN,
            "expires_at": WHEN,
            "channel": MAYBE,
            "language": MAYBE,
            "sent_as": MAYBE,
            "text": TEXT,
            "buttons": many(MAYBE),
            "to": many(_IDENTIFIER),
        },
        optional=("channel", "language", "sent_as", "text", "buttons", "to"),
        about="state: queued, accepted, failed, suppressed, replaced, ended, expired, dead; status: the channel's word.",
    ),
    "Messages": thing({"messages": many(ref("Message"))}),
    "Invitation": thing(_INVITATION, about="Never its token, its code, or for whom it is."),
    "InvitationMade": thing(
        {
            **_INVITATION,
            "link": MAYBE,
            "links": many(thing({"channel": TEXT, "url": TEXT})),
            "code": TEXT,
            "qr": thing({"of": TEXT, "svg": TEXT, "png": TEXT}),
        },
        about="link: our page with all channels (needs GATEWAY_PUBLIC_URL); code: for people; qr: as SVG and as a PNG data URL.",
    ),
    "Said": thing(
        {
            "people": NUMBER,
            "sent": NUMBER,
            "had_it": NUMBER,
            "not_sent": NUMBER,
            "done": FLAG,
            "messages": many(thing({"channel": TEXT, "language": TEXT, "what": TEXT, "count": NUMBER})),
        },
        about="what: `text`, the template, `before`, or the reason for not sending. done: false after a dry run.",
    ),
    "EventUnderway": thing(
        {
            "event": TEXT,
            "state": TEXT,
            "people": NUMBER,
            "done": NUMBER,
            "per_second": {"type": "number"},
            "seconds_left": {"type": ["integer", "null"]},
        },
        about="people: who follows what it is about; done: looked at so far. seconds_left: at the pace so far.",
    ),
    "Fuses": thing({"fuses": many(ref("Fuse"))}),
    "Fuse": thing(_FUSE, about="told: people of a part so far; asked: the first of two."),
    "FuseRelease": thing({**_FUSE, "released": FLAG}),
    "Crises": thing({"crises": many(ref("Crisis"))}),
    "Crisis": thing(_CRISIS, about="who: the name of the key or person; asked: who asked to lift it."),
    "CrisisLift": thing({**_CRISIS, "lifted": FLAG}),
    "Rollouts": thing({"rollouts": many(ref("Rollout"))}),
    "Rollout": thing(_ROLLOUT, about="Shares in percent. state: running, held, stopped; next: the next stage's share."),
    "RolloutMoved": thing({**_ROLLOUT, "ended": FLAG}),
    "Families": thing({"subject": TEXT, "families": many(ref("Family")), "more": FLAG, "most": NUMBER}),
    "Family": thing(
        {
            "id": TEXT,
            "state": {"enum": ["lasts", "ending", "ended"]},
            "ended": WHEN,
            "why": MAYBE,
            "door": {"enum": ["open", "closed", "too_many"]},
            "order": MAYBE,
            "traveller": MAYBE,
            "brand": MAYBE,
            "language": MAYBE,
            "made": WHEN,
            "until": WHEN,
            "next_look": WHEN,
            "link": NUMBER,
            "places": NUMBER,
            "count": NUMBER,
            "taken_out": NUMBER,
            "group": FLAG,
            "follows": many(TEXT),
            "members": many(
                thing({"contact": TEXT, "channel": TEXT, "joined": WHEN, "reached": FLAG, "name": MAYBE, "to": many(TEXT)})
            ),
            "masked": FLAG,
        },
        about=(
            "until: when the journey is over, as far as is known. link: the number of its link, higher with each new one. "
            "group: whether the traveller shared the link of a group of their own. name, to: with reveal alone."
        ),
    ),
    "Keys": thing(
        {
            "keys": many(
                thing(
                    {
                        "name": TEXT,
                        "scopes": many(TEXT),
                        "sources": many(TEXT),
                        "types": many(TEXT),
                        "rights": many(TEXT),
                        "brands": many(TEXT),
                        "made_at": WHEN,
                    }
                )
            )
        }
    ),
    "KeyMade": thing({"name": TEXT, "key": TEXT}),
}
