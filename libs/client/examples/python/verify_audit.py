#!/usr/bin/env python3
"""Verifies a range of the audit log, offline: verify_audit.py <bundle.ndjson> <jwks.json> [--checkpoint <file>]...

Written from the documentation alone (docs/evidence.md, RFC 8785, RFC 9162). Python's standard library, and for the signatures the package cryptography.
Exit code 0: valid; 1: not valid, with every problem; 2: cannot be read.
"""
import hashlib, json, sys

from public_keys import b64url, holds, unb64url

MEMBERS = ["id", "at", "actor", "systemId", "action", "packetId", "deliveryId", "subject", "detail"]


def sha256(data):
    return hashlib.sha256(data).digest()


def canonical(value):
    """RFC 8785 for what an entry holds: texts, whole numbers, lists, objects. Names are sorted by UTF-16 code units."""
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(json.dumps(n, ensure_ascii=False) + ":" + canonical(value[n]) for n in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(canonical(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def claims_of(jws, kind, jwks):
    header, payload, signature = jws.split(".")
    head = json.loads(unb64url(header))
    key = next((k for k in jwks["keys"] if k.get("kid") == head.get("kid") and k.get("kid")), None)
    if head.get("alg") != "EdDSA" or head.get("typ") != f"lienthong-audit-{kind}+jwt" or key is None:
        raise ValueError("is not signed by a key of the set")
    if not holds(key, "EdDSA", f"{header}.{payload}".encode(), unb64url(signature)):
        raise ValueError("has a wrong signature")
    return json.loads(unb64url(payload))


class Tree:
    """Merkle tree of RFC 9162 that only grows: the roots of its full subtrees, largest first."""

    def __init__(self, size=0, frontier=()):
        self.size, self.frontier = size, list(frontier)
        if len(self.frontier) != bin(size).count("1") or any(len(h) != 32 for h in self.frontier):
            raise ValueError("the frontier is not one of that size")

    def append(self, leaf):
        n = self.size
        while n % 2 == 1:
            leaf, n = sha256(b"\x01" + self.frontier.pop() + leaf), n // 2
        self.frontier.append(leaf)
        self.size += 1

    def root(self):
        if not self.frontier:
            return b64url(sha256(b""))
        root = self.frontier[-1]
        for left in reversed(self.frontier[:-1]):
            root = sha256(b"\x01" + left + root)
        return b64url(root)


def verify(lines, jwks, outside):
    """Yields every problem. `lines`: parsed lines of the bundle; `outside`: checkpoints kept elsewhere."""
    lines = iter(lines)
    kept = [claims_of(jws, "checkpoint", jwks) for jws in outside]
    head = next(lines, None)
    if not isinstance(head, dict) or head.get("type") != "range" or head.get("v") != 1:
        yield "does not begin with a range of version 1"
        return
    origin, begin = head["origin"], head["from"]
    tree = Tree(begin, [unb64url(text) for text in head["frontier"]])
    stones, last = [], None

    def compare():
        for c in kept:
            if c["size"] == tree.size and (c["root"], c["origin"]) != (tree.root(), origin):
                yield f"{tree.size}: the log is not the one of an outside checkpoint"

    yield from compare()
    for line in lines:
        seq, kind = tree.size, line["type"]
        if kind in ("checkpoint", "tombstone"):
            claims = claims_of(line["jws"], kind, jwks)
            if claims["origin"] != origin:
                yield f"{seq}: a {kind} of {claims['origin']}"
            if kind == "tombstone":
                stones.append((claims, Tree()))
                continue
            if claims["size"] != seq or claims["root"] != tree.root():
                yield f"{seq}: the tree is not the one of its checkpoint"
            if (claims["previousRoot"] != last["root"]) if last else (begin == 0 and claims["previousRoot"]):
                yield f"{seq}: the checkpoint does not follow the one before it"
            if last and claims["at"] < last["at"]:
                yield f"{seq}: the checkpoint is older than the one before it"
            last = claims
            continue
        if kind == "entry":
            entry = line["entry"]
            if line["seq"] is None:
                yield f"{seq}: entry {entry['id']} was never sealed"
                continue
            if sorted(entry) != sorted(MEMBERS):
                yield f"{seq}: has members that are not its own"
            leaf = sha256(b"\x00" + canonical({"v": 1, **{m: entry[m] for m in MEMBERS}}).encode())
            if b64url(leaf) != line["leaf"]:
                yield f"{seq}: is not what was sealed"
        elif kind == "leaf":
            leaf = unb64url(line["leaf"])
            stone = next((s for s in stones if any(a <= seq < b for a, b in s[0]["ranges"])), None)
            if stone:
                stone[1].append(leaf)
            else:
                yield f"{seq}: the entry is gone"
        else:
            raise ValueError(f"{kind} is no type of line")
        if line["seq"] != seq:
            yield f"{seq}: is numbered {line['seq']}"
        tree.append(leaf)
        yield from compare()
    if tree.size != head["to"]:
        yield f"the range ends at {head['to']}, its entries at {tree.size}"
    if tree.size > begin and (last is None or last["size"] != tree.size):
        yield "what comes after the last checkpoint is not signed"
    for claims, gone in stones:
        if gone.size == claims["count"] and gone.root() != claims["root"]:
            yield "what is gone is not what its tombstone says"
    for c in kept:
        if c["size"] > tree.size:
            yield f"cut short: an outside checkpoint has {c['size']} entries, this log {tree.size}"
        if c["size"] < begin:
            yield f"an outside checkpoint of {c['size']} entries lies before this range"


def main(arguments):
    files = [a for i, a in enumerate(arguments) if a != "--checkpoint" and (i == 0 or arguments[i - 1] != "--checkpoint")]
    kept = [b for a, b in zip(arguments, arguments[1:]) if a == "--checkpoint"]
    if len(files) != 2:
        sys.exit(__doc__)
    jwks = json.loads(open(files[1], encoding="utf-8").read())
    outside = [open(name, encoding="utf-8").read().strip() for name in kept]
    problems = []
    try:
        with open(files[0], encoding="utf-8") as bundle:
            problems.extend(verify((json.loads(line) for line in bundle), jwks, outside))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        problems.append(f"{type(error).__name__}: {error}")
    print("\n".join(problems) if problems else "valid")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
