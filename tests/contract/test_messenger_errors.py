"""Every error-* sample, and every row of Meta's list, with what we make of it."""

from __future__ import annotations

import json

import pytest

from connectors.messenger.codes import MESSENGER, rule_for
from connectors.meta.errors import UNKNOWN
from gateway.connector import Outcome, RawResponse, Scope, SendResult
from gateway.model.capability import Capability
from tests.contract.messenger_samples import CONNECTOR, answer, names, sample

MINUTE, HOUR = 60_000, 3_600_000
MESSAGE, PAIR, SENDER, ACCOUNT, APP = Scope.MESSAGE, Scope.PAIR, Scope.SENDER, Scope.ACCOUNT, Scope.APP

RETRY, THROTTLED, REJECTED = Outcome.RETRY, Outcome.THROTTLED, Outcome.REJECTED
UNREACHABLE, OPTED_OUT, PAUSED = Outcome.UNREACHABLE, Outcome.OPTED_OUT, Outcome.SENDER_PAUSED
ACCEPTED, UNCERTAIN = Outcome.ACCEPTED, Outcome.UNCERTAIN

# name, Outcome, retry_after_ms, retries, scope, what else it tells
ERRORS: list[tuple[str, Outcome, int | None, int | None, Scope, set[str]]] = [
    ("error-account-linking-10303", REJECTED, None, 0, MESSAGE, set()),
    ("error-app-limit-4", THROTTLED, None, None, APP, set()),
    ("error-appsecret-proof-100", PAUSED, None, None, APP, set()),
    ("error-attachment-id-100-2018074", RETRY, None, 1, MESSAGE, {"media_problem"}),
    ("error-button-title-100-2018053", REJECTED, None, 0, MESSAGE, set()),
    ("error-cannot-receive-10-2018108", UNREACHABLE, None, 0, MESSAGE, set()),
    ("error-dead-tag-100-1893061", REJECTED, None, 0, MESSAGE, set()),
    ("error-duplicate-506", ACCEPTED, None, 0, MESSAGE, set()),
    ("error-eu-thread-10-2018336", REJECTED, None, 0, MESSAGE, set()),
    ("error-fetch-100-2018008", RETRY, None, 1, MESSAGE, {"media_problem"}),
    ("error-human-agent-not-approved-100", REJECTED, None, 0, MESSAGE, {"person_window"}),
    ("error-internal-minus-one", RETRY, None, 3, MESSAGE, set()),
    ("error-message-and-action-100-2018014", REJECTED, None, 0, MESSAGE, set()),
    ("error-messenger-buc-80006", THROTTLED, 12 * MINUTE, None, SENDER, set()),
    ("error-neither-100-2018015", REJECTED, None, 0, MESSAGE, set()),
    ("error-no-user-100-2018001", UNREACHABLE, None, 0, MESSAGE, set()),
    ("error-not-live-200-2018028", PAUSED, None, None, SENDER, set()),
    ("error-not-owner-100-2534037", REJECTED, None, 0, MESSAGE, {"held_elsewhere"}),
    ("error-object-100-33", REJECTED, None, 0, MESSAGE, set()),
    ("error-optin-repeat-613-1893016", REJECTED, None, 0, MESSAGE, set()),
    ("error-page-restricted-10-1893063", PAUSED, 30 * MINUTE, None, SENDER, set()),
    ("error-permission-10", REJECTED, None, 0, MESSAGE, {"templates"}),
    ("error-policy-368", PAUSED, None, None, ACCOUNT, set()),
    ("error-privacy-terms-2-2018344", PAUSED, None, None, SENDER, set()),
    ("error-profile-2018218", REJECTED, None, 0, MESSAGE, set()),
    ("error-rate-613", THROTTLED, None, None, SENDER, set()),
    ("error-service-2", RETRY, None, 3, MESSAGE, set()),
    ("error-stopped-10-1893015", OPTED_OUT, None, 0, MESSAGE, set()),
    ("error-tagged-abuse-613-2018338", REJECTED, None, 0, MESSAGE, set()),
    ("error-template-create-100-2018416", REJECTED, None, 0, MESSAGE, set()),
    ("error-template-not-found-100", REJECTED, None, 0, MESSAGE, {"template_problem"}),
    ("error-template-wrong-place-100", REJECTED, None, 0, MESSAGE, set()),
    ("error-temporary-1200", RETRY, None, None, MESSAGE, set()),
    ("error-text-too-long-100", REJECTED, None, 0, MESSAGE, set()),
    ("error-thread-control-10-2018300", REJECTED, None, 0, MESSAGE, {"held_elsewhere"}),
    ("error-thread-gone-100-2534001", UNREACHABLE, None, 0, MESSAGE, set()),
    ("error-token-190", PAUSED, None, None, SENDER, set()),
    ("error-token-expired-190-463", PAUSED, None, None, SENDER, set()),
    ("error-too-large-100-2018109", REJECTED, None, 0, MESSAGE, {"media_problem"}),
    ("error-unavailable-200-1545041", UNREACHABLE, None, 0, MESSAGE, set()),
    ("error-unavailable-551-1545041", UNREACHABLE, None, 0, MESSAGE, set()),
    ("error-unknown-1", RETRY, None, 2, MESSAGE, set()),
    ("error-upload-100-2018047", REJECTED, None, 0, MESSAGE, {"media_problem"}),
    ("error-utility-buttons-100-1893029", REJECTED, None, 0, MESSAGE, {"template_problem"}),
    ("error-utility-characters-100-1893043", REJECTED, None, 0, MESSAGE, set()),
    ("error-video-timeout-100-2018294", REJECTED, None, 0, MESSAGE, {"media_problem"}),
    ("error-window-10-2018278", REJECTED, None, 0, MESSAGE, {"window_closed"}),
    ("error-window-news-10-2018065", REJECTED, None, 0, MESSAGE, {"window_closed"}),
]


def tells(result: SendResult) -> set[str]:
    flags = ("template_problem", "media_problem", "window_closed", "held", "held_elsewhere")
    return {name for name in flags if getattr(result, name)} | ({result.lacks} if result.lacks else set())


def test_every_error_sample_is_in_the_table() -> None:
    assert sorted(row[0] for row in ERRORS) == names("error")


@pytest.mark.parametrize(("name", "outcome", "after_ms", "retries", "scope", "told"), ERRORS)
def test_the_recorded_error_has_this_outcome(
    name: str, outcome: Outcome, after_ms: int | None, retries: int | None, scope: Scope, told: set[str]
) -> None:
    given = sample(name)["response"]
    result = CONNECTOR.classify(answer(given))
    assert (result.outcome, result.retry_after_ms, result.retries, result.scope) == (outcome, after_ms, retries, scope)
    assert tells(result) == told
    error = given["body"]["error"]
    assert (result.code, result.subcode) == (error["code"], error.get("error_subcode", 0))


@pytest.mark.parametrize("name", [row[0] for row in ERRORS])
def test_the_http_status_changes_nothing(name: str) -> None:
    given = sample(name)["response"]
    expected = CONNECTOR.classify(answer(given))
    for status in (200, 400, 401, 403, 429, 500, 503):
        assert CONNECTOR.classify(answer({**given, "status": status})) == expected


def error(code: int, subcode: int = 0, words: str = "", headers: dict[str, str] | None = None) -> SendResult:
    body = {"error": {"message": words, "code": code, **({"error_subcode": subcode} if subcode else {})}}
    return CONNECTOR.classify(RawResponse(400, headers or {}, json.dumps(body).encode()))


# Every row of Meta's list (25 Jun 2026) and of the reports beside it: code, subcode, what it is.
ROWS: list[tuple[int, int, Outcome, Scope, set[str]]] = [
    (-1, 0, RETRY, MESSAGE, set()),
    (1, 0, RETRY, MESSAGE, set()),
    (1, 99, RETRY, MESSAGE, set()),
    (1, 1357046, UNCERTAIN, MESSAGE, set()),
    (2, 0, RETRY, MESSAGE, set()),
    (2, 2018344, PAUSED, SENDER, set()),
    (4, 0, THROTTLED, APP, set()),
    (4, 2018022, THROTTLED, APP, set()),
    (4, 2018354, REJECTED, MESSAGE, set()),
    (9, 2018352, RETRY, MESSAGE, set()),
    (10, 0, PAUSED, SENDER, set()),
    (10, 1404170, PAUSED, SENDER, set()),
    (10, 1545041, REJECTED, MESSAGE, {"window_closed"}),
    (10, 1893015, OPTED_OUT, MESSAGE, set()),
    (10, 1893063, PAUSED, SENDER, set()),
    (10, 2018065, REJECTED, MESSAGE, {"window_closed"}),
    (10, 2018108, UNREACHABLE, MESSAGE, set()),
    (10, 2018278, REJECTED, MESSAGE, {"window_closed"}),
    (10, 2018300, REJECTED, MESSAGE, {"held_elsewhere"}),
    (10, 2018336, REJECTED, MESSAGE, set()),
    (10, 2534022, REJECTED, MESSAGE, {"window_closed"}),
    (17, 0, THROTTLED, SENDER, set()),
    (32, 0, THROTTLED, SENDER, set()),
    (100, 0, REJECTED, MESSAGE, set()),
    (100, 33, REJECTED, MESSAGE, set()),
    (100, 1893029, REJECTED, MESSAGE, {"template_problem"}),
    (100, 1893043, REJECTED, MESSAGE, set()),
    (100, 1893061, REJECTED, MESSAGE, set()),
    (100, 2018001, UNREACHABLE, MESSAGE, set()),
    (100, 2018008, RETRY, MESSAGE, {"media_problem"}),
    (100, 2018014, REJECTED, MESSAGE, set()),
    (100, 2018015, REJECTED, MESSAGE, set()),
    (100, 2018034, REJECTED, MESSAGE, set()),
    (100, 2018040, REJECTED, MESSAGE, set()),
    (100, 2018041, REJECTED, MESSAGE, set()),
    (100, 2018047, REJECTED, MESSAGE, {"media_problem"}),
    (100, 2018053, REJECTED, MESSAGE, set()),
    (100, 2018074, RETRY, MESSAGE, {"media_problem"}),
    (100, 2018109, REJECTED, MESSAGE, {"media_problem"}),
    (100, 2018164, REJECTED, MESSAGE, set()),
    (100, 2018218, REJECTED, MESSAGE, set()),
    (100, 2018294, REJECTED, MESSAGE, {"media_problem"}),
    (100, 2018320, REJECTED, MESSAGE, set()),
    (100, 2018328, REJECTED, MESSAGE, set()),
    (100, 2018416, REJECTED, MESSAGE, set()),
    (100, 2388051, REJECTED, MESSAGE, set()),
    (100, 2534001, UNREACHABLE, MESSAGE, set()),
    (100, 2534037, REJECTED, MESSAGE, {"held_elsewhere"}),
    *((190, subcode, PAUSED, SENDER, set[str]()) for subcode in (0, 458, 459, 460, 463, 464, 467, 492)),
    (200, 0, PAUSED, SENDER, set()),
    (200, 1545041, UNREACHABLE, MESSAGE, set()),
    (200, 2018021, PAUSED, SENDER, set()),
    (200, 2018027, PAUSED, SENDER, set()),
    (200, 2018028, PAUSED, SENDER, set()),
    (230, 0, PAUSED, SENDER, set()),
    (368, 0, PAUSED, ACCOUNT, set()),
    (506, 0, ACCEPTED, MESSAGE, set()),
    (551, 0, UNREACHABLE, MESSAGE, set()),
    (551, 1545041, UNREACHABLE, MESSAGE, set()),
    (613, 0, THROTTLED, SENDER, set()),
    (613, 1893016, REJECTED, MESSAGE, set()),
    (613, 2018338, REJECTED, MESSAGE, set()),
    (613, 2534040, THROTTLED, SENDER, set()),
    (1200, 0, RETRY, MESSAGE, set()),
    (2022, 0, PAUSED, SENDER, set()),
    (10303, 0, REJECTED, MESSAGE, set()),
    (36103, 0, REJECTED, MESSAGE, set()),
    (80006, 0, THROTTLED, SENDER, set()),
    (2018144, 0, REJECTED, MESSAGE, set()),
    (2018171, 0, PAUSED, SENDER, set()),
    (2018218, 0, REJECTED, MESSAGE, set()),
    (2018234, 0, PAUSED, SENDER, set()),
    (2018247, 0, REJECTED, MESSAGE, set()),
    (2018300, 0, REJECTED, MESSAGE, {"held_elsewhere"}),
    (2018321, 0, THROTTLED, PAIR, set()),
    *((code, 0, REJECTED, MESSAGE, set[str]()) for code in range(2018389, 2018397)),
    (9000001, 0, REJECTED, MESSAGE, set()),
]


@pytest.mark.parametrize(("code", "subcode", "outcome", "scope", "told"), ROWS)
def test_the_reaction_is_the_documented_one(
    code: int, subcode: int, outcome: Outcome, scope: Scope, told: set[str]
) -> None:
    result = error(code, subcode)
    assert (result.outcome, result.scope, tells(result)) == (outcome, scope, told)
    assert rule_for(code, subcode, "") is not UNKNOWN
    if outcome in (REJECTED, UNREACHABLE, OPTED_OUT):
        assert result.retries == 0


def test_no_rule_stands_for_a_code_that_is_not_on_the_list() -> None:
    graph = {0, 3, 33, 102, 104}  # the Graph API's own, on every channel
    assert {row[0] for row in ROWS} | graph >= set(MESSENGER.codes)
    assert {row[:2] for row in ROWS} >= {pair for pair in MESSENGER.pairs if pair != (100, 2018247)}


# Where the code is broad and no subcode known, the words decide.
WORDS: list[tuple[int, int, str, Outcome, set[str]]] = [
    (10, 0, "(#10) This message is sent outside of allowed window.", REJECTED, {"window_closed"}),
    (10, 77, "(#10) This message is sent outside of allowed window.", REJECTED, {"window_closed"}),
    (10, 0, "(#10) Requires pages_utility_messaging permission to manage the object", REJECTED, {"templates"}),
    (200, 0, "(#200) Requires pages_utility_messaging permission", REJECTED, {"templates"}),
    (10, 0, "(#10) Human Agent feature is not approved", REJECTED, {"person_window"}),
    (100, 0, "(#100) Cannot tag messages with 'HUMAN_AGENT' without prior approval", REJECTED, {"person_window"}),
    (100, 0, "(#100) Template cannot be found.", REJECTED, {"template_problem"}),
    (100, 0, "(#100) No matching user found", UNREACHABLE, set()),
    (200, 0, "(#200) This person isn’t available right now.", UNREACHABLE, set()),
    (10, 0, "(#10) Message failed: another app is controlling this thread now.", REJECTED, {"held_elsewhere"}),
    (100, 0, "API calls from the server require an appsecret_proof argument", PAUSED, set()),
    (10, 0, "(#10) Application does not have permission for this action", PAUSED, set()),
    (10, 424242, "(#10) Something new", RETRY, set()),
    (200, 424242, "(#200) Something new", RETRY, set()),
    (100, 424242, "(#100) Something new", REJECTED, set()),
    (100, 2018278, "(#100) Something new", REJECTED, {"window_closed"}),
    (551, 0, "outside of allowed window", UNREACHABLE, set()),
    (4, 0, "outside of allowed window", THROTTLED, set()),
]


@pytest.mark.parametrize(("code", "subcode", "words", "outcome", "told"), WORDS)
def test_under_a_broad_code_the_words_decide(
    code: int, subcode: int, words: str, outcome: Outcome, told: set[str]
) -> None:
    result = error(code, subcode, words)
    assert (result.outcome, tells(result)) == (outcome, told)


def test_what_a_sender_lacks_is_a_capability_of_the_closed_list() -> None:
    lacking = {rule_for(row[0], row[1], row[2]).lacks for row in WORDS} - {""}
    assert lacking == {Capability.TEMPLATES, Capability.PERSON_WINDOW}


def test_a_throttle_waits_as_long_as_the_page_usage_says() -> None:
    def usage(*minutes: object) -> dict[str, str]:
        entries = [{"type": "messenger", "call_count": 101, "estimated_time_to_regain_access": one} for one in minutes]
        return {"x-business-use-case-usage": json.dumps({"108234561237890": entries})}

    assert error(80006, headers=usage(3)).retry_after_ms == 3 * MINUTE
    assert error(613, headers=usage(0, 5, 2)).retry_after_ms == 5 * MINUTE
    assert error(80006, headers=usage(0)).retry_after_ms is None
    assert error(80006, headers=usage("soon")).retry_after_ms is None
    assert error(80006, headers=usage(10**9)).retry_after_ms == 24 * HOUR
    assert error(80006, headers={"x-business-use-case-usage": "{["}).retry_after_ms is None
    assert error(2018321, headers=usage(1)).retry_after_ms == 5 * MINUTE
    assert error(100, headers=usage(3)).retry_after_ms is None


def test_the_words_that_are_kept_hold_no_id_of_person_or_message() -> None:
    said = "(#100) Message m__b-10_jeb8U6_LKxrdxLjWRwD79DD11H3r3Xk3hvT_yq of 7894561230123456 not found at https://a.example/x"
    detail = error(100, words=said).detail
    assert detail.startswith("(#100) Message")
    assert not any(mark in detail for mark in ("jeb8U6", "LKx", "7894561230123456", "a.example"))
