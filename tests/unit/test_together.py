"""Those who wait share one write; each is answered for its own record, whatever becomes of the others."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from gateway.errors import StoreUnavailable
from gateway.store.together import MOST_BYTES, Together
from tests.support.waiting import wait_until


class Disk:
    """Writes when it is told to. broken: records that it refuses; lost: a write with one of these is not answered at all."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.open = asyncio.Event()
        self.broken: set[str] = set()
        self.lost: set[str] = set()

    async def write(self, records: Sequence[str]) -> list[str | Exception]:
        self.groups.append(list(records))
        await self.open.wait()
        if self.lost & set(records):
            raise StoreUnavailable("down")
        return [StoreUnavailable(one) if one in self.broken else one.upper() for one in records]


@pytest.fixture
async def disk() -> Disk:
    return Disk()


async def _asked(together: Together[str, str], *records: str) -> list[asyncio.Task[str]]:
    """One who waits for each, the first already being written."""
    tasks = [asyncio.create_task(together.add(one, len(one))) for one in records]
    await asyncio.sleep(0)
    return tasks


async def test_who_comes_while_one_is_written_shares_the_next_write_in_order(disk: Disk) -> None:
    together = Together[str, str](disk.write)
    tasks = await _asked(together, "a")
    await wait_until(lambda: disk.groups)
    tasks += await _asked(together, *"bcdefgh")
    disk.open.set()
    assert await asyncio.gather(*tasks) == list("ABCDEFGH")
    assert disk.groups == [["a"], list("bcdefgh")]


async def test_who_comes_at_the_same_time_shares_the_first_write(disk: Disk) -> None:
    disk.open.set()
    together = Together[str, str](disk.write)
    await asyncio.gather(*(together.add(one, 1) for one in "abc"))
    assert disk.groups == [list("abc")]


async def test_only_the_record_that_was_refused_is_told_so(disk: Disk) -> None:
    disk.open.set()
    disk.broken = {"b"}
    together = Together[str, str](disk.write)
    answers = await asyncio.gather(*(together.add(one, 1) for one in "abc"), return_exceptions=True)
    assert [answers[0], answers[2]] == ["A", "C"]
    assert isinstance(answers[1], StoreUnavailable)


async def test_a_lost_write_is_told_to_its_own_group_alone(disk: Disk) -> None:
    together = Together[str, str](disk.write, most=2)
    disk.open.set()
    disk.lost = {"c"}
    answers = await asyncio.gather(*(together.add(one, 1) for one in "abcdef"), return_exceptions=True)
    assert [type(one) for one in answers[2:4]] == [StoreUnavailable, StoreUnavailable]
    assert answers[:2] + answers[4:] == ["A", "B", "E", "F"]


async def test_who_goes_away_harms_nobody_and_its_record_is_written(disk: Disk) -> None:
    together = Together[str, str](disk.write)
    tasks = await _asked(together, "a")
    await wait_until(lambda: disk.groups)
    tasks += await _asked(together, *"bcd")
    tasks[0].cancel()  # being written, and the one whose coming began it
    tasks[2].cancel()  # still waiting
    await asyncio.wait([tasks[0], tasks[2]])
    disk.open.set()
    assert await asyncio.gather(tasks[1], tasks[3]) == ["B", "D"]
    assert disk.groups == [["a"], list("bcd")]


async def test_what_waits_is_bounded_and_the_room_comes_back(disk: Disk) -> None:
    together = Together[str, str](disk.write, waiting_bytes=10)
    tasks = await _asked(together, "aaaa", "bbbb")
    with pytest.raises(StoreUnavailable, match="too much"):
        await together.add("cccc", 4)
    disk.open.set()
    assert await asyncio.gather(*tasks) == ["AAAA", "BBBB"]
    assert await together.add("cccccccccc", 10) == "CCCCCCCCCC"


async def test_one_write_takes_so_many_bytes_and_a_larger_record_goes_alone(disk: Disk) -> None:
    disk.open.set()
    together = Together[str, str](disk.write)
    sizes = {"a": MOST_BYTES // 2, "b": MOST_BYTES // 2, "c": 1, "d": 3 * MOST_BYTES, "e": 1}
    await asyncio.gather(*(together.add(one, size) for one, size in sizes.items()))
    assert disk.groups == [["a", "b"], ["c"], ["d"], ["e"]]


async def test_who_adds_while_the_last_writer_ends_is_not_forgotten(disk: Disk) -> None:
    disk.open.set()
    together = Together[str, str](disk.write)

    async def one_after_another(name: str) -> None:
        for _ in range(50):
            async with asyncio.timeout(5):
                await together.add(name, 1)

    await asyncio.gather(one_after_another("a"), one_after_another("b"))
    assert sum(len(group) for group in disk.groups) == 100


async def test_closing_waits_for_what_is_on_its_way(disk: Disk) -> None:
    together = Together[str, str](disk.write)
    (task,) = await _asked(together, "a")
    await wait_until(lambda: disk.groups)
    closing = asyncio.create_task(together.close())
    await asyncio.sleep(0)
    assert not closing.done()
    disk.open.set()
    await closing
    assert await task == "A"


async def test_a_writer_that_is_ended_leaves_nobody_waiting(disk: Disk) -> None:
    together = Together[str, str](disk.write, most=1)
    tasks = await _asked(together, "a", "b")
    await wait_until(lambda: disk.groups)
    (writer,) = [task for task in asyncio.all_tasks() if task.get_name() == "together"]
    writer.cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(one) for one in answers] == [StoreUnavailable, StoreUnavailable]
    disk.open.set()
    assert await together.add("c", 1) == "C"
