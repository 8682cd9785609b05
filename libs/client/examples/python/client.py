#!/usr/bin/env python3
"""A small client of Liên Thông: Python 3.9 and its standard library; for RSA the package cryptography, else the command openssl.

  client.py vectors <folder>               prove the signing on the published test vectors
  client.py send <file> --to <address>     send a file of up to 256 KiB
  client.py receive [<folder>]             fetch, check and confirm what waits

LIENTHONG_KEY_FILE names the key file (as `lienthong admin keys issue --out` writes it), LIENTHONG_URL another platform than it says.
"""
import base64, collections, hashlib, hmac, json, os, re, secrets, subprocess, sys, tempfile, time, urllib.error, urllib.request
from pathlib import Path
try:
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding
except ImportError:
    hashes = None
HMAC = {"hmac-sha256": hashlib.sha256, "hmac-sha1": hashlib.sha1}
b64 = lambda raw: base64.b64encode(raw).decode()

def make_signature(alg, key, base):
    if alg in HMAC:  # the secret is the bytes of its text, never decoded
        return hmac.new(key["secretKey"].encode(), base, HMAC[alg]).digest()
    return rsa(alg, key["privateKeyPem"], base)

def rsa(alg, pem, base, signature=None):
    """Signs by a private key; where a signature is given, checks it by a public key, and an exception says no."""
    pss = alg == "rsa-pss-sha512"
    if hashes:  # the salt has 64 bytes: several libraries take the longest possible unless they are told
        how = (padding.PSS(padding.MGF1(hashes.SHA512()), 64), hashes.SHA512()) if pss else (padding.PKCS1v15(), hashes.SHA256())
        if signature is None:
            return serialization.load_pem_private_key(pem.encode(), None).sign(base, *how)
        return serialization.load_pem_public_key(pem.encode()).verify(signature, base, *how)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "key").write_text(pem)
        Path(folder, "signature").write_bytes(signature or b"")
        how = ["-sha512", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:64"] if pss else ["-sha256"]
        how += ["-sign", f"{folder}/key"] if signature is None else ["-verify", f"{folder}/key", "-signature", f"{folder}/signature"]
        return subprocess.run(["openssl", "dgst", *how], input=base, capture_output=True, check=True).stdout

def signature_base(method, target, body, key_id, alg, created, nonce, cover=(), headers=()):
    """The text to sign, the parameters of the signature, and the Content-Digest (None without a body)."""
    if not re.fullmatch(r'/[!"$-~]*', target): raise ValueError("the target must be /path?query, percent-encoded, as it will be sent")
    path, _, query = target.partition("?")
    value = {"@method": method, "@path": path, "@query": f"?{query}"}
    if body:
        value["content-digest"] = f"sha-256=:{b64(hashlib.sha256(body).digest())}:"
    for name in cover:  # more than the protocol asks; a header must be there once
        [text] = [v.strip(" \t") for n, v in headers if n.lower() == name.replace("@authority", "host")]
        value[name] = text.lower() if name == "@authority" else text
    covered = " ".join(f'"{name}"' for name in value)
    params = f'({covered});created={created};nonce="{nonce}";keyid="{key_id}";alg="{alg}"'
    lines = [f'"{name}": {text}' for name, text in value.items()] + [f'"@signature-params": {params}']
    return "\n".join(lines).encode(), params, value.get("content-digest")

class Client:
    def __init__(self, base_url, key_id, alg, key):
        self.base_url, self.key_id, self.alg, self.key = base_url.rstrip("/"), key_id, alg, key

    def call(self, method, target, body=None, headers=None):
        raw = None if body is None else json.dumps(body).encode()
        created, nonce = int(time.time()), secrets.token_urlsafe(18)  # new for every request, a retry too
        base, params, digest = signature_base(method, target, raw, self.key_id, self.alg, created, nonce)
        signed = {"Signature-Input": f"sig={params}", "Signature": f"sig=:{b64(make_signature(self.alg, self.key, base))}:"}
        if raw:
            signed |= {"Content-Digest": digest, "Content-Type": "application/json"}
        return json.loads(fetch(method, self.base_url + target, raw, {**signed, **(headers or {})}))

    def session(self):
        opened = self.call("POST", "/v1/sessions", {})  # S1, S5: from here on the session signs
        return Client(self.base_url, opened["sessionId"], "hmac-sha256", {"secretKey": opened["sessionKey"]})

def fetch(method, url, body=None, headers=None):
    try:
        request = urllib.request.Request(url, body, {"Accept-Language": "en", **(headers or {})}, method=method)
        return urllib.request.urlopen(request, timeout=30).read()
    except urllib.error.HTTPError as error:  # the problem document says what to do next
        sys.exit(f"{method} {url.partition('?')[0]}: {error.code} {error.read().decode()}")

def send(client, file, address):
    part = {"name": file.name, "mediaType": "application/octet-stream", "content": b64(file.read_bytes())}
    packet = {"to": [address], "title": file.name, "dataType": "file", "protocol": "inline", "parts": [part]}
    print("sent", client.call("POST", "/v1/packets", packet, {"Idempotency-Key": secrets.token_hex(16)})["packetId"])

def receive(client, folder):
    for delivery in client.call("GET", "/v1/deliveries")["items"]:
        path, parts = f"/v1/deliveries/{delivery['deliveryId']}", []
        for number, part in enumerate(client.call("POST", f"{path}/ready")["space"]["downloads"]):
            content = fetch("GET", part["url"], None, part["headers"])  # nothing to sign: the address itself is
            digest = b64(hashlib.sha256(content).digest())
            if digest != part["sha256"]:
                sys.exit(f"{part['part']} arrived damaged; nothing is confirmed")
            # The part's own name is somebody else's text: never a path of ours.
            (folder / f"{delivery['deliveryId']}-{number}").write_bytes(content)
            parts.append({"name": part["part"], "sha256": digest})
        print("received", delivery["packetId"], client.call("POST", f"{path}/confirm", {"outcome": "accepted", "parts": parts})["state"])

FORM = re.compile(r'sig=\(([^()]*)\);created=(\d+);nonce="([\w.~-]{16,64})";keyid="([^"]+)";alg="([^"]+)"', re.ASCII)

def as_we_sign(case, key):
    """Whether a request is to the byte what this client makes of it; the salted PSS signature must verify instead. ValueError: it makes none."""
    request, sent = case["request"], {"content-digest": [], "signature-input": [], "signature": []}
    for name, text in request["headers"]:
        sent.get(name.lower(), []).append(text)
    form = FORM.fullmatch("".join(sent["signature-input"]))
    if not form or form.group(4, 5) != (case["key"], key["alg"]) or abs(case["now"] - int(form[2])) > 300:
        return False
    cover = [name for name in form[1].replace('"', "").split()[3:] if name != "content-digest"]
    base, params, digest = signature_base(request["method"], request["target"], base64.b64decode(request["body"] or ""),
                                          form[4], form[5], form[2], form[3], cover, request["headers"])
    same = sent["signature-input"] == [f"sig={params}"] and sent["content-digest"] == [digest] * (digest is not None)
    return same and len(sent["signature"]) == 1 and fits(key, base, sent["signature"][0])

def fits(key, base, text):
    signature, ours = base64.b64decode(text[5:-1]), make_signature(key["alg"], key, base)
    if key["alg"] != "rsa-pss-sha512" or text != f"sig=:{b64(signature)}:":
        return text == f"sig=:{b64(ours)}:"
    try:
        rsa(key["alg"], key["publicKeyPem"], base, signature)
        return len(signature) == len(ours)  # openssl reads no further than that
    except Exception:  # InvalidSignature of cryptography, the exit code of openssl
        return False

def vectors(folder):
    data, count = json.loads((folder / "signatures.json").read_text("utf-8")), collections.Counter()
    for case in data["cases"]:
        key = {"secretKey": data["keys"][case["key"]].get("secret"), **data["keys"][case["key"]]}
        good = case["expect"] == "ok"
        try:  # a good case without `sign` has a form that servers take and this client does not make
            of_ours = not good or "sign" in case
            held = as_we_sign(case, key) if of_ours else fits(key, case["base"].encode(), dict(case["request"]["headers"])["Signature"])
        except ValueError:
            held = False
        count[key["alg"], good, held == good] += 1
        if held != good:
            print("WRONG", case["name"], case["expect"], file=sys.stderr)
    for alg in [*HMAC, "rsa-pss-sha512", "rsa-v1_5-sha256"]:
        print(f"{alg}: {count[alg, True, True]} good reproduced, {count[alg, False, True]} bad flagged")
    return 1 if any(not right for _, _, right in count) else 0

def main(command="", *words):
    if command == "vectors":
        return vectors(Path(words[0]))
    key = json.loads(Path(os.environ["LIENTHONG_KEY_FILE"]).read_text("utf-8"))
    alg = key.get("algorithm", "hmac-sha256" if "secretKey" in key else "rsa-pss-sha512")
    client = Client(os.environ.get("LIENTHONG_URL") or key["baseUrl"], key["accessKey"], alg, key).session()
    if command == "send" and words[1:2] == ("--to",):
        return send(client, Path(words[0]), words[2])
    return receive(client, Path(*words)) if command == "receive" else __doc__

if __name__ == "__main__": sys.exit(main(*sys.argv[1:]))
