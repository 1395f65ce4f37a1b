"""`connect`, steps 3 and 4: prove that the number is ours, choose where its messages are kept, register it with a PIN."""

from __future__ import annotations

import re

from gateway.cli.connect_visit import TRIES, Halted, Visit
from gateway.model.account import NumberReport, Refused, Why
from gateway.model.personal import Secret

_PIN = re.compile(r"[0-9]{6}")
_CODE = re.compile(r"[0-9]{6}")
_LATER = "start this again when you have it: it goes on here"


async def look_again(visit: Visit) -> NumberReport:
    """The number as it is now. raises: Halted"""
    answer = await visit.admin.number(visit.state.number_id)
    if isinstance(answer, Refused):
        raise visit.halt(answer)
    visit.number = answer
    return answer


async def verify(visit: Visit, language: str) -> None:
    """Have a code sent and type it, unless the number is verified or registered already. raises: Halted"""
    visit.step(3, "Prove that the number is yours", "Meta sends six digits to it, by SMS or by a call.")
    number = await look_again(visit)
    if number.registered or number.verified:
        visit.io.show("   Done before.")
        return
    await _prove(visit, language)


async def _prove(visit: Visit, language: str) -> None:
    for _ in range(TRIES):
        if not await _ask_for_code(visit, language):
            return  # verified meanwhile
        for _ in range(TRIES):
            code = Secret(re.sub(r"[\s-]", "", (await visit.io.ask_hidden("   The six digits (empty: a new code)")).reveal()))
            if not code:
                break
            if not _CODE.fullmatch(code.reveal()):
                visit.io.show("   Six digits, please.")
                continue
            refused = await visit.admin.verify_code(visit.state.number_id, code)
            if refused is None:
                visit.io.show("   Verified.")
                return
            visit.explain(refused)
            if refused.why is not Why.CODE_WRONG:
                raise visit.halt(refused)
    raise Halted("the number is not verified yet", _LATER)


async def _ask_for_code(visit: Visit, language: str) -> bool:
    """Have a code sent; False when the number turns out to be verified."""
    method = ("SMS", "VOICE")[await visit.io.choose("   How shall Meta send the code?", ("SMS", "a call"))]
    refused = await visit.admin.request_code(visit.state.number_id, method, language)
    if refused is None:
        visit.io.show("   On its way.")
        if visit.settings.sandboxed:
            visit.io.show(f"   In the sandbox it stands at {visit.settings.graph_url}/sandbox/account, under numbers > code.")
        return True
    if refused.why is Why.VERIFIED_ALREADY and (await look_again(visit)).verified:
        visit.io.show("   It is verified already.")
        return False
    raise visit.halt(refused)


async def register(visit: Visit, language: str, region: str | None) -> None:
    """Register the number for the API, unless it is. region: from the arguments, None = ask. raises: Halted"""
    visit.step(4, "Register the number", "From then on it speaks through the API, and through no app on a phone.")
    number = await look_again(visit)
    if number.registered:
        visit.io.show("   Registered before.")
        return
    if region is not None:
        visit.state.region = region.upper()
    if visit.state.region is None:
        visit.state.region = await _ask_region(visit)
    visit.save()
    for _ in range(TRIES):  # of the 10 in 72 hours that Meta allows, some must be left for another day
        pin = await _ask_pin(visit)
        refused = await visit.admin.register(visit.state.number_id, pin, visit.state.region or None)
        if refused is None:
            visit.io.show("   Registered. Keep the PIN where you keep passwords: Meta asks for it when the number moves.")
            await look_again(visit)
            return
        visit.explain(refused)
        if refused.why is Why.VERIFY_FIRST:
            await _prove(visit, language)
        elif refused.code == 100 and visit.state.region:
            visit.state.region = await _ask_region(visit)
            visit.save()
        elif refused.why is not Why.PIN_WRONG:
            raise visit.halt(refused)
    raise Halted("the number is not registered yet", "find the right PIN first: 10 tries in 72 hours are all that Meta allows")


async def _ask_region(visit: Visit) -> str:
    visit.io.show(
        "   Where shall Meta keep the contents of messages at rest? Empty: where Meta likes. Or two letters of a country\n"
        "   that Meta offers for local storage (ask your privacy officer). It counts from the registration on and cannot\n"
        "   be changed later for a registered number."
    )
    while True:
        region = (await visit.io.ask("   Country (empty: Meta's choice)")).upper()
        if not region or re.fullmatch(r"[A-Z]{2}", region):
            return region
        visit.io.show("   Two letters, such as DE, or nothing.")


async def _ask_pin(visit: Visit) -> Secret:
    visit.io.show("   A PIN of six digits protects the number. Does it have one already, type that; else choose one.")
    while True:
        pin = await visit.io.ask_hidden("   PIN")
        if not _PIN.fullmatch(pin.reveal()):
            visit.io.show("   Six digits, please.")
        elif await visit.io.ask_hidden("   The same once more") == pin:
            return pin
        else:
            visit.io.show("   Those were two different ones.")
