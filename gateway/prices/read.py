"""Reads a folder of prices: one file a channel, and budgets.yaml. Every problem of every file is found in one go.

A file of prices:

    channel: whatsapp
    currency: EUR
    lists:
      - valid_from: 2026-10-01        # UTC; valid_until where it ends before the next list begins is a gap, and refused
        source: price list of ...
        confidence: own               # own, documented, assumed, example
        markets: {rest_of_western_europe: [AT, BE]}
        prices:
          NL: {service: 0.01, utility: 0.01, marketing: 0.05, authentication: unknown}
          rest_of_western_europe: {...}
          "*": {...}                  # every other country
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from babel.numbers import is_currency

from gateway.errors import SettingsError
from gateway.prices import amount
from gateway.prices.budgets import WARN_AT, Budget, Per
from gateway.prices.country import COUNTRIES
from gateway.prices.model import CATEGORIES, REST, Book, Channel, Confidence, PriceList
from gateway.prices.nodes import Node, Problems, root

BUDGETS = "budgets.yaml"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")

Word = TypeVar("Word", bound=StrEnum)


def load(folder: Path) -> tuple[Book, tuple[Budget, ...]]:
    """Everything in a folder; a folder that is not there holds no prices and no budgets.

    raises: SettingsError with every problem, each with file, line and mend
    """
    problems: list[str] = []
    channels: dict[str, Channel] = {}
    for path in files(folder):
        if path.name == BUDGETS:
            continue
        found, wrong = read_channel(path)
        problems += wrong
        if found is not None and found.channel in channels:
            problems.append(f"{path}: {found.channel} has its prices in {channels[found.channel].file} already: keep one file")
        elif found is not None:
            channels[found.channel] = found
    book = Book(channels)
    budgets: tuple[Budget, ...] = ()
    if (folder / BUDGETS).is_file():
        budgets, wrong = read_budgets(folder / BUDGETS, None if problems else book)
        problems += wrong
    if problems:
        raise SettingsError(problems)
    return book, budgets


def files(folder: Path) -> list[Path]:
    """The files that `load` reads, in order of their names."""
    return sorted(one for one in folder.glob("*.yaml") if one.is_file())


def read_channel(path: Path) -> tuple[Channel | None, list[str]]:
    """One channel's prices, or what is wrong with its file."""
    problems = Problems(path)
    node = root(path, problems)
    if node is None:
        return None, problems.found
    keys = node.mapping(needs=("channel", "currency", "lists"), may=())
    channel = _named(keys.get("channel"))
    currency = _currency(keys.get("currency"))
    found: list[tuple[PriceList, Node]] = []
    for item in keys["lists"].items() if "lists" in keys else []:
        one = _list(item)
        if one is not None:
            found.append((one, item))
    if "lists" in keys and not found and not problems.found:
        keys["lists"].wrong("is empty: add a list with valid_from, source, confidence and prices")
    _in_time(found)
    if problems.found:
        return None, problems.found
    lists = tuple(sorted((one for one, _ in found), key=lambda one: one.valid_from))
    return Channel(channel, currency, lists, str(path)), []


def _list(item: Node) -> PriceList | None:
    keys = item.mapping(
        needs=("valid_from", "source", "confidence", "prices"), may=("valid_until", "markets", "failed")
    )
    begin = _day(keys.get("valid_from"))
    end = _day(keys["valid_until"]) if "valid_until" in keys else None
    if begin is not None and end is not None and end <= begin:
        keys["valid_until"].wrong("is not after valid_from: it is the first day on which the prices hold no more")
    confidence = _chosen(keys.get("confidence"), Confidence)
    source = keys["source"].text() if "source" in keys else ""
    failed = "free"
    if "failed" in keys and (failed := keys["failed"].text()) not in ("free", "billed"):
        keys["failed"].wrong("should be `free` or `billed`: what the channel could not deliver")
    market_of = _markets(keys.get("markets"))
    prices = _prices(keys.get("prices"), market_of)
    if begin is None or confidence is None:
        return None
    return PriceList(begin, end, source, confidence, market_of, prices, failed == "free")


def _markets(node: Node | None) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, countries in (node.mapping() if node is not None else {}).items():
        if name in COUNTRIES or name == REST:
            countries.wrong("is a country's own name: call a market of several countries by a word, such as rest_of_asia")
        for one in countries.items():
            country = one.text()
            if country and country not in COUNTRIES:
                one.wrong(f"is no country: two capital letters (ISO 3166), such as NL, not {country}")
            elif country in found:
                one.wrong(f"overlaps: {country} is in {found[country]} already; keep one")
            elif country:
                found[country] = name
    return found


def _prices(node: Node | None, market_of: Mapping[str, str]) -> dict[str, dict[str, int | None]]:
    found: dict[str, dict[str, int | None]] = {}
    nodes = node.mapping() if node is not None else {}
    for name, categories in nodes.items():
        if name in market_of:
            categories.wrong(f"overlaps: {name} is in the market {market_of[name]} already; take it out of one of them")
        elif name not in COUNTRIES and name not in market_of.values() and name != REST:
            categories.wrong('is no country (NL), no market of this list and not "*": name it under `markets`')
        found[name] = {category: _price(one) for category, one in categories.mapping(may=CATEGORIES).items()}
    for market in sorted(set(market_of.values()) - set(found)):
        if node is not None:
            node.wrong(f"has a gap: no prices for the market {market}; add them")
    every = {category for prices in found.values() for category in prices}
    for name, prices in found.items():
        if missing := sorted(every - set(prices)):
            words = ", ".join(missing)
            nodes[name].wrong(f"has a gap: no price for {words}, as other markets have; add it, or write `unknown`")
    if node is not None and not found:
        node.wrong("is empty: add at least one market with its categories")
    return found


def _price(node: Node) -> int | None:
    text = node.text()
    if text in ("unknown", ""):
        return None
    return _amount(node, text)


def _amount(node: Node, text: str) -> int | None:
    try:
        return amount.parse(text)
    except ValueError as error:
        node.wrong(str(error))
        return None


def _in_time(found: list[tuple[PriceList, Node]]) -> None:
    """Lists follow one another: the same day twice, or an end after the next begin, is an overlap; an end before it a gap."""
    ordered = sorted(found, key=lambda pair: pair[0].valid_from)
    for (one, _), (after, item) in itertools.pairwise(ordered):
        if after.valid_from == one.valid_from:
            item.wrong(f"overlaps: two lists are valid from {one.valid_from}; keep one, or mend a day")
        elif one.valid_until is not None and one.valid_until > after.valid_from:
            item.wrong(f"overlaps: the list before is valid until {one.valid_until}; begin this one then, or end that one")
        elif one.valid_until is not None and one.valid_until < after.valid_from:
            item.wrong(
                f"leaves a gap: no list holds from {one.valid_until} to {after.valid_from}; "
                "leave out valid_until of the list before, or mend a day"
            )


def read_budgets(path: Path, book: Book | None) -> tuple[tuple[Budget, ...], list[str]]:
    """The budgets of a file, or what is wrong with it. book: whose currencies they must have; None = not looked at."""
    problems = Problems(path)
    node = root(path, problems)
    keys = node.mapping(needs=("budgets",), may=()) if node is not None else {}
    found: dict[str, Budget] = {}
    currencies = sorted({one.currency for one in book.channels.values()}) if book is not None else []
    for item in keys["budgets"].items() if "budgets" in keys else []:
        one = item.mapping(needs=("name", "per", "limit", "currency"), may=("brand", "warn_at"))
        name, currency = _named(one.get("name")), _currency(one.get("currency"))
        limit = _amount(one["limit"], one["limit"].text()) if "limit" in one else None
        per = _chosen(one.get("per"), Per)
        brand = _named(one["brand"]) if "brand" in one else None
        if limit == 0:
            one["limit"].wrong("is 0, which would hold everything: use `stop`, or give a limit over 0")
        if name in found:
            one["name"].wrong(f"stands twice: {name}; give one of them another name")
        if book is not None and currency and currency not in currencies:
            has = f"prices are in {', '.join(currencies)}" if currencies else "there are no prices yet"
            one["currency"].wrong(f"is the wrong currency: {has}, so a budget in {currency} would never count anything")
        if limit and per is not None and name:
            found[name] = Budget(name, brand, per, limit, currency, _percent(one.get("warn_at")))
    return tuple(found.values()), problems.found


def _percent(node: Node | None) -> int:
    if node is None:
        return WARN_AT
    text = node.text()
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 99:
        node.wrong("should be a whole number of per cent from 1 to 99")
        return WARN_AT
    return int(text)


def _named(node: Node | None) -> str:
    text = node.text() if node is not None else ""
    if node is not None and text and not _NAME.fullmatch(text):
        node.wrong("should be a word of small letters, digits, - and _, at most 32")
        return ""
    return text


def _currency(node: Node | None) -> str:
    text = node.text() if node is not None else ""
    if node is not None and text and not is_currency(text):
        node.wrong(f"is no currency: three capital letters (ISO 4217), such as EUR, not {text[:12]}")
        return ""
    return text


def _chosen(node: Node | None, words: type[Word]) -> Word | None:
    text = node.text() if node is not None else ""
    try:
        return words(text) if text else None
    except ValueError:
        assert node is not None
        node.wrong(f"should be one of {', '.join(words)}")
        return None


def _day(node: Node | None) -> date | None:
    text = node.text() if node is not None else ""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        assert node is not None
        node.wrong("should be a day such as 2026-10-01")
        return None
