"""A send loop with pywa, by its documentation: one template after another, or with its asynchronous client so many at once.

Reads one JSON line {"url": of the API with its version, "phone_id", "body": what our dispatch sent}, then lines "loop COUNT" or
"async COUNT", and answers each with the seconds it took.
"""

import asyncio
import json
import sys
import time

import httpx
from pywa import WhatsApp
from pywa.types.templates import BodyText, QuickReplyButton, TemplateLanguage
from pywa_async import WhatsApp as AsyncWhatsApp
from pywa_async.types.templates import BodyText as AsyncBodyText
from pywa_async.types.templates import QuickReplyButton as AsyncQuickReplyButton

AT_ONCE = 100


def arguments(body, text, button):
    """What send_template is given for the message that our dispatch sent."""
    template = body["template"]
    params = []
    for component in template["components"]:
        if component["type"] == "body":
            params.append(text.params(**{one["parameter_name"]: one["text"] for one in component["parameters"]}))
        else:
            params.append(button.params(callback_data=component["parameters"][0]["payload"], index=int(component["index"])))
    return {
        "to": body["to"],
        "name": template["name"],
        "language": TemplateLanguage(template["language"]["code"]),
        "params": params,
        "tracker": body["biz_opaque_callback_data"],
    }


def loop(given, count):
    with httpx.Client() as session:
        wa = WhatsApp(phone_id=given["phone_id"], token="bench-token", session=session)
        session.base_url = given["url"]  # the no-op server in place of Meta's
        started = time.perf_counter()
        for _ in range(count):
            wa.send_template(**arguments(given["body"], BodyText, QuickReplyButton))
        return time.perf_counter() - started


async def at_once(given, count):
    async with httpx.AsyncClient() as session:
        wa = AsyncWhatsApp(phone_id=given["phone_id"], token="bench-token", session=session)
        session.base_url = given["url"]
        gate = asyncio.Semaphore(AT_ONCE)

        async def one():
            async with gate:
                await wa.send_template(**arguments(given["body"], AsyncBodyText, AsyncQuickReplyButton))

        started = time.perf_counter()
        await asyncio.gather(*(one() for _ in range(count)))
        return time.perf_counter() - started


def main():
    given = json.loads(sys.stdin.readline())
    for line in sys.stdin:
        how, count = line.split()
        took = loop(given, int(count)) if how == "loop" else asyncio.run(at_once(given, int(count)))
        print(f"{took:.6f}", flush=True)


if __name__ == "__main__":
    main()
