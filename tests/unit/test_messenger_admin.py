"""Meta's answers about a Page, read; and what a Page is found to be able to do by them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from connectors.messenger.admin import WEBHOOK_FIELDS, MessengerAdmin
from connectors.messenger.capabilities import MessengerProbe
from connectors.messenger.refusals import meaning
from connectors.meta.graph import Graph, NotSent
from connectors.meta.management import refusal
from connectors.whatsapp.admin import WhatsAppAdmin
from connectors.whatsapp.capabilities import WhatsAppProbe
from gateway.connector import RawResponse, RenderedRequest, Sender
from gateway.model.account import Refused, Screen, Why
from gateway.model.capability import Capability, Findings
from gateway.model.ids import SenderId
from gateway.model.personal import Secret

SAMPLES = Path(__file__).parents[1] / "samples" / "messenger"
PAGE, APP = "108234561237890", "1729384756012345"
SENDER = Sender(SenderId("page"), "messenger", "zz", {"page_id": PAGE}, PAGE, Secret("a-token"))
Answers = Mapping[str, Any]


def recorded(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text())["response"]["body"]


class Wire:
    """Stands where `Graph` stands: answers by what the path holds, and keeps what was asked."""

    def __init__(self, **answers: Any) -> None:
        self.answers = {**answers, **{path: answer for path, answer in WELL.items() if path not in answers}}
        self.asked: list[RenderedRequest] = []
        self.closed = False

    async def send(self, request: RenderedRequest) -> RawResponse:
        self.asked.append(request)
        answer = next((found for words, found in self.answers.items() if words in request.path), {})
        if isinstance(answer, BaseException):
            raise answer
        return RawResponse(400 if "error" in answer else 200, {}, json.dumps(answer).encode())

    async def close(self) -> None:
        self.closed = True


WELL: dict[str, Any] = {
    "debug_token": recorded("api-debug-token"),
    "message_templates": {"data": [{"name": "a", "status": "APPROVED"}, {"name": "b", "status": "PENDING"}]},
    "messaging_feature_review": {"data": [{"feature": "Human Agent", "status": "approved"}]},
    "messaging_feature_status": {"messaging_feature_status": {"hop_v2": True, "msgr_multi_app": False}},
    "secondary_receivers": {"data": []},
    "subscribed_apps": {"data": [{"id": APP, "name": "Ours", "subscribed_fields": list(WEBHOOK_FIELDS)}]},
    "messenger_profile": recorded("api-profile-get"),
    "fields=id,name,username": {"id": PAGE, "name": "Lindental Rail", "username": "lindentalrail"},
}


def admin(wire: Wire) -> MessengerAdmin:
    return MessengerAdmin(cast(Graph, wire), "v25.0", app_id=APP, app_secret=Secret("a-secret"), token=Secret("a-token"))


async def ask(**answers: Any) -> Findings:
    wire = Wire(**answers)
    found = await MessengerProbe(lambda sender: admin(wire), now_ms=lambda: 7).ask(SENDER)
    assert wire.closed
    return found


async def test_a_page_where_all_is_well_is_able_to_do_all_that_can_be_asked() -> None:
    found = await ask()
    able = {what: found.able(what) for what in Capability}
    assert able == {
        Capability.TEMPLATES: True,
        Capability.PERSON_WINDOW: True,
        Capability.IN_CONTROL: True,
        Capability.NO_MACHINE_ELSEWHERE: None,  # Meta does not tell
        Capability.WAY_IN: True,
    }
    assert {one.at_ms for one in found.found.values()} == {7}
    assert found.details == {"name": "Lindental Rail", "username": "lindentalrail", "european": "yes"}


NOTHING: dict[str, Any] = {"data": []}
PERMISSION = recorded("error-permission-10")


def scopes(*names: str) -> Any:
    return {"data": {"is_valid": True, "app_id": APP, "scopes": list(names)}}


@pytest.mark.parametrize(
    ("what", "answers", "able", "why"),
    [
        (Capability.TEMPLATES, {"debug_token": scopes("pages_messaging")}, False, "pages_utility_messaging"),
        (Capability.TEMPLATES, {"message_templates": PERMISSION}, False, "pages_utility_messaging permission"),
        (Capability.TEMPLATES, {"message_templates": NOTHING}, None, "none is approved yet"),
        (Capability.PERSON_WINDOW, {"messaging_feature_review": NOTHING}, None, "not on the channel's list"),
        (
            Capability.PERSON_WINDOW,
            {"messaging_feature_review": {"data": [{"feature": "human_agent", "status": "REJECTED"}]}},
            False,
            "rejected",
        ),
        (Capability.PERSON_WINDOW, {"messaging_feature_review": PERMISSION}, None, "refuses to say"),
        (
            Capability.IN_CONTROL,
            {"secondary_receivers": recorded("error-thread-control-10-2018300")},
            False,
            "another app is the default",
        ),
        (Capability.IN_CONTROL, {"secondary_receivers": PERMISSION}, None, "does not say"),
        (
            Capability.IN_CONTROL,
            {"messaging_feature_status": {"messaging_feature_status": {"hop_v2": False}}},
            True,
            "no other app",
        ),
        (
            Capability.NO_MACHINE_ELSEWHERE,
            {"subscribed_apps": {"data": [{"id": APP}, {"id": "5", "name": "Chatty"}]}},
            None,
            "Chatty",
        ),
        (
            Capability.NO_MACHINE_ELSEWHERE,
            {"secondary_receivers": {"data": [{"id": "263902037430900"}, {"id": "9", "name": "Helpful"}]}},
            False,
            "Helpful may take",
        ),
        (Capability.WAY_IN, {"messenger_profile": NOTHING}, False, "Get Started is not set"),
        (
            Capability.WAY_IN,
            {"messenger_profile": {"data": [{"get_started": {"payload": "G"}, "ice_breakers": [{"question": "Late?"}]}]}},
            False,
            "opening questions",
        ),
    ],
)
async def test_each_lack_is_found_with_its_reason(
    what: Capability, answers: Answers, able: bool | None, why: str
) -> None:
    found = (await ask(**answers)).found[what]
    assert found.able is able
    assert why in found.why


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("message_templates", Capability.TEMPLATES),
        ("messaging_feature_review", Capability.PERSON_WINDOW),
        ("messaging_feature_status", Capability.IN_CONTROL),
        ("subscribed_apps", Capability.NO_MACHINE_ELSEWHERE),
        ("messenger_profile", Capability.WAY_IN),
    ],
)
async def test_silence_about_one_thing_leaves_what_is_known_of_it(path: str, what: Capability) -> None:
    found = await ask(**{path: NotSent("no byte left")})
    assert set(Capability) - set(found.found) == {what}


async def test_a_numbers_capabilities_are_its_channels_nature_and_its_own_settings() -> None:
    number = Sender(SenderId("n"), "whatsapp", "zz", {"phone_number_id": "1", "number": "+12025550123"}, "", Secret("t"))

    def opened(wire: Wire) -> Callable[[Sender], WhatsAppAdmin]:
        graph = cast(Graph, wire)
        return lambda sender: WhatsAppAdmin(graph, "v25.0", app_id=APP, app_secret=Secret("s"), token=sender.token)

    well = Wire(debug_token=scopes("whatsapp_business_messaging"), phone={"id": "1", "verified_name": "Polderwind Air"})
    found = await WhatsAppProbe(opened(well)).ask(number)
    assert (found.able(Capability.TEMPLATES), found.able(Capability.PERSON_WINDOW)) == (True, False)
    assert (found.able(Capability.IN_CONTROL), found.able(Capability.WAY_IN)) == (True, True)
    lacking = await WhatsAppProbe(opened(Wire(debug_token=scopes("whatsapp_business_management")))).ask(number)
    assert lacking.able(Capability.TEMPLATES) is False
    nameless = Sender(number.id, number.channel, number.brand, {"phone_number_id": "1"}, "", number.token)
    assert (await WhatsAppProbe(opened(well)).ask(nameless)).able(Capability.WAY_IN) is False


# the door


async def test_our_fields_are_ours_and_other_apps_have_names() -> None:
    told = {"subscribed_fields": ["messages"]}
    apps = {"data": [{"id": "5", "name": "Chatty", **told}, {"id": APP, **told}]}
    report = await admin(Wire(subscribed_apps=apps)).subscribers(PAGE)
    assert not isinstance(report, Refused)
    assert (report.apps, report.others, report.fields) == (("5", APP), ("Chatty",), frozenset({"messages"}))
    assert "message_echoes" in report.missing


async def test_the_page_is_asked_for_the_fields_that_we_act_on() -> None:
    wire = Wire(subscribed_apps=recorded("api-subscribe-page"))
    assert await admin(wire).subscribe(PAGE) is None
    assert wire.asked[-1].path.endswith(f"/{PAGE}/subscribed_apps?subscribed_fields={','.join(WEBHOOK_FIELDS)}")


async def test_the_pages_token_comes_with_the_page_and_is_masked() -> None:
    listed = {"data": [{"id": PAGE, "name": "Lindental Rail", "access_token": "EAApagetoken"}]}
    found = await admin(Wire(**{"me/accounts": listed})).pages()
    assert not isinstance(found, Refused)
    (page,) = found
    assert page.token is not None
    assert page.token.reveal() == "EAApagetoken"
    assert "EAApagetoken" not in repr(page)


async def test_a_pages_own_token_finds_its_page_and_a_persons_finds_none() -> None:
    me = {"id": PAGE, "name": "Lindental Rail"}
    found = await admin(Wire(**{"me/accounts": {"error": {"code": 100, "message": "no such edge"}}, "/me?": me})).pages()
    assert not isinstance(found, Refused)
    assert [page.id for page in found] == [PAGE]
    person = {"id": "122101234567890123", "name": "Noor"}
    assert await admin(Wire(**{"me/accounts": NOTHING, "/me?": person})).pages() == ()


async def test_the_first_screen_is_set_in_metas_shape_and_read_back() -> None:
    wire = Wire(messenger_profile={"result": "success"})
    wish = Screen(get_started="start", greeting="Hello", menu=(("Talk to a person", "person"), ("Site", "https://a.example")))
    assert await admin(wire).set_screen(PAGE, wish) is None
    body = wire.asked[-1].body
    assert body is not None
    read = await admin(Wire(messenger_profile={"data": [dict(body)]})).screen(PAGE)
    assert read == wish
    assert await admin(wire).set_screen(PAGE, Screen()) is None
    assert len(wire.asked) == 1  # nothing wished, nothing asked
    sample = json.loads((SAMPLES / "api-profile-set.json").read_text())["request"]["body"]
    full = await admin(Wire(messenger_profile={"data": [sample]})).screen(PAGE)
    assert not isinstance(full, Refused)
    assert (full.openers[0], full.menu[0]) == ("Is my train on time?", ("Talk to a person", "MENU_HUMAN"))


@pytest.mark.parametrize(
    ("sample", "why"),
    [
        ("error-token-190", Why.TOKEN),
        ("error-token-expired-190-463", Why.TOKEN),
        ("error-permission-10", Why.PERMISSION),
        ("error-not-live-200-2018028", Why.PERMISSION),
        ("error-object-100-33", Why.MISSING),
        ("error-no-user-100-2018001", Why.MISSING),
        ("error-page-restricted-10-1893063", Why.RESTRICTED),
        ("error-policy-368", Why.RESTRICTED),
        ("error-utility-buttons-100-1893029", Why.TEMPLATE),
        ("error-messenger-buc-80006", Why.BUSY),
        ("error-internal-minus-one", Why.BUSY),
    ],
)
def test_a_recorded_refusal_says_why_and_how_it_is_mended(sample: str, why: Why) -> None:
    refused = refusal(RawResponse(400, {}, json.dumps(recorded(sample)).encode()), meaning)
    assert refused is not None
    assert refused.why is why
    assert refused.mend
