"""Hooks of schemathesis: who signs which request, what the fuzzer may not take away from itself, and counts of every answer.

Reads FUZZ_WORLD (see world.mjs) and FUZZ_AUTH (signed | refused); writes FUZZ_COUNTS at the end.
"""
import atexit, hashlib, importlib.util, json, os, re, secrets, threading, time, urllib.request
from collections import Counter, defaultdict
from pathlib import Path
from urllib.parse import urlsplit

import schemathesis
from requests.auth import AuthBase
from schemathesis.core.failures import Failure

world = json.loads(Path(os.environ["FUZZ_WORLD"]).read_text("utf-8"))
refused = os.environ["FUZZ_AUTH"] == "refused"

# The signing of the published example: what it signs is what integrators sign.
example = Path(__file__).parents[3] / "libs/client/examples/python/client.py"
spec = importlib.util.spec_from_file_location("example_client", example)
signing = importlib.util.module_from_spec(spec)
spec.loader.exec_module(signing)


def signed(method, target, body, key):
    base, params, digest = signing.signature_base(
        method, target, body, key["keyId"], key["alg"], int(time.time()), secrets.token_urlsafe(18)
    )
    headers = {"Signature-Input": f"sig={params}", "Signature": f"sig=:{signing.b64(signing.make_signature(key['alg'], key, base))}:"}
    return headers | ({"Content-Digest": digest} if digest else {})


def new_session(base_url):
    body, headers = b"{}", {"Content-Type": "application/json"}
    headers |= signed("POST", "/v1/sessions", body, world["keys"]["source"])
    request = urllib.request.Request(f"{base_url}/v1/sessions", body, headers, method="POST")
    opened = json.loads(urllib.request.urlopen(request, timeout=30).read())
    return {"keyId": opened["sessionId"], "alg": "hmac-sha256", "secretKey": opened["sessionKey"]}


def who(method, url, draw):
    """Mostly the one whose operation it is. By the request alone: the same request has to be answered alike when it is tried again."""
    if method == "DELETE" and url.path == "/v1/sessions/current":
        return new_session(f"{url.scheme}://{url.netloc}")
    own = "admin" if url.path.startswith("/v1/admin") else "destination" if url.path.startswith("/v1/deliveries") else "source"
    return world["keys"][own if draw >= 24 else ["admin", "source", "destination", "partner"][draw % 4]]


class Signature(AuthBase):
    """Signs the request as it will be sent, byte for byte."""

    def __call__(self, request):
        url = urlsplit(request.url)
        target = url.path + (f"?{url.query}" if url.query else "")
        body = request.body.encode() if isinstance(request.body, str) else request.body
        if body is not None and not isinstance(body, bytes):
            return request
        draw = hashlib.sha256(f"{request.method} {target} ".encode() + (body or b"")).digest()[0]
        for name in ("Signature-Input", "Signature", "Content-Digest"):
            request.headers.pop(name, None)
        if refused and draw % 4 == 0:
            return request
        if url.path == "/oauth2/token":
            name, secret = world["keys"]["source"]["keyId"], world["keys"]["source"]["secretKey"]
            request.headers["Authorization"] = f"Basic {signing.b64(f'{name}:{secret[refused:]}'.encode())}"
            return request
        key = who(request.method, url, draw) if not refused else dict(world["keys"]["source"])
        if refused:
            key |= {"keyId": "AKKHONGCO"} if draw % 4 == 1 else {"secretKey": "another secret, long enough to be one"}
        try:
            request.headers.update(signed(request.method, target, body, key))
        except ValueError:  # a target that a signer does not make; unsigned it must be refused all the same
            pass
        if refused and draw % 4 == 3:
            request.headers["Signature"] = "sig=:!:"
        return request


schemathesis.auth.set_from_requests(Signature()).skip_for(path_regex=r"^/(\.well-known|healthz|readyz|metrics)")


@schemathesis.hook
def map_case(context, case):
    """Some packets that can be sent, and keys that can be issued: no schema says how size, digest and content hang together."""
    body, meta = case.body, case.meta
    if not isinstance(body, dict) or meta is None or not meta.generation.mode.is_positive or refused:
        return case
    draw = hashlib.sha256(json.dumps(body, sort_keys=True, default=str).encode()).digest()[0]
    sane = world["sane"].get(f"{case.operation.method.upper()} {case.operation.path}")
    if sane and draw % 3 == 0:
        case.body = {name: value for name, value in (body | sane).items() if value is not None}
    return case


@schemathesis.hook
def before_call(context, case, kwargs):
    """Nobody saws off the branch that we sit on, and nobody waits for events for longer than it takes."""
    path, own = case.path_parameters or {}, [key["keyId"] for key in world["keys"].values()]
    if path.get("accessKey") in own:
        path["accessKey"] = world["victim"]["accessKey"]
    if path.get("grantId") in world["grants"]:
        path["grantId"] = world["values"]["path.grantId"][0]
    changes = case.method.upper() not in ("GET", "HEAD")
    if changes and "slug" in path and f"{path.get('code')}/{path['slug']}" in world["systems"]:
        path["slug"] = world["victim"]["slug"]
    if changes and path.get("code") == world["agency"] and "slug" not in path and isinstance(case.body, dict):
        for field in ("dissolved", "successorCode", "aliases"):
            case.body.pop(field, None)
    if str((case.query or {}).get("waitSeconds", "")).isdigit():
        case.query["waitSeconds"] = min(int(case.query["waitSeconds"]), 1)


# What an answer must not tell of how it came about (A48).
INTERNALS = re.compile(r"node_modules|/dist/|\bat \S+ \(|\.[jt]s:\d+|\b(SELECT|INSERT INTO|UPDATE|DELETE FROM) \w|violates|relation \"|syntax error at or near|QueryFailed|ECONN|/tmp/|sealed/|incoming/")
lock = threading.Lock()
counts = {"requests": 0, "statuses": Counter(), "operations": defaultdict(Counter), "server_errors": [], "undocumented": [], "accepted_unsigned": [], "internals": []}


@schemathesis.hook
def after_call(context, case, response):
    status, operation = response.status_code, case.operation
    known = case.method.upper() == operation.method.upper()
    documented = not known or str(status) in operation.responses.status_codes
    says = f"{response.request.method} {response.request.url} {status} {response.text[:400]}"
    with lock:
        counts["requests"] += 1
        counts["statuses"][status] += 1
        if known:
            row = counts["operations"][f"{operation.method.upper()} {operation.path}"]
            row["requests"] += 1
            row["in"] += status not in (401, 429)
            row["well"] += status < 300
        if status >= 500 and not is_backpressure(response):
            counts["server_errors"].append(says)
        if status >= 400 and INTERNALS.search(response.text):
            counts["internals"].append(says)
        if not documented:
            counts["undocumented"].append(says)
        if refused and status < 400 and is_protected(operation):
            counts["accepted_unsigned"].append(says)


def is_backpressure(response):
    codes = ("urn:lienthong:error:unavailable", "urn:lienthong:error:overloaded")
    return response.status_code == 503 and "retry-after" in response.headers and any(code in response.text for code in codes)


def is_protected(operation):
    """Whether every way to call it needs a proof of identity."""
    document = operation.schema.raw_schema
    ways = operation.definition.raw.get("security", document.get("security", []))
    return bool(ways) and {} not in ways


@schemathesis.hook
def filter_failure(context, failure: Failure, case, response):
    return not is_backpressure(response)


@atexit.register
def write():
    Path(os.environ["FUZZ_COUNTS"]).write_text(json.dumps(counts), "utf-8")
