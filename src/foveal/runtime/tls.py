"""Certificates of the HTTP server: the operator's, or one made here for trying out.

Several clients of the retired services refuse plain http. A certificate made here signs itself, so that a client must
be told to trust it; it is for this machine and the address served, not for the internet.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from foveal.errors import SettingsError, StoreError

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

    from foveal.settings import Settings
    from foveal.settings.serving import Serving

DAYS = 397
"""Longest life that browsers and Apple's systems take of any certificate (CA/Browser Forum, ballot SC31)."""
RENEWED_DAYS = 7
"""A certificate with less to live is made anew at the next start."""
LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - recognised, not listened on
FOLDER, CERTIFICATE, KEY = "tls", "certificate.pem", "key.pem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """What the server's TLS works with.

    Attributes:
        made: Whether Foveal made the certificate: then clients must be told to trust it.
    """

    certificate: Path
    key: Path | None
    password: str = field(default="", repr=False)
    made: bool = False


def tls_of(settings: Settings) -> Tls | None:
    """As the settings say, checked by opening it; None: plain http.

    Raises:
        SettingsError: A file is missing, they do not fit, or the password is wrong.
        StoreError: A certificate cannot be written into the home.
    """
    serving = settings.serve
    tls = given(serving)
    if tls is not None:
        check(tls)
        return tls
    return made_certificate(settings.home / FOLDER, serving.host) if serving.tls else None


def given(serving: Serving) -> Tls | None:
    """The operator's files; None when none are named.

    Raises:
        SettingsError: A key without its certificate.
    """
    if serving.ssl_certfile:
        key = Path(serving.ssl_keyfile) if serving.ssl_keyfile else None
        password = serving.ssl_keyfile_password.get_secret_value()
        return Tls(certificate=Path(serving.ssl_certfile), key=key, password=password)
    if serving.ssl_keyfile:
        raise SettingsError(
            "serve.ssl_keyfile is set without serve.ssl_certfile.", remedy="Name the certificate of that key too."
        )
    return None


def check(tls: Tls) -> None:
    """Open certificate and key.

    Raises:
        SettingsError: They cannot be used together.
    """
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls.certificate, tls.key, password=lambda: tls.password)
    except ssl.SSLError as error:
        raise SettingsError(
            f"The certificate {tls.certificate} and its key cannot be used: {error.reason or 'wrong password'}.",
            remedy="Give PEM files that belong together, and the key's password if it has one.",
        ) from None
    except OSError as error:
        missing = error.filename or tls.certificate
        raise SettingsError(f"{missing} cannot be read: {error.strerror}.", remedy="Name a file that can.") from None


def made_certificate(folder: Path, host: str) -> Tls:
    """The certificate kept in `folder`; made when there is none for this host, or it soon expires.

    Raises:
        StoreError: It cannot be written.
    """
    kept = Tls(certificate=folder / CERTIFICATE, key=folder / KEY, made=True)
    try:
        if not _serves(kept, host):
            _make(kept, folder, host)
    except OSError as error:
        raise StoreError(
            f"No certificate can be kept in {folder}: {error.strerror}.", remedy="Give yourself access to that folder."
        ) from None
    return kept


def expiry(certificate: Path) -> datetime:
    """When a PEM certificate expires, aware.

    Raises:
        SettingsError: It is none.
    """
    return _parsed(certificate).not_valid_after_utc


def _parsed(certificate: Path) -> x509.Certificate:
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificate(certificate.read_bytes())
    except ValueError:
        raise SettingsError(f"{certificate} is no PEM certificate.", remedy="Name one, or remove the file.") from None


def _serves(tls: Tls, host: str) -> bool:
    from cryptography import x509

    try:
        check(tls)
        certificate = _parsed(tls.certificate)
    except SettingsError:
        return False
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    fresh = datetime.now(UTC) < certificate.not_valid_after_utc - timedelta(days=RENEWED_DAYS)
    return fresh and all(name in names for name in _names(host))


def _names(host: str) -> list[x509.GeneralName]:
    from cryptography import x509

    found: list[x509.GeneralName] = []
    for name in dict.fromkeys((*LOCAL_NAMES, *({host} - EVERYWHERE))):
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            found.append(x509.DNSName(name))
    return found


def _make(tls: Tls, folder: Path, host: str) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _signed(key, host)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for path, data in (
        (folder / KEY, private),
        (tls.certificate, certificate.public_bytes(serialization.Encoding.PEM)),
    ):
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)


def _signed(key: EllipticCurvePrivateKey, host: str) -> x509.Certificate:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Foveal on this machine")])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))  # clocks differ
        .not_valid_after(now + timedelta(days=DAYS))
        .add_extension(x509.SubjectAlternativeName(_names(host)), critical=False)
        # Its own authority, for nothing but itself: OpenSSL and Node trust it as one when it is named to them.
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .add_extension(_key_usage(), critical=True)
    )
    return builder.sign(key, hashes.SHA256())


def _key_usage() -> x509.KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
