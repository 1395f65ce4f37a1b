"""The signature of a wallet pass, judged by openssl with a certificate authority of our own."""

from __future__ import annotations

import io
import subprocess
import zipfile
from pathlib import Path

import pytest

from gateway.documents.apple_wallet import passes, sign
from gateway.documents.paper import Paper
from gateway.documents.wallet_images import images
from gateway.documents.wallet_keys import AppleKeys, apple_keys
from gateway.notifications.brands import Look
from gateway.settings import read
from tests.support.papers import BRANDS, PASS, blind
from tests.support.wallet_keys import NOW_MS, apple_environment, authority, cert_pem


@pytest.fixture(scope="module")
def keys() -> AppleKeys:
    found = apple_keys(read(apple_environment(), None))
    assert found is not None
    return found


def made(paper: Paper, keys: AppleKeys) -> dict[str, bytes]:
    pictures = images(Look(), Path("/nowhere"))
    data, _ = passes(paper, "nl", brand=BRANDS[paper.brand], keys=keys, blind=blind, images=pictures)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def judged(folder: Path, inside: dict[str, bytes], manifest: bytes | None = None) -> subprocess.CompletedProcess[str]:
    (folder / "manifest.json").write_bytes(manifest if manifest is not None else inside["manifest.json"])
    (folder / "signature").write_bytes(inside["signature"])
    (folder / "root.pem").write_text(cert_pem(authority().root))
    command = "openssl smime -verify -binary -inform DER -in signature -content manifest.json -CAfile root.pem -purpose any"
    # Our authority lives in the story's time, wherever the clock of this machine stands.
    return subprocess.run(
        [*command.split(), "-attime", str(NOW_MS // 1000), "-out", "/dev/null"],
        cwd=folder, capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip


def test_openssl_agrees_with_the_signature_and_not_after_one_byte_changed(keys: AppleKeys, tmp_path: Path) -> None:
    inside = made(PASS, keys)
    good = judged(tmp_path, inside)
    assert (good.returncode, good.stderr.strip()) == (0, "Verification successful")
    manifest = bytearray(inside["manifest.json"])
    manifest[20] ^= 1
    bad = judged(tmp_path, inside, bytes(manifest))
    assert bad.returncode != 0
    assert "digest failure" in bad.stderr


def test_line_feeds_are_signed_as_they_are(keys: AppleKeys, tmp_path: Path) -> None:
    manifest = b'{\n  "pass.json": "0"\n}\n'
    assert judged(tmp_path, {"signature": sign(manifest, keys)}, manifest).returncode == 0


def test_the_signature_is_detached_and_carries_its_time_and_the_intermediate(keys: AppleKeys, tmp_path: Path) -> None:
    inside = made(PASS, keys)
    (tmp_path / "signature").write_bytes(inside["signature"])
    told = subprocess.run(
        ["openssl", "cms", "-cmsout", "-print", "-noout", "-inform", "DER", "-in", "signature"],
        cwd=tmp_path, capture_output=True, text=True, timeout=20, check=True,
    ).stdout  # fmt: skip
    assert "signingTime" in told
    assert "sha256" in told
    assert "CN=Test WWDR" in told.replace(" = ", "=")
    assert inside["manifest.json"] not in inside["signature"]


