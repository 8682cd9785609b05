"""Signatures by public keys given as JWK (RFC 7517), Ed25519 and RSA: the package cryptography verifies them."""
import base64

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

# Hash and salt by algorithm: RFC 7518 3.5 (PS256, of the platform), RFC 9421 3.3.1 and 3.3.2 (of a destination). No salt: PKCS #1 v1.5.
RSA = {"PS256": (hashes.SHA256(), 32), "rsa-pss-sha512": (hashes.SHA512(), 64), "rsa-v1_5-sha256": (hashes.SHA256(), None)}


def b64url(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64url(text):
    """Base64url has several texts for the same bytes; only one of them was signed and hashed. ValueError for any other."""
    raw = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    if not raw or b64url(raw) != text:
        raise ValueError("not base64url")
    return raw


def holds(jwk, alg, text, signature):
    """Whether the signature is the key's. ValueError where the key is none."""
    try:
        if alg == "EdDSA":  # Ed25519 (RFC 8032)
            ed25519.Ed25519PublicKey.from_public_bytes(unb64url(jwk["x"])).verify(signature, text)
        else:
            digest, salt = RSA[alg]
            n, e = (int.from_bytes(unb64url(jwk[member]), "big") for member in "ne")
            scheme = padding.PSS(padding.MGF1(digest), salt) if salt else padding.PKCS1v15()
            rsa.RSAPublicNumbers(e, n).public_key().verify(signature, text, scheme, digest)
        return True
    except InvalidSignature:
        return False
