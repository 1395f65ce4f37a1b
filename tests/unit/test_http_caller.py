"""Whose address asks: behind proxies of ours, by what these say; else the peer, whatever it says of itself."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import pytest
from aiohttp.test_utils import make_mocked_request

from gateway.errors import SettingsError
from gateway.http import caller, is_proxied
from gateway.settings import read
from gateway.webhooks.invite import Limit

OURS = ("10.0.0.0/8", "192.0.2.7", "2001:db8:1::/48")


def asked(peer: str, forwarded: str = "") -> Any:
    transport = Mock()
    transport.get_extra_info.side_effect = lambda name, default=None: (peer, 4711) if name == "peername" else default
    return make_mocked_request("GET", "/", headers={"X-Forwarded-For": forwarded} if forwarded else {}, transport=transport)


@pytest.mark.parametrize(
    ("peer", "forwarded", "who"),
    [
        ("10.1.2.3", "198.51.100.4", "198.51.100.4"),
        ("192.0.2.7", "203.0.113.9, 198.51.100.4", "198.51.100.4"),
        ("10.1.2.3", "198.51.100.4, 10.9.9.9", "198.51.100.4"),
        ("::ffff:10.1.2.3", "198.51.100.4", "198.51.100.4"),
        ("2001:db8:1::5", "[2001:db8:2::1]:443", "2001:db8:2::1"),
        ("10.1.2.3", "198.51.100.4:50123", "198.51.100.4"),
        ("10.1.2.3", "10.4.4.4, 10.9.9.9", "10.4.4.4"),
        ("10.1.2.3", "", "10.1.2.3"),
        ("198.51.100.4", "203.0.113.9", "198.51.100.4"),
        ("192.0.2.8", "203.0.113.9", "192.0.2.8"),
    ],
)
def test_proxies_are_believed_by_address_and_by_network(peer: str, forwarded: str, who: str) -> None:
    assert caller(asked(peer, forwarded), OURS) == who


def test_who_is_no_proxy_of_ours_is_believed_nothing() -> None:
    assert is_proxied(asked("10.1.2.3"), OURS)
    assert not is_proxied(asked("11.1.2.3"), OURS)
    assert not is_proxied(asked("10.1.2.3"), ())


def test_a_proxy_that_is_neither_address_nor_network_stops_the_start_by_its_setting() -> None:
    with pytest.raises(SettingsError, match="GATEWAY_TRUSTED_PROXIES: proxy"):
        read({"GATEWAY_TRUSTED_PROXIES": "10.0.0.0/8, proxy.example"}, None)


def test_old_addresses_written_in_the_new_way_are_not_one_network() -> None:
    limit = Limit(1)
    assert [limit.allows(f"::ffff:198.51.{number}.1", 0.0) for number in range(3)] == [True] * 3
    assert not limit.allows("198.51.2.9", 0.0)
