"""https, by a really started `foveal serve`."""

from __future__ import annotations

import os
import re
import ssl
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import openai
import pytest

from foveal.errors import SettingsError
from foveal.runtime import tls as tls_module
from foveal.runtime.tls import Tls, check, expiry, made_certificate


@contextmanager
def started(home: Path, *arguments: str, **environment: str) -> Iterator[tuple[str, str]]:
    """`foveal serve` on a free port; gives its address and all that it said."""
    command = [sys.executable, "-m", "foveal", "--home", str(home), "--offline", "serve", "--port", "0", *arguments]
    clean = {k: v for k, v in os.environ.items() if not k.startswith("FOVEAL_")}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=clean | environment)
    said: list[str] = []
    spoken = process.stderr
    assert spoken is not None
    reader = threading.Thread(target=lambda: said.extend(iter(spoken.readline, "")), daemon=True)
    reader.start()
    try:
        end = time.monotonic() + 30
        while not (found := re.search(r"Serving on (\S+)", "".join(said))):
            assert process.poll() is None, "".join(said)
            assert time.monotonic() < end
            time.sleep(0.02)
        time.sleep(0.3)  # the rest of what it says
        yield found[1], "".join(said)
    finally:
        process.terminate()
        process.wait(20)
        reader.join(5)
        spoken.close()


def made_key(home: Path) -> str:
    command = [sys.executable, "-m", "foveal", "--home", str(home), "keys", "create", "anna"]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.strip()


def test_clients_that_trust_the_made_certificate_work_over_https(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = made_key(tmp_path)
    certificate = tmp_path / "tls" / "certificate.pem"
    with started(tmp_path, "--tls") as (url, said):
        assert url.startswith("https://127.0.0.1:")
        assert f"SSL_CERT_FILE={certificate}" in said
        assert f"NODE_EXTRA_CA_CERTS={certificate}" in said
        assert key not in said
        trust = ssl.create_default_context(cafile=str(certificate))
        with httpx.Client(verify=trust, trust_env=False) as http:
            for name in ("127.0.0.1", "localhost"):
                address = url.replace("127.0.0.1", name)
                assert http.get(f"{address}/v1/indexes", headers={"api-key": key}).json() == {"indexes": []}
            assert http.get(f"{url}/v1/indexes").status_code == 401
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))  # as the command said
        with openai.AzureOpenAI(azure_endpoint=url, api_key=key, api_version="2024-10-21", max_retries=0) as client:
            assert [m.id for m in client.models.list()]
        monkeypatch.undo()
        with (
            pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"),
            httpx.Client(trust_env=False) as http,
        ):
            http.get(url)
        with pytest.raises(httpx.RemoteProtocolError), httpx.Client(trust_env=False) as http:
            http.get(url.replace("https", "http"))


def test_an_operators_certificate_and_key_with_a_password_are_served(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization

    made = made_certificate(tmp_path / "made", "127.0.0.1")
    assert made.key is not None
    key = serialization.load_pem_private_key(made.key.read_bytes(), None)
    locked = tmp_path / "locked.pem"
    locked.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"open sesame"),
        )
    )
    files = ("--ssl-certfile", str(made.certificate), "--ssl-keyfile", str(locked))
    with started(tmp_path / "home", *files, FOVEAL_SERVE_SSL_KEYFILE_PASSWORD="open sesame") as (url, said):
        assert "NODE_EXTRA_CA_CERTS" not in said
        trust = ssl.create_default_context(cafile=str(made.certificate))
        assert httpx.get(f"{url}/healthz", verify=trust, trust_env=False).json() == {"status": "ok"}


def test_the_made_certificate_is_kept_private_and_used_again(tmp_path: Path) -> None:
    folder = tmp_path / "tls"
    first = made_certificate(folder, "127.0.0.1")
    assert first.key is not None
    before = first.certificate.read_bytes(), first.key.read_bytes()
    for file in folder.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    again = made_certificate(folder, "0.0.0.0")
    assert (again.certificate.read_bytes(), first.key.read_bytes()) == before
    other = made_certificate(folder, "photos.example")  # a name it does not have yet
    assert other.certificate.read_bytes() != before[0]
    check(other)


def test_a_made_certificate_that_soon_expires_or_is_broken_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls_module, "DAYS", tls_module.RENEWED_DAYS - 1)
    old = made_certificate(tmp_path, "::1").certificate.read_bytes()
    monkeypatch.undo()
    fresh = made_certificate(tmp_path, "::1")
    assert fresh.certificate.read_bytes() != old
    left = expiry(fresh.certificate) - datetime.now(UTC)
    assert timedelta(days=tls_module.DAYS - 1) < left <= timedelta(days=tls_module.DAYS)
    fresh.certificate.write_text("broken")
    check(made_certificate(tmp_path, "::1"))


def test_files_that_do_not_fit_are_refused_at_the_start(tmp_path: Path) -> None:
    one, two = made_certificate(tmp_path / "1", "a"), made_certificate(tmp_path / "2", "b")
    with pytest.raises(SettingsError, match="cannot be used"):
        check(Tls(certificate=one.certificate, key=two.key))
    with pytest.raises(SettingsError, match="cannot be read"):
        check(Tls(certificate=tmp_path / "none.pem", key=one.key))
    text = tmp_path / "text.pem"
    text.write_text("no certificate")
    with pytest.raises(SettingsError, match="cannot be used"):
        check(Tls(certificate=text, key=one.key))
    assert "sesame" not in repr(Tls(certificate=text, key=None, password="sesame"))
