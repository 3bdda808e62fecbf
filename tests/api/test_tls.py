"""https, by a really started `foveal serve`."""

from __future__ import annotations

import ssl
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import openai
import pytest

from foveal.errors import SettingsError
from foveal.runtime import tls as tls_module
from foveal.runtime.tls import Tls, check, expiry, made_certificate
from foveal.testing.serving import environment, launched


def made_key(home: Path) -> str:
    command = [sys.executable, "-m", "foveal", "keys", "create", "anna"]
    environ = environment(home=home)
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60, env=environ).stdout.strip()


def test_clients_that_trust_the_made_certificate_work_over_https(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = made_key(tmp_path)
    certificate = tmp_path / "tls" / "certificate.pem"
    with launched(environment(home=tmp_path, offline=1), "--tls") as running:
        url = running.address
        assert url.startswith("https://127.0.0.1:")
        trust = ssl.create_default_context(cafile=str(certificate))
        with httpx.Client(verify=trust, trust_env=False, timeout=20) as http:
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
            httpx.Client(trust_env=False, timeout=20) as http,
        ):
            http.get(url)
        with pytest.raises(httpx.RemoteProtocolError), httpx.Client(trust_env=False, timeout=20) as http:
            http.get(url.replace("https", "http"))
    assert f"SSL_CERT_FILE={certificate}" in running.said
    assert f"NODE_EXTRA_CA_CERTS={certificate}" in running.said
    assert key not in running.said


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
    environ = environment(home=tmp_path / "home", offline=1, serve_ssl_keyfile_password="open sesame")
    with launched(environ, *files) as running:
        trust = ssl.create_default_context(cafile=str(made.certificate))
        assert httpx.get(f"{running.address}/healthz", verify=trust, trust_env=False).json() == {"status": "ok"}
    assert "NODE_EXTRA_CA_CERTS" not in running.said


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
