"""A self-signed certificate for the demo, so that real tablets in the room can be tried over HTTPS."""

import datetime
import ipaddress
import socket
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAYS = 365


def own_address() -> str:
    """The address under which others in the local network see this machine (nothing is sent)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"


def self_signed(folder: Path) -> tuple[Path, Path]:
    """The paths of certificate and key, made when they are missing, about to expire or for another address."""
    certificate, key, made_for = (
        folder / "demo-certificate.pem",
        folder / "demo-key.pem",
        folder / "demo-tls-address",
    )
    address = own_address()
    if certificate.exists() and key.exists() and made_for.exists() and made_for.read_text() == address:
        until = x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc
        if until > datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=7):
            return certificate, key
    folder.mkdir(parents=True, exist_ok=True)
    secret = ec.generate_private_key(ec.SECP256R1())
    key.touch(mode=0o600)
    key.write_bytes(
        secret.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    certificate.write_bytes(_certificate(secret, address).public_bytes(serialization.Encoding.PEM))
    made_for.write_text(address)
    return certificate, key


def _certificate(secret: ec.EllipticCurvePrivateKey, address: str) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Kypho demo")])
    now = datetime.datetime.now(datetime.UTC)
    addresses = {ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address(address)}
    others: list[x509.GeneralName] = [x509.DNSName("localhost"), x509.DNSName(socket.gethostname())]
    others += [x509.IPAddress(found) for found in sorted(addresses)]
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(secret.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=DAYS))
        .add_extension(x509.SubjectAlternativeName(others), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(secret, hashes.SHA256())
    )
