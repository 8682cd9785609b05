"""Signatures by public keys given as JWK (RFC 7517): Ed25519 and RSA, with the package cryptography, else with the command openssl 3."""
import base64, binascii, subprocess, tempfile
from pathlib import Path

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
except ImportError:
    hashes = None


def b64url(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64url(text):
    """Base64url has several texts for the same bytes; only one of them was signed and hashed."""
    try:
        raw = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (binascii.Error, UnicodeEncodeError):
        raw = None
    if not text or raw is None or b64url(raw) != text:
        raise ValueError("not base64url")
    return raw


# Hash and salt by algorithm: RFC 7518 3.5 (PS256, of the platform), RFC 9421 3.3.1 and 3.3.2 (of a destination). No salt: PKCS #1 v1.5.
RSA = {"PS256": ("sha256", 32), "rsa-pss-sha512": ("sha512", 64), "rsa-v1_5-sha256": ("sha256", None)}


def holds(jwk, alg, text, signature):
    if hashes is None:
        return openssl_holds(jwk, alg, text, signature)
    try:
        if alg == "EdDSA":  # Ed25519 (RFC 8032)
            ed25519.Ed25519PublicKey.from_public_bytes(unb64url(jwk["x"])).verify(signature, text)
        else:
            name, salt = RSA[alg]
            n, e = (int.from_bytes(unb64url(jwk[member]), "big") for member in "ne")
            digest = getattr(hashes, name.upper())()
            scheme = padding.PSS(padding.MGF1(digest), salt) if salt else padding.PKCS1v15()
            rsa.RSAPublicNumbers(e, n).public_key().verify(signature, text, scheme, digest)
        return True
    except InvalidSignature:
        return False


def der(tag, *parts):
    body = b"".join(parts)
    length = bytes([len(body)]) if len(body) < 128 else b"\x82" + len(body).to_bytes(2, "big")
    return bytes([tag]) + length + body


def openssl_holds(jwk, alg, text, signature):
    options = ["-rawin"]
    if alg == "EdDSA":  # SubjectPublicKeyInfo of RFC 8410
        spki = der(0x30, der(0x30, b"\x06\x03\x2b\x65\x70"), der(0x03, b"\0", unb64url(jwk["x"])))
    else:
        numbers = der(0x30, *(der(0x02, b"\0" + unb64url(jwk[name])) for name in "ne"))
        spki = der(0x30, der(0x30, bytes.fromhex("06092a864886f70d010101"), b"\x05\0"), der(0x03, b"\0", numbers))
        name, salt = RSA[alg]
        pss = ["rsa_padding_mode:pss", f"rsa_pss_saltlen:{salt}"] if salt else []
        options += ["-digest", name, *(word for option in pss for word in ("-pkeyopt", option))]
    with tempfile.TemporaryDirectory() as folder:
        files = {name: Path(folder, name) for name in ("key", "text", "signature")}
        for name, content in (("key", spki), ("text", text), ("signature", signature)):
            files[name].write_bytes(content)
        command = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", files["key"], "-in", files["text"]]
        return subprocess.run([*command, "-sigfile", files["signature"], *options], capture_output=True).returncode == 0
