"""How much goes through: pair, throughput, people a day; test numbers; the hour's calls."""

from __future__ import annotations

import sandbox_templates as templates
from sandbox_box import ANN, PHONE, WABA, Box, BoxMaker, wait_until

TEXT = {"to": ANN, "type": "text", "text": {"body": "x"}}


async def code_of(box: Box, **changes: object) -> int | None:
    status, answer = await box.send({**TEXT, **changes})
    return None if status == 200 else int(answer["error"]["code"])


async def test_burst_to_one_person_is_borrowed_from_the_time_after(box: Box) -> None:
    await box.handset()
    for _ in range(20):
        assert await code_of(box) is None
    await box.forward(10_000)
    assert await code_of(box) == 131056
    assert await code_of(box, to="447700900456") is None, "others go on"
    await box.forward(111_000)
    assert await code_of(box) is None, "20 at once cost two minutes"
    await box.forward(6_100)
    assert await code_of(box) is None, "one each six seconds always goes"


async def test_pair_rule_can_be_a_plain_bucket(box: Box) -> None:
    await box.control("PUT", "account", {"switches": {"pair_rule": "bucket"}})
    for _ in range(20):
        assert await code_of(box) is None
    await box.forward(10_000)
    assert await code_of(box) is None
    for _ in range(25):
        await code_of(box)
    assert await code_of(box) == 131056


async def test_throughput_counts_in_and_out_together(box: Box) -> None:
    await box.control("PUT", "account", {"numbers": [{"id": PHONE, "throughput": 5}]})
    await box.handset("447700900456")
    for _ in range(3):
        await box.say("447700900456", {"text": "in", "phone_number_id": PHONE})
    assert [await code_of(box, to=f"44770090010{n}") for n in range(3)] == [None, None, 130429]
    await box.forward(1_100)
    assert await code_of(box, to="447700900104") is None


async def test_portfolio_reaches_so_many_people_a_day_over_all_its_numbers(box: Box) -> None:
    await templates.approved(box, "appointment_reminder")
    await box.control("PUT", "account", {"tier": 2})

    async def outcome(to: str, phone: str = PHONE) -> str:
        _, answer = await box.send(templates.body("appointment_reminder", "A", "B", to=to), phone=phone)
        message_id = answer["messages"][0]["id"]
        await wait_until(lambda: box.receiver.names(message_id))
        status = box.receiver.statuses(message_id)[0]
        return str(status["errors"][0]["code"]) if "errors" in status else "ok"

    assert await outcome("447700900101") == "ok"
    assert await outcome("447700900102", "314159265358980") == "ok"
    assert await outcome("447700900103") == "131048"
    assert await outcome("447700900101", "314159265358981") == "ok", "the same person again is free"
    await box.handset("447700900104")
    await box.say("447700900104", {"text": "hi", "phone_number_id": PHONE})
    assert await outcome("447700900104") == "ok", "inside a window nothing is counted"
    await box.forward(86_400_000 + 1_000)
    assert await outcome("447700900103") == "ok"


async def test_person_who_was_not_reached_does_not_count(box: Box) -> None:
    await templates.approved(box, "appointment_reminder")
    await box.control("PUT", "account", {"tier": 1})
    await box.fault(name="late_failed", times=1)
    _, answer = await box.send(templates.body("appointment_reminder", "A", "B", to="447700900101"))
    first = answer["messages"][0]["id"]
    await wait_until(lambda: "failed" in box.receiver.names(first))
    _, answer = await box.send(templates.body("appointment_reminder", "A", "B", to="447700900102"))
    second = answer["messages"][0]["id"]
    await wait_until(lambda: "delivered" in box.receiver.names(second))


async def test_new_account_goes_the_whole_way_to_its_first_message(make_box: BoxMaker) -> None:
    box = await make_box(account="new")
    account = await box.control("GET", "account")
    assert (account["mode"], account["subscribed"], account["callback_url"], account["tier"]) == (
        "new", False, None, "TIER_250")
    _, number = await box.graph("GET", f"{PHONE}?fields=status,code_verification_status,account_mode,health_status")
    assert (number["status"], number["code_verification_status"], number["account_mode"]) == (
        "PENDING", "NOT_VERIFIED", "SANDBOX")
    assert number["health_status"]["can_send_message"] == "BLOCKED"
    assert await code_of(box) == 133010
    pin = {"messaging_product": "whatsapp", "pin": "123456"}
    assert (await box.graph("POST", f"{PHONE}/register", pin))[1]["error"]["code"] == 133006
    await box.graph("POST", f"{PHONE}/request_code", {"code_method": "SMS", "language": "en"})
    assert (await box.graph("POST", f"{PHONE}/verify_code", {"code": "000"}))[1]["error"]["code"] == 136025
    code = (await box.control("GET", "account"))["numbers"][0]["code"]
    assert await box.graph("POST", f"{PHONE}/verify_code", {"code": code}) == (200, {"success": True})
    assert await box.graph("POST", f"{PHONE}/register", pin) == (200, {"success": True})
    assert await code_of(box) == 131030
    await box.control("PUT", "account", {"test_recipients": ["+44 7700 900123"]})
    assert await code_of(box) is None
    await wait_until(lambda: box.world.store.count("SELECT COUNT(*) FROM jobs") == 0, "all is over")
    app = f"{box.world.config.app_id}|{box.world.config.app_secret}"
    wish = {"object": "whatsapp_business_account", "callback_url": box.receiver.url, "fields": "messages", "verify_token": "no"}
    as_app = {"headers": {"Authorization": f"Bearer {app}"}}
    status, answer = await box.graph("POST", "app/subscriptions", wish, **as_app)
    assert (status, answer["error"]["code"]) == (400, 2200), "a callback that does not know the token is refused"
    assert (await box.graph("POST", "app/subscriptions", wish))[1]["error"]["code"] == 15
    wish["verify_token"] = box.world.config.verify_token
    assert await box.graph("POST", "app/subscriptions", wish, **as_app) == (200, {"success": True})
    assert (await box.graph("GET", f"{WABA}/subscribed_apps"))[1] == {"data": []}
    assert await box.graph("POST", f"{WABA}/subscribed_apps", {}) == (200, {"success": True})
    await box.say(ANN, {"text": "first"})
    await wait_until(lambda: box.receiver.messages())
    assert not box.receiver.statuses(), "what happened before nobody was subscribed is not told"


async def test_registration_needs_the_right_pin_and_ten_tries_are_all(box: Box) -> None:
    pin = {"messaging_product": "whatsapp", "pin": "111111"}
    codes = [(await box.graph("POST", f"{PHONE}/register", pin))[1]["error"]["code"] for _ in range(11)]
    assert codes == [133005] * 5 + [133008] * 5 + [133016]


async def test_template_creations_are_counted_by_the_hour(box: Box) -> None:
    spec = {"language": "en", "category": "UTILITY", "components": [{"type": "BODY", "text": "Your parcel has come."}]}
    for number in range(100):
        assert box.world.limits.management(WABA, an_hour=100, what="template"), number
    status, answer = await box.graph("POST", f"{WABA}/message_templates", {"name": "one_more", **spec})
    assert (status, answer["error"]["code"]) == (400, 80007)
    await box.forward(3_600_000)
    assert (await box.graph("POST", f"{WABA}/message_templates", {"name": "one_more", **spec}))[0] == 200
