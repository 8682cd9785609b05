#!/usr/bin/env python3
"""A second verifier of evidence, which shares no code with `lienthong verify`: checks a packet's receipts offline (protocol, section 8).

  verify.py <bundle.json> --jwks <jwks.json> [--content <file> …]
  verify.py vectors <folder>               prove it on docs/test-vectors/receipts.json

The bundle is what `lienthong receipts -o` writes, the key set what `lienthong jwks -o` does. Python 3.9 and the package cryptography.
Exit code 0 only for what is valid. Ranges of the audit log have verify_audit.py.
"""
import base64, hashlib, json, re, sys, time
from pathlib import Path

from public_keys import b64url, holds, unb64url


class Bad(Exception):
    """Why a piece of evidence proves nothing."""


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


def open_jws(jws, keys):
    """The claims of a receipt, a compact JWS (RFC 7515) by one of the platform's keys. Every header field that could mean another thing is refused."""
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
    if header.get("typ") != "lienthong-receipt+jwt":
        raise Bad("typ is not that of a receipt")
    return parse_object(unb64url(claims_text), "payload")


def check_proof(claims):
    """The destination's own request (RFC 9421), where only it can have made that: verifies it again, and that what it signed is what the receipt tells."""
    if "proof" not in claims:
        return
    by, request, event = claims["proof"]["by"], claims["request"], claims["event"]
    if request["alg"].startswith("rsa-") != (by in ("privateKey", "privateKeyDigest")):
        raise Bad("claims a proof of another kind than its request is")
    if not request["alg"].startswith("rsa-"):
        return
    names, rest = re.fullmatch(r"sig=\(([^()]*)\)(;.*)", request["signatureInput"]).groups()
    covered, digest, headers = [name.strip('"') for name in names.split(" ")], request.get("contentDigest"), request.get("headers", {})
    path, _, query = request["path"].partition("?")
    values = {**headers, "@authority": headers.get("host"), "@method": request["method"], "@path": path, "@query": "?" + query, "content-digest": digest}
    if covered[:3] != ["@method", "@path", "@query"] or (digest is not None and "content-digest" not in covered) or any(values.get(name) is None for name in covered):
        raise Bad("does not cover what it must")
    if f';keyid="{request["keyId"]}"' not in rest or f';alg="{request["alg"]}"' not in rest:
        raise Bad("names another key or algorithm than the destination signed with")
    base = "".join(f'"{name}": {values[name]}\n' for name in covered) + f'"@signature-params": ({names}){rest}'
    if not holds(request["publicKey"], request["alg"], base.encode(), base64.b64decode(request["signature"][5:-1], validate=True)):
        raise Bad("the signature of the destination does not hold")
    outcome = {"delivery.accepted": "accepted", "delivery.rejected": "rejected"}.get(event)
    path = f"/v1/deliveries/{claims['deliveryId']}/{'confirm' if outcome else 'ready'}" if by == "privateKey" else "/v1/deliveries/confirmations"
    if request["method"] != "POST" or request["path"] != path:
        raise Bad("the destination signed another request than the receipt tells of")
    if by == "privateKey" and (outcome or "body" in request):
        body = base64.b64decode(request["body"], validate=True)
        if digest != f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:":
            raise Bad("the body is not the one that the destination signed")
        said = parse_object(body, "body")
        parts = sorted(({name: part[name] for name in ("name", "sha256")} for part in said.get("parts", [])), key=lambda part: part["name"].encode("utf-16-be", "surrogatepass"))
        if outcome and (said["outcome"] != outcome or parts != claims["detail"]["reported"]):
            raise Bad("the destination signed another outcome or other digests")


def check_receipts(bundle, keys):
    """Signed, of this packet, each with the hash of the one before. [(index of the receipt, or -1 for the bundle; problem)], and the claims of those whose signature holds."""
    problems, claims, seen, prev = [], [], set(), None
    receipts = bundle.get("receipts")
    if not isinstance(receipts, list) or not receipts:
        return [(-1, "the bundle holds no receipt")], claims
    for index, receipt in enumerate(receipts):
        jws = receipt.get("jws") if isinstance(receipt, dict) else None
        try:
            if not isinstance(jws, str) or len([unb64url(segment) for segment in jws.split(".")]) != 3:
                raise Bad("not a compact JWS")
            found = open_jws(jws, keys)
            claims.append(found)
            if found.get("packetId") != bundle.get("packetId"):
                problems.append((index, f"is of packet {found.get('packetId')}"))
            if not isinstance(found.get("jti"), str) or not found["jti"] or found["jti"] in seen:
                problems.append((index, "has no jti of its own"))
            seen.add(str(found.get("jti")))
            if found.get("prev", "") != prev:
                problems.append((index, "does not follow the one before it" if index else "is not the first of its packet"))
            check_proof(found)
        except Bad as bad:
            problems.append((index, str(bad)))
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            problems.append((index, f"cannot be read ({type(error).__name__}: {error})"))
        prev = b64url(hashlib.sha256(jws.encode()).digest()) if isinstance(jws, str) else None
    return problems, claims


def vectors(folder):
    data = json.loads(Path(folder, "receipts.json").read_text("utf-8"))
    wrong = [case["name"] for case in data["cases"] if sorted({i for i, _ in check_receipts(case["bundle"], data["jwks"]["keys"])[0]}) != case["problemsAt"]]
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
    problems, claims = check_receipts(bundle, keys)
    for claim in claims:
        print(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(claim["iat"])), claim["event"], claim["from"])
    digests = {part["sha256"] for claim in claims for part in claim.get("parts", [])}
    for name in words[4:] if words[3:4] == ("--content",) else ():
        if base64.b64encode(hashlib.sha256(Path(name).read_bytes()).digest()).decode() not in digests:
            problems.append((-1, f"no receipt names the content of {Path(name).name}"))
    for index, problem in problems:
        print("✗", f"receipt {index + 1}: {problem}" if index >= 0 else problem)
    print(f"not valid: {len(problems)} problems" if problems else f"valid: {len(claims)} receipts of packet {bundle['packetId']}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
