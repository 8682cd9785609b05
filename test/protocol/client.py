#!/usr/bin/env python3
"""All seven steps by a client written from the wire protocol alone, with Python's standard library (RSA: openssl).

Usage: client.py BASE_URL SOURCE_KEY DESTINATION_KEY DESTINATION_ADDRESS DATA_TYPE
A key is ALG:ACCESS_KEY:SECRET, or ALG:ACCESS_KEY:@FILE with a private key in PEM for RSA.
Prints a line per step; exit code 0 only if every step held.
"""
import base64, hashlib, hmac, http.client, json, os, secrets, subprocess, sys, time, urllib.parse


def b64(raw):
    return base64.b64encode(raw).decode()


def rsa(alg, pem_file, text):
    if alg == "rsa-pss-sha512":
        options = ["-sha512", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:64"]
    else:
        options = ["-sha256"]
    return subprocess.run(["openssl", "dgst", *options, "-sign", pem_file], input=text, capture_output=True, check=True).stdout


class Problem(Exception):
    def __init__(self, status, body):
        super().__init__(f"{status} {body}")
        self.status, self.body = status, body


class Client:
    def __init__(self, base, alg, key_id, secret):
        self.base, self.alg, self.key_id, self.secret = urllib.parse.urlsplit(base), alg, key_id, secret

    def sign(self, text):
        if self.alg.startswith("rsa"):
            return rsa(self.alg, self.secret[1:], text)
        return hmac.new(self.secret.encode(), text, hashlib.sha1 if self.alg == "hmac-sha1" else hashlib.sha256).digest()

    def call(self, method, target, body=None, headers=None):
        """One signed request (section 3): covered components in the fixed order, joined by newlines."""
        path, _, query = target.partition("?")
        raw = None if body is None else json.dumps(body).encode()
        names, lines = ["@method", "@path", "@query"], [f'"@method": {method}', f'"@path": {path}', f'"@query": ?{query}']
        headers = dict(headers or {})
        if raw is not None:
            digest = f"sha-256=:{b64(hashlib.sha256(raw).digest())}:"
            headers |= {"Content-Type": "application/json", "Content-Digest": digest}
            names.append("content-digest")
            lines.append(f'"content-digest": {digest}')
        covered = " ".join(f'"{name}"' for name in names)
        params = f'({covered});created={int(time.time())};nonce="{secrets.token_urlsafe(18)}";keyid="{self.key_id}";alg="{self.alg}"'
        lines.append(f'"@signature-params": {params}')
        headers["Signature-Input"] = f"sig={params}"
        headers["Signature"] = f"sig=:{b64(self.sign(chr(10).join(lines).encode()))}:"
        status, answer = send(self.base, method, target, raw, headers)
        if status >= 400:
            raise Problem(status, json.loads(answer))
        return json.loads(answer) if answer else None

    def session(self):
        """S1, S5: from then on the session's id and key sign, with hmac-sha256."""
        answer = self.call("POST", "/v1/sessions", {})
        client = Client(self.base.geturl(), "hmac-sha256", answer["sessionId"], answer["sessionKey"])
        return client, answer


def send(origin, method, target, raw, headers):
    connection = http.client.HTTPConnection(origin.hostname, origin.port, timeout=30)
    connection.request(method, target, body=raw, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read()


def at_address(method, url, raw=None, headers=None):
    parts = urllib.parse.urlsplit(url)
    return send(parts, method, f"{parts.path}?{parts.query}", raw, headers or {})


def eventually(what, look):
    for _ in range(200):
        seen = look()
        if seen:
            return seen
        time.sleep(0.1)
    raise SystemExit(f"not seen in time: {what}")


def expect(holds, what):
    if not holds:
        raise SystemExit(f"does not hold: {what}")


def main():
    base, source_key, destination_key, address, data_type = sys.argv[1:6]
    source = Client(base, *source_key.split(":", 2))
    destination = Client(base, *destination_key.split(":", 2))

    source, opened = source.session()
    expect(set(opened) >= {"sessionId", "sessionKey", "expiresAt", "serverTime", "system", "outgoing", "incoming"}, "session answer")
    print("S1 session", opened["system"]["id"])

    content = os.urandom(100_000)
    digest = b64(hashlib.sha256(content).digest())
    part = {"name": "công văn.pdf", "mediaType": "application/pdf", "size": len(content), "sha256": digest}
    request = {"to": [address], "title": "V/v kiểm tra giao thức", "priority": "urgent", "dataType": data_type, "protocol": "put", "parts": [part], "policy": {}}
    key = {"Idempotency-Key": secrets.token_hex(16)}
    space = source.call("POST", "/v1/packets", request, key)
    expect(space["state"] == "open" and space["recipients"][0]["allowed"], "space allocated")
    expect(source.call("POST", "/v1/packets", request, key)["packetId"] == space["packetId"], "same key, same packet")
    packet_id = space["packetId"]
    print("S2 space", packet_id)

    upload = space["space"]["uploads"][0]
    status, answer = at_address("PUT", upload["url"], content[:-1] + bytes([content[-1] ^ 1]), upload["headers"])
    expect(status >= 400, "other bytes are refused at the address")
    status, answer = at_address("PUT", upload["url"], content, upload["headers"])
    expect(status == 200, f"upload answered {status} {answer[:200]}")
    print("S3 uploaded", len(content), "bytes")

    expect(source.call("POST", f"/v1/packets/{packet_id}/complete", {})["state"] == "received", "received")
    print("S4 received")

    destination, opened = destination.session()
    available = lambda: [e for e in destination.call("GET", "/v1/events?after=0&limit=500&waitSeconds=5")["items"] if e["type"] == "packet.available" and e.get("subject") == packet_id]
    event = eventually("packet.available", available)[0]
    expect(event["specversion"] == "1.0" and event["offset"].isdigit(), "CloudEvents with an offset")
    delivery_id = event["data"]["deliveryId"]
    listed = destination.call("GET", "/v1/deliveries")["items"]
    expect(any(d["deliveryId"] == delivery_id and d["state"] == "notified" for d in listed), "listed and notified")
    print("S5 notified", delivery_id)

    ready = destination.call("POST", f"/v1/deliveries/{delivery_id}/ready")
    download = ready["space"]["downloads"][0]
    status, fetched = at_address("GET", download["url"], None, download["headers"])
    expect(status == 200 and fetched == content, "fetched bytes are equal")
    status, piece = at_address("GET", download["url"], None, download["headers"] | {"Range": "bytes=10-19"})
    expect(status == 206 and piece == content[10:20], "ranges are served")
    print("S6 fetched", len(fetched), "bytes")

    confirm = f"/v1/deliveries/{delivery_id}/confirm"
    try:
        destination.call("POST", confirm, {"outcome": "accepted", "parts": [{"name": part["name"], "sha256": b64(bytes(32))}]})
        expect(False, "a wrong digest is refused")
    except Problem as problem:
        expect((problem.status, problem.body["code"]) == (409, "digest_mismatch"), "409 digest_mismatch")
    said = {"outcome": "accepted", "parts": [{"name": part["name"], "sha256": b64(hashlib.sha256(fetched).digest())}]}
    confirmed = destination.call("POST", confirm, said)
    expect(confirmed["state"] == "accepted", "accepted")
    expect(destination.call("POST", confirm, said)["receipt"] == confirmed["receipt"], "the same receipt again")
    destination.call("POST", f"/v1/packets/{packet_id}/statuses", {"code": "03", "description": "Đã tiếp nhận, vào sổ"})
    print("S7 confirmed")

    packet = eventually("purged", lambda: (p := source.call("GET", f"/v1/packets/{packet_id}"))["purgedAt"] and p)
    expect(packet["state"] == "completed", "completed")
    expect(at_address("GET", download["url"], None, download["headers"])[0] in (403, 404), "content is gone")
    receipts = source.call("GET", f"/v1/packets/{packet_id}/receipts")["receipts"]
    claims = [json.loads(base64.urlsafe_b64decode(r["jws"].split(".")[1] + "==")) for r in receipts]
    expect([c["event"] for c in claims] == ["packet.accepted", "delivery.ready", "delivery.accepted", "packet.purged"], "receipts")
    for before, after in zip(receipts, claims[1:]):
        digest = base64.urlsafe_b64encode(hashlib.sha256(before["jws"].encode()).digest()).decode().rstrip("=")
        expect(after["prev"] == digest, "receipts are chained")
    types = {e["type"] for e in source.call("GET", "/v1/events?after=0&limit=500")["items"] if e.get("subject") == packet_id}
    wanted = {"packet.accepted", "delivery.ready", "delivery.accepted", "packet.status", "packet.completed", "packet.purged"}
    expect(wanted <= types, f"events of the source: {types}")
    print("evidence", len(receipts), "receipts, chained")


main()
