#!/usr/bin/env python3
"""A second verifier of evidence, which shares no code with `lienthong verify`: checks a packet's receipts offline (protocol, section 8).

  verify.py <bundle.json> --jwks <jwks.json> [--content <file> …]
  verify.py vectors <folder>               prove it on docs/test-vectors/receipts.json

The bundle is what `lienthong receipts -o` writes, the key set what `lienthong jwks -o` does. Python 3.9 with the package cryptography, else with
the command openssl 3. Exit code 0 only for what is valid. What is checked is a list by kind of evidence: see CHECKS at the end.
"""
import base64, binascii, hashlib, json, subprocess, sys, tempfile, time
from pathlib import Path

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
except ImportError:
    hashes = None

RECEIPT_TYPE = "lienthong-receipt+jwt"


class Bad(Exception):
    """Why a piece of evidence proves nothing."""


def b64url(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64url(text):
    """Base64url has several texts for the same bytes; only one of them was signed and hashed."""
    try:
        raw = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (binascii.Error, UnicodeEncodeError):
        raw = None
    if not text or raw is None or b64url(raw) != text:
        raise Bad("not base64url")
    return raw


def sha256(data):
    return hashlib.sha256(data).digest()


# --- signatures by the platform's keys (JWS, RFC 7515) ---


def holds(jwk, alg, text, signature):
    """EdDSA: Ed25519 (RFC 8032). PS256: RSASSA-PSS with SHA-256 and a salt of 32 bytes (RFC 7518 3.5)."""
    if hashes is None:
        return openssl_holds(jwk, alg, text, signature)
    try:
        if alg == "EdDSA":
            ed25519.Ed25519PublicKey.from_public_bytes(unb64url(jwk["x"])).verify(signature, text)
        else:
            n, e = (int.from_bytes(unb64url(jwk[name]), "big") for name in "ne")
            pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
            rsa.RSAPublicNumbers(e, n).public_key().verify(signature, text, pss, hashes.SHA256())
        return True
    except InvalidSignature:
        return False


def der(tag, *parts):
    body = b"".join(parts)
    length = bytes([len(body)]) if len(body) < 128 else b"\x82" + len(body).to_bytes(2, "big")
    return bytes([tag]) + length + body


def openssl_holds(jwk, alg, text, signature):
    if alg == "EdDSA":  # SubjectPublicKeyInfo of RFC 8410
        spki = der(0x30, der(0x30, b"\x06\x03\x2b\x65\x70"), der(0x03, b"\0", unb64url(jwk["x"])))
        options = ["-rawin"]
    else:
        numbers = der(0x30, *(der(0x02, b"\0" + unb64url(jwk[name])) for name in "ne"))
        identifier = der(0x30, bytes.fromhex("06092a864886f70d010101"), b"\x05\0")
        spki = der(0x30, identifier, der(0x03, b"\0", numbers))
        options = ["-rawin", "-digest", "sha256", "-pkeyopt", "rsa_padding_mode:pss", "-pkeyopt", "rsa_pss_saltlen:32"]
    with tempfile.TemporaryDirectory() as folder:
        files = {name: Path(folder, name) for name in ("key", "text", "signature")}
        for name, content in (("key", spki), ("text", text), ("signature", signature)):
            files[name].write_bytes(content)
        command = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", files["key"], "-in", files["text"]]
        return subprocess.run([*command, "-sigfile", files["signature"], *options], capture_output=True).returncode == 0


def no_duplicates(pairs):
    names = dict(pairs)
    if len(names) != len(pairs):
        raise Bad("the same name twice")
    return names


def parse_object(raw, what):
    try:
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=no_duplicates)
    except ValueError:
        raise Bad(f"the {what} is not JSON") from None
    if not isinstance(value, dict):
        raise Bad(f"the {what} is not an object")
    return value


def open_jws(jws, keys, typ):
    """The claims of a compact JWS signed by one of the platform's keys. Every header field that could mean another thing is refused."""
    header_text, claims_text, signature = jws.split(".")
    header = parse_object(unb64url(header_text), "header")
    if "crit" in header or header.get("b64") is False:
        raise Bad("a header that must be understood is not")
    alg, kid = header.get("alg"), header.get("kid")
    key_type = {"EdDSA": ("OKP", "Ed25519"), "PS256": ("RSA", None)}.get(alg if isinstance(alg, str) else None)
    if key_type is None:
        raise Bad(f"algorithm {alg} is not one of the platform's")
    found = [key for key in keys if isinstance(kid, str) and key.get("kid") == kid]
    if len(found) != 1 or (found[0].get("kty"), found[0].get("crv")) != key_type or found[0].get("alg", alg) != alg:
        raise Bad(f"no key {kid} for {alg} in the key set")
    if not holds(found[0], alg, f"{header_text}.{claims_text}".encode(), unb64url(signature)):
        raise Bad("signature verification failed")
    if header.get("typ") != typ:
        raise Bad(f"typ is not {typ}")
    return parse_object(unb64url(claims_text), "payload")


# --- receipts of a packet: signed, of this packet, each with the hash of the one before ---


def check_receipts(bundle, keys):
    """[(index of the receipt, or -1 for the bundle; problem)], and the claims of those whose signature holds."""
    problems, claims, seen, prev = [], [], set(), None
    receipts = bundle.get("receipts")
    if not isinstance(receipts, list) or not receipts:
        return [(-1, "the bundle holds no receipt")], claims
    for index, receipt in enumerate(receipts):
        jws = receipt.get("jws") if isinstance(receipt, dict) else None
        try:
            if not isinstance(jws, str) or len([unb64url(segment) for segment in jws.split(".")]) != 3:
                raise Bad("not a compact JWS")
            found = open_jws(jws, keys, RECEIPT_TYPE)
            claims.append(found)
            if found.get("packetId") != bundle.get("packetId"):
                problems.append((index, f"is of packet {found.get('packetId')}"))
            if not isinstance(found.get("jti"), str) or not found["jti"] or found["jti"] in seen:
                problems.append((index, "has no jti of its own"))
            seen.add(str(found.get("jti")))
            if found.get("prev", "") != prev:
                problems.append((index, "does not follow the one before it" if index else "is not the first of its packet"))
        except Bad as bad:
            problems.append((index, str(bad)))
        prev = b64url(sha256(jws.encode())) if isinstance(jws, str) else None
    return problems, claims


# Kinds of evidence by the member that tells them: a further kind is a line here. Ranges of the audit log have verify_audit.py.
CHECKS = {"receipts": check_receipts}


def check(bundle, keys):
    for member, checker in CHECKS.items():
        if member in bundle:
            return checker(bundle, keys)
    return [(-1, "no evidence of a known kind")], []


def vectors(folder):
    data = json.loads(Path(folder, "receipts.json").read_text("utf-8"))
    wrong = [case["name"] for case in data["cases"] if sorted({i for i, _ in check(case["bundle"], data["jwks"]["keys"])[0]}) != case["problemsAt"]]
    good = sum(case["valid"] for case in data["cases"])
    print(f"receipts: {good} good, {len(data['cases']) - good} bad, {len(wrong)} judged wrongly", *wrong, sep="\n  WRONG ")
    return 1 if wrong else 0


def main(*words):
    if words[:1] == ("vectors",):
        return vectors(words[1])
    if words[1:2] != ("--jwks",) or len(words) < 3:
        return __doc__
    try:
        bundle = parse_object(Path(words[0]).read_bytes(), "bundle")
        keys = parse_object(Path(words[2]).read_bytes(), "key set")["keys"]
    except Bad as bad:
        return str(bad)
    problems, claims = check(bundle, keys)
    for claim in claims:
        print(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(claim["iat"])), claim["event"], claim["from"])
    digests = {part["sha256"] for claim in claims for part in claim.get("parts", [])}
    for name in words[4:] if words[3:4] == ("--content",) else ():
        if base64.b64encode(sha256(Path(name).read_bytes())).decode() not in digests:
            problems.append((-1, f"no receipt names the content of {Path(name).name}"))
    for index, problem in problems:
        print("✗", f"receipt {index + 1}: {problem}" if index >= 0 else problem)
    print(f"not valid: {len(problems)} problems" if problems else f"valid: {len(claims)} receipts of packet {bundle['packetId']}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
