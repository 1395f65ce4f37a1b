"""The form of a travel page as it comes in: small, in time, and ours."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import pytest
from aiohttp.streams import StreamReader
from aiohttp.test_utils import make_mocked_request

from gateway.webhooks import pass_device

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def request(data: bytes, *, whole: bool = True, **headers: str) -> Any:
    payload = StreamReader(Mock(_reading_paused=False), 2**16)
    payload.feed_data(data)
    if whole:
        payload.feed_eof()
    return make_mocked_request("POST", "/d/T", headers={**FORM, **headers}, payload=payload)


@pytest.mark.parametrize(
    ("data", "form"),
    [
        (b"said=Berg&key=K&said=other", {"said": "Berg", "key": "K"}),
        (b"said=M%C3%BCller+x&key=", {"said": "M\u00fcller x", "key": ""}),
        (b"", {}),
        (b"said=\xff", None),
        (b"&".join(b"a%d=1" % number for number in range(20)), None),
        (b"said=" + b"x" * pass_device.LARGEST, None),
    ],
)
async def test_a_small_form_is_read_and_nothing_else(data: bytes, form: dict[str, str] | None) -> None:
    assert await pass_device.read_form(request(data)) == form


async def test_a_body_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pass_device, "READ_S", 0.05)
    assert await pass_device.read_form(request(b"said=Be", whole=False)) is None


async def test_a_body_that_says_that_it_is_large_is_not_read() -> None:
    assert await pass_device.read_form(request(b"", whole=False, **{"Content-Length": "99999"})) is None


@pytest.mark.parametrize("cookie", ["travel=short", "travel=" + "a" * 44, "travel=" + "é" * 43, "other=" + "a" * 43, ""])
def test_what_is_no_secret_of_ours_is_none(cookie: str) -> None:
    assert pass_device.secret_of(make_mocked_request("GET", "/d/T", headers={"Cookie": cookie}), plain=True) == ""


def test_the_secret_that_no_other_host_can_set_comes_first() -> None:
    ours, theirs = pass_device.new_secret(), pass_device.new_secret()
    asked = make_mocked_request("GET", "/d/T", headers={"Cookie": f"travel={theirs}; __Host-travel={ours}"})
    assert pass_device.secret_of(asked, plain=True) == ours


def test_a_secret_that_a_neighbouring_host_can_set_counts_only_where_there_is_no_tls() -> None:
    asked = make_mocked_request("GET", "/d/T", headers={"Cookie": f"travel={pass_device.new_secret()}"})
    assert pass_device.secret_of(asked, plain=False) == ""
    assert pass_device.secret_of(asked, plain=True) != ""
