"""The key ring opens what the store holds. A lost key is lost data, and nobody should learn that from a message not sent."""

from __future__ import annotations

from gateway.cli.checks.case import Case
from gateway.cli.checks.finding import Finding, fail, note, ok
from gateway.errors import Sealed, SettingsError
from gateway.model.ids import ContactId
from gateway.model.personal import Secret
from gateway.store import keys
from gateway.store.vault import KeyMissing, KeyRing, Vault

SAMPLE = 20
"""Contacts looked at in each partition, from the one not seen for longest and from the one seen last."""
DAYS = 10

_MEND = (
    "put the missing key back into GATEWAY_KEYS from the copy that you keep outside the backups; new ones are added in front "
    "by `python main.py keys rotate`, old ones stay until nothing is wrapped by them"
)


async def keyring(case: Case) -> list[Finding]:
    """Every version of the wrapping key that the store speaks of is in the ring, and is the right one."""
    check, settings = "keys", case.settings
    redis = (await case.store()).redis
    contacts = await _versions(case)
    days = await _days(case)
    # Not vault.ring_for: it makes a ring where there is none, and a doctor changes nothing.
    path = settings.data_dir / "keys"
    text = settings.keys
    if text is None and not path.is_file():
        if contacts or days:
            what = "the store holds sealed data and there is no key ring"
            return fail(check, what, f"set GATEWAY_KEYS, or bring back {path}: nothing can be opened without it")
        return note(check, f"no key ring yet: the first start makes one in {path}")
    try:
        ring = KeyRing(text) if text is not None else KeyRing(Secret(path.read_text().strip()))
    except (SettingsError, OSError) as error:
        return fail(check, str(error), "`python main.py keys new` shows the form; never replace a ring that is in use")
    vault = Vault(ring, redis)
    lost: list[str] = []
    for version, contact in contacts.items():
        try:
            await vault.contact_box(contact)
        except (Sealed, KeyMissing):
            lost.append(f"key {version} {'is another one' if _has(ring, version) else 'is missing'}")
    for day in days:
        try:
            await vault.past_day_box(day)
        except (Sealed, KeyMissing):
            lost.append(f"the key that wraps {day}")
    if lost:
        return fail(check, f"GATEWAY_KEYS cannot open what the store holds: {', '.join(dict.fromkeys(lost))}", _MEND)
    if text is None:
        mend = "before production: copy its content to GATEWAY_KEYS, and keep a copy outside the backups"
        return note(check, f"the key ring lies beside the data, in {path}", mend)
    seen = f"keys {', '.join(sorted(contacts))} in use" if contacts else "nothing sealed yet"
    return ok(check, f"the key ring opens what the store holds ({seen}, {len(days)} days)")


def _has(ring: KeyRing, version: str) -> bool:
    return version.isdigit() and int(version) in ring.wrapping


async def _versions(case: Case) -> dict[str, ContactId]:
    """Version of the wrapping key -> a contact whose key is wrapped by it, from a sample of every partition."""
    redis = (await case.store()).redis
    pipeline = redis.pipeline(transaction=False)
    for partition in keys.all_partitions():
        pipeline.zrange(keys.part(partition, "all"), 0, SAMPLE - 1)
        pipeline.zrevrange(keys.part(partition, "all"), 0, SAMPLE - 1)
    contacts = list(dict.fromkeys(ContactId(bytes(one).decode()) for some in await pipeline.execute() for one in some))
    pipeline = redis.pipeline(transaction=False)
    for contact in contacts:
        pipeline.get(keys.of(contact, "k"))
    found: dict[str, ContactId] = {}
    for contact, wrapped in zip(contacts, await pipeline.execute() if contacts else [], strict=True):
        if wrapped is not None:  # none: erased
            found.setdefault(bytes(wrapped).partition(b"|")[0].decode(), contact)
    return found


async def _days(case: Case) -> list[str]:
    """Days whose key the store has; asking the vault for another would make one."""
    redis = (await case.store()).redis
    days = [Vault.day_of(case.clock.now_ms() - number * keys.DAY_MS) for number in range(-1, DAYS)]
    pipeline = redis.pipeline(transaction=False)
    for day in days:
        pipeline.exists(keys.day_key(day))
    return [day for day, there in zip(days, await pipeline.execute(), strict=True) if there]
