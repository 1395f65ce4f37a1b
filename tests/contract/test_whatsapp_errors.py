"""Every error-* sample, and every code of Meta's list, with what we make of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.meta.errors import UNKNOWN, WHATSAPP
from connectors.meta.graph import AnswerLost, AnswerTooLarge, NotSent
from gateway.connector import Outcome, RawResponse, Scope
from gateway.errors import BadInput, CannotRender, Problem
from tests.contract.whatsapp_samples import CONNECTOR, answer, names, sample

MINUTE, HOUR = 60_000, 3_600_000
MESSAGE, PAIR, SENDER, ACCOUNT, APP = Scope.MESSAGE, Scope.PAIR, Scope.SENDER, Scope.ACCOUNT, Scope.APP

# name, Outcome, retry_after_ms, retries, scope, what else it tells
ERRORS: list[tuple[str, Outcome, int | None, int | None, Scope, set[str]]] = [
    ("error-0-auth-exception", Outcome.SENDER_PAUSED, None, None, SENDER, set()),
    ("error-1-unknown", Outcome.RETRY, None, 2, MESSAGE, set()),
    ("error-2-service-unavailable", Outcome.RETRY, None, None, MESSAGE, set()),
    ("error-3-capability", Outcome.REJECTED, None, 0, MESSAGE, set()),
    ("error-4-app-rate-limit", Outcome.THROTTLED, None, None, APP, set()),
    ("error-10-permission", Outcome.SENDER_PAUSED, None, None, SENDER, set()),
    ("error-100-2388024-template-exists", Outcome.REJECTED, None, 0, MESSAGE, set()),
    ("error-100-2388299-variable-at-edge", Outcome.REJECTED, None, 0, MESSAGE, set()),
    ("error-100-33-object-missing", Outcome.SENDER_PAUSED, None, None, SENDER, set()),
    ("error-100-body-too-long", Outcome.REJECTED, None, 0, MESSAGE, set()),
    ("error-100-unknown-parameter", Outcome.REJECTED, None, 0, MESSAGE, set()),
    ("error-104-token-missing", Outcome.SENDER_PAUSED, None, None, SENDER, set()),
    ("error-190-token-expired", Outcome.SENDER_PAUSED, None, None, SENDER, set()),
    ("error-190-token-malformed", Outcome.SENDER_PAUSED, None, None, SENDER, set()),
    ("error-200-permission", Outcome.SENDER_PAUSED, None, None, SENDER, set()),
    ("error-368-policy", Outcome.SENDER_PAUSED, None, None, ACCOUNT, set()),
    ("error-80007-waba-rate-limit", Outcome.THROTTLED, None, None, ACCOUNT, set()),
    ("error-130429-throughput", Outcome.THROTTLED, None, None, SENDER, set()),
    ("error-130497-country", Outcome.REJECTED, None, 0, MESSAGE, set()),
    ("error-131000-unknown", Outcome.RETRY, None, 3, MESSAGE, set()),
    ("error-131008-missing-parameter", Outcome.REJECTED, None, 0, MESSAGE, set()),
    ("error-131009-invalid-value", Outcome.REJECTED, None, 0, MESSAGE, set()),
    ("error-131016-unavailable", Outcome.RETRY, None, None, MESSAGE, set()),
    ("error-131021-self", Outcome.REJECTED, None, 0, MESSAGE, set()),
    ("error-131026-undeliverable", Outcome.UNREACHABLE, None, 0, MESSAGE, set()),
    ("error-131030-not-in-allowed-list", Outcome.REJECTED, None, 0, MESSAGE, set()),
    ("error-131031-account-locked", Outcome.SENDER_PAUSED, None, None, ACCOUNT, set()),
    ("error-131037-display-name", Outcome.SENDER_PAUSED, None, None, SENDER, set()),
    ("error-131041-group-unknown", Outcome.REJECTED, None, 0, MESSAGE, set()),
    ("error-131042-payment", Outcome.SENDER_PAUSED, None, None, ACCOUNT, set()),
    ("error-131045-certificate", Outcome.SENDER_PAUSED, None, None, SENDER, set()),
    ("error-131047-window-closed", Outcome.REJECTED, None, 0, MESSAGE, {"window_closed"}),
    ("error-131048-spam", Outcome.SENDER_PAUSED, HOUR, None, SENDER, set()),
    ("error-131051-unsupported-type", Outcome.REJECTED, None, 0, MESSAGE, set()),
    ("error-131053-media", Outcome.RETRY, None, 1, MESSAGE, {"media_problem"}),
    ("error-131056-pair-rate-limit", Outcome.THROTTLED, None, None, PAIR, set()),
    ("error-131057-maintenance", Outcome.THROTTLED, MINUTE, None, SENDER, set()),
    ("error-131062-bsuid-not-supported", Outcome.REJECTED, None, 0, MESSAGE, set()),
    ("error-131063-marketing-disabled", Outcome.REJECTED, None, 0, MESSAGE, {"template_problem"}),
    ("error-131064-misclassified", Outcome.SENDER_PAUSED, None, None, ACCOUNT, {"template_problem"}),
    ("error-131208-group-rate-limit", Outcome.THROTTLED, None, None, SENDER, set()),
    ("error-131215-groups-not-eligible", Outcome.REJECTED, None, 0, MESSAGE, set()),
    ("error-132000-param-count", Outcome.REJECTED, None, 0, MESSAGE, {"template_problem"}),
    ("error-132001-template-missing", Outcome.REJECTED, None, 0, MESSAGE, {"template_problem"}),
    ("error-132005-too-long", Outcome.REJECTED, None, 0, MESSAGE, set()),
    ("error-132007-policy", Outcome.REJECTED, None, 0, MESSAGE, set()),
    ("error-132012-param-format", Outcome.REJECTED, None, 0, MESSAGE, {"template_problem"}),
    ("error-132015-paused", Outcome.REJECTED, None, 0, MESSAGE, {"template_problem"}),
    ("error-132016-disabled", Outcome.REJECTED, None, 0, MESSAGE, {"template_problem"}),
    ("error-132018-param-content", Outcome.REJECTED, None, 0, MESSAGE, set()),
    ("error-132069-flow-throttled", Outcome.RETRY, HOUR, None, MESSAGE, set()),
    ("error-133010-not-registered", Outcome.SENDER_PAUSED, None, None, SENDER, set()),
    ("error-137000-identity-mismatch", Outcome.REJECTED, None, 0, MESSAGE, set()),
    ("error-html-502", Outcome.UNCERTAIN, None, None, MESSAGE, set()),
]


def flags(result: object) -> set[str]:
    return {name for name in ("template_problem", "media_problem", "window_closed", "held") if getattr(result, name)}


def test_every_error_sample_is_in_the_table() -> None:
    assert sorted(row[0] for row in ERRORS) == names("error")


@pytest.mark.parametrize(("name", "outcome", "after_ms", "retries", "scope", "tells"), ERRORS)
def test_the_recorded_error_has_this_outcome(
    name: str, outcome: Outcome, after_ms: int | None, retries: int | None, scope: Scope, tells: set[str]
) -> None:
    given = sample(name)
    result = CONNECTOR.classify(answer(given))
    assert (result.outcome, result.retry_after_ms, result.retries, result.scope) == (outcome, after_ms, retries, scope)
    assert flags(result) == tells
    if isinstance(given["body"], dict):
        error = given["body"]["error"]
        assert (result.code, result.subcode) == (error["code"], error.get("error_subcode", 0))


@pytest.mark.parametrize("name", [row[0] for row in ERRORS if row[0] != "error-html-502"])
def test_the_same_code_means_the_same_in_a_failed_status(name: str) -> None:
    error = sample(name)["body"]["error"]
    item = {"code": error["code"], "error_subcode": error.get("error_subcode"), "error_data": error.get("error_data")}
    status = {"id": "wamid.A", "status": "failed", "timestamp": "1795165204", "errors": [item]}
    value = {"metadata": {"phone_number_id": "1"}, "statuses": [status]}
    entry = {"id": "2", "changes": [{"field": "messages", "value": value}]}
    raw = json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()
    (event,) = CONNECTOR.parse_webhook(raw)
    told: Any = event
    answered = CONNECTOR.classify(answer(sample(name)))
    for field in ("outcome", "code", "subcode", "retry_after_ms", "retries", "scope"):
        assert getattr(told.result, field) == getattr(answered, field)
    assert flags(told.result) == flags(answered)


def error_body(code: object, **more: object) -> bytes:
    return json.dumps({"error": {"message": "x", "code": code, **more}}).encode()


BROKEN: list[tuple[str, RawResponse | BaseException, Outcome, int | None, int | None, Scope]] = [
    ("5xx without a body", RawResponse(503, {}, b""), Outcome.UNCERTAIN, None, None, MESSAGE),
    ("5xx with half a body", RawResponse(500, {}, b'{"error":{"co'), Outcome.UNCERTAIN, None, None, MESSAGE),
    ("5xx whose error is a text", RawResponse(500, {}, b'{"error":"oops"}'), Outcome.UNCERTAIN, None, None, MESSAGE),
    ("5xx with code 2", RawResponse(503, {}, error_body(2)), Outcome.RETRY, None, None, MESSAGE),
    ("a 200 that holds an error", RawResponse(200, {}, error_body(131047)), Outcome.REJECTED, None, 0, MESSAGE),
    ("error_data is text", RawResponse(400, {}, error_body(100, error_data="no")), Outcome.REJECTED, None, 0, MESSAGE),
    ("the code is a text", RawResponse(400, {}, error_body("131056")), Outcome.THROTTLED, None, None, PAIR),
    ("an unknown code", RawResponse(400, {}, error_body(998877)), Outcome.RETRY, None, 2, MESSAGE),
    ("an unknown code with 429", RawResponse(429, {}, error_body(998877)), Outcome.THROTTLED, None, None, SENDER),
    ("an unknown code with 401", RawResponse(401, {}, error_body(998877)), Outcome.SENDER_PAUSED, None, None, SENDER),
    ("429 of a proxy", RawResponse(429, {"retry-after": "7"}, b"slow"), Outcome.THROTTLED, 7000, None, SENDER),
    ("401 of a proxy", RawResponse(401, {}, b"who"), Outcome.SENDER_PAUSED, None, None, SENDER),
    ("404 of a proxy", RawResponse(404, {}, b"<html>"), Outcome.RETRY, None, 2, MESSAGE),
    ("a redirect", RawResponse(302, {"location": "/"}, b""), Outcome.RETRY, None, 2, MESSAGE),
    ("success: false", RawResponse(200, {}, b'{"success":false}'), Outcome.REJECTED, None, 0, MESSAGE),
    ("no byte left", NotSent("refused"), Outcome.RETRY, None, None, MESSAGE),
    ("the answer was lost", AnswerLost("reset"), Outcome.UNCERTAIN, None, None, MESSAGE),
    ("the answer was too long", AnswerTooLarge("long"), Outcome.UNCERTAIN, None, None, MESSAGE),
    ("a time-out of the caller", TimeoutError(), Outcome.UNCERTAIN, None, None, MESSAGE),
    ("anything else", RuntimeError("?"), Outcome.UNCERTAIN, None, None, MESSAGE),
    ("a limit was broken", CannotRender("too long"), Outcome.REJECTED, None, 0, MESSAGE),
    ("an address was wrong", BadInput([Problem("to", "no")]), Outcome.REJECTED, None, 0, MESSAGE),
]


@pytest.mark.parametrize(("name", "given", "outcome", "after_ms", "retries", "scope"), BROKEN)
def test_what_broke_has_this_outcome(
    name: str,
    given: RawResponse | BaseException,
    outcome: Outcome,
    after_ms: int | None,
    retries: int | None,
    scope: Scope,
) -> None:
    result = CONNECTOR.classify(given)
    assert (result.outcome, result.retry_after_ms, result.retries, result.scope) == (outcome, after_ms, retries, scope)


def test_a_stated_wait_beats_the_table_only_where_waiting_helps() -> None:
    def after(code: int, headers: dict[str, str]) -> int | None:
        return CONNECTOR.classify(RawResponse(400, headers, error_body(code))).retry_after_ms

    assert after(130429, {"retry-after": "30"}) == 30_000
    assert after(131057, {"retry-after": "5"}) == MINUTE
    assert after(100, {"retry-after": "30"}) is None
    assert after(130429, {"retry-after": "soon"}) is None
    assert after(130429, {"retry-after": str(10**12)}) == 24 * HOUR
    usage = json.dumps({"2718": [{"type": "whatsapp", "estimated_time_to_regain_access": 3}]})
    assert after(80007, {"x-business-use-case-usage": usage}) == 3 * MINUTE
    assert after(80007, {"x-business-use-case-usage": "{["}) is None


def span(low: int, high: int) -> list[int]:
    return list(range(low, high + 1))


# Meta's list of codes (11 Sep 2026), with the groups' own (16 Jun 2026); a span stands as first and last.
CODES: list[int] = [
    *(0, 1, 2, 3, 4, 10, 33, 100, 102, 104, 190, 368, 613, 80007),
    *span(200, 299),
    *(130403, 130429, 130472, 130497, 130501),
    *(131000, 131005, 131008, 131009, 131014, 131016, 131020, 131021, 131026, 131030, 131031, 131037, 131041, 131042),
    *(131044, 131045, 131047, 131048, 131049, 131050, 131051, 131052, 131053, 131055, 131056, 131057, 131059, 131060),
    *(131062, 131063, 131064),
    *(131201, 131202, 131203, 131204, *span(131207, 131215)),
    *(132000, 132001, 132005, 132007, 132008, 132012, 132015, 132016, 132018, 132068, 132069),
    *(133000, 133004, 133005, 133006, 133008, 133009, 133010, 133015, 133016),
    *(134011, 134100, 134101, 134102, 135000, 137000),
    *(*span(138000, 138018), *span(139000, 139004), *span(139100, 139103), *span(147001, 147005)),
    *(*span(200005, 200007), 2388001, 2388012, 2388019, 2388023, 2388024, 2388039, 2388040, 2388047, 2388072, 2388073),
    *(2388091, 2388093, 2388103, 2388293, 2388299, 2494055, 2494100, *span(2494164, 2494179), 2593107, 2593108),
]


@pytest.mark.parametrize("code", CODES)
def test_every_code_of_the_list_has_a_rule(code: int) -> None:
    rule = WHATSAPP.rule(code)
    assert rule is not None
    assert rule is not UNKNOWN
    assert rule.outcome not in (Outcome.ACCEPTED, Outcome.UNCERTAIN)


def test_no_rule_stands_for_a_code_that_is_not_on_the_list() -> None:
    assert set(WHATSAPP.codes) <= set(CODES)
    assert WHATSAPP.rule(998877) is None


# Reactions of Meta's list, by group: what nobody may get wrong.
@pytest.mark.parametrize(
    ("outcome", "codes"),
    [
        (Outcome.SENDER_PAUSED, [0, 10, 33, 102, 104, 190, 200, 299, 368, 131005, 131031, 131037, 131042, 131045]),
        (Outcome.SENDER_PAUSED, [131048, 131064, 133006, 133010]),
        (Outcome.THROTTLED, [4, 80007, 130429, 131056, 131057, 131208, 2494055]),
        (Outcome.RETRY, [1, 2, 613, 131000, 131016, 131049, 131053, 132069, 133004, 133015, 133016, 134101]),
        (Outcome.UNREACHABLE, [130403, 131026]),
        (Outcome.OPTED_OUT, [131050]),
    ],
)
def test_the_reaction_is_the_documented_one(outcome: Outcome, codes: list[int]) -> None:
    for code in codes:
        rule = WHATSAPP.rule(code)
        assert rule is not None
        assert rule.outcome is outcome


def test_a_code_that_nobody_should_retry_says_so() -> None:
    for code in CODES:
        rule = WHATSAPP.rule(code)
        assert rule is not None
        if rule.outcome in (Outcome.REJECTED, Outcome.UNREACHABLE, Outcome.OPTED_OUT):
            assert rule.retries == 0
