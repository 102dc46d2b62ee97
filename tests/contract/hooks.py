"""Hooks of Schemathesis: who calls, about which objects, and a count of what came back.

FEIQIAN_CONTRACT names a JSON file: {base_url, bearer, keyid, private_key, own_keys, objects: {operationId: id}}.
FEIQIAN_CONTRACT_TOLD names the file that gets the count: {operations: {operationId: {status: count}}, signed: {status: count},
bearer: {status: count}}.
"""

import atexit
import collections
import datetime
import itertools
import json
import os
import random
import secrets

import requests
import schemathesis
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver, algorithms

with open(os.environ["FEIQIAN_CONTRACT"], encoding="utf-8") as file:
    PLACE = json.load(file)

TIMEOUT_S = 30
WAIT_MAX_MS = 50
# Ids that are kept of a kind of object.
KEPT_MAX = 50
# Of so many requests of an operation, one is about an object that is not there, one names a merchant that was made up, and of those
# that the document allows one is made to succeed. By turns and not by lot: each operation does something and refuses something,
# however few its cases are.
STRANGE_EVERY = 5
GOOD_EVERY = 3
CNY = {"value": 900, "currency": "CNY"}
# Its own choices are the same in every run with the same seed.
choose = random.Random(1)
numbers = itertools.count(1)
turns = collections.defaultdict(itertools.count)
# The same server may be tried twice.
RUN = secrets.token_hex(4)
told = {name: collections.defaultdict(collections.Counter) for name in ("operations", "credentials")}
known = collections.defaultdict(lambda: collections.deque(maxlen=KEPT_MAX))


class Key(HTTPSignatureKeyResolver):
    def __init__(self, pem):
        self.key = load_pem_private_key(pem.encode(), password=None)

    def resolve_private_key(self, key_id):
        return self.key

    def resolve_public_key(self, key_id):
        return self.key.public_key()


signer = HTTPMessageSigner(signature_algorithm=algorithms.ED25519, key_resolver=Key(PLACE["private_key"]))


def is_plain(text):
    value = text if isinstance(text, str) else text.decode("latin-1")
    return value.isascii() and value == value.strip()


class Credentials(requests.auth.AuthBase):
    """Signs every other request, and sends a bearer key with the rest. What a check has put there stays."""

    def __init__(self):
        self.turns = itertools.count()

    def __call__(self, request):
        if "Authorization" in request.headers or "Signature" in request.headers:
            return request
        covered = [name for name in ("Idempotency-Key", "Feiqian-Merchant") if name in request.headers]
        # The package signs field values that are plain text only.
        if next(self.turns) % 2 and all(is_plain(request.headers[name]) for name in covered):
            self.sign(request, [name.lower() for name in covered])
        else:
            request.headers["Authorization"] = "Bearer " + PLACE["bearer"]
        return request

    def sign(self, request, covered):
        body = request.body.encode() if isinstance(request.body, str) else request.body
        signer.sign(
            request,
            key_id=PLACE["keyid"],
            created=datetime.datetime.now(),
            nonce=secrets.token_hex(16) if request.method != "GET" else None,
            covered_component_ids=["@method", "@target-uri", *covered],
            body=body or None,
        )


schemathesis.auth.set_from_requests(Credentials())


# Objects that a request is good for once: made anew, by the merchant.


def fresh_key():
    return f"contract-{RUN}-{next(numbers)}"


def made(path, body):
    headers = {"Authorization": "Bearer " + PLACE["bearer"], "Idempotency-Key": fresh_key()}
    answer = requests.post(PLACE["base_url"] + path, json=body, headers=headers, timeout=TIMEOUT_S)
    answer.raise_for_status()
    return answer.json()["id"]


def payment(scene, **more):
    order = {
        "merchant_order_no": f"CONTRACT-{RUN}-{next(numbers)}", "amount": CNY, "method": "sandbox", "scene": scene, "subject": "tea",
    }
    if scene == "bar_code":
        order["auth_code"] = "134500000000000001"
    return made("/v1/payments", order | more)


def declined():
    waiting = payment("qr_code", sandbox_outcome="decline")
    path = f"/v1/sandbox/payments/{waiting}/pay"
    headers = {"Authorization": "Bearer " + PLACE["bearer"]}
    requests.post(PLACE["base_url"] + path, json={"outcome": "decline"}, headers=headers, timeout=TIMEOUT_S).raise_for_status()
    return waiting


def endpoint():
    return made("/v1/webhook_endpoints", {"url": f"http://127.0.0.1:9/{RUN}/{next(numbers)}", "events": ["refund.failed"]})


def delivery():
    """One whose endpoint is there; requests about endpoints delete the others."""
    headers = {"Authorization": "Bearer " + PLACE["bearer"]}
    rows = requests.get(PLACE["base_url"] + "/v1/webhook_endpoints?limit=100", headers=headers, timeout=TIMEOUT_S).json()["data"]
    enabled = [row["id"] for row in rows if row["status"] == "enabled"]
    return made(f"/v1/webhook_endpoints/{enabled[0] if enabled else endpoint()}/test", None)


FRESH = {
    "createCapture": lambda: payment("bar_code", capture_mode="manual"),
    "voidPayment": lambda: payment("bar_code", capture_mode="manual"),
    "closePayment": lambda: payment("qr_code"),
    "sandboxPay": lambda: payment("qr_code"),
    "createAttempt": declined,
    "createRefund": lambda: payment("bar_code"),
    "deleteWebhookEndpoint": endpoint,
    "replayWebhookDelivery": delivery,
    "revokeApiKey": lambda: made("/v1/api_keys", {"name": "contract", "generate_bearer": True}),
}


def an_id(operation):
    """An id that is there: fit for the operation, or any of its noun."""
    name = operation.definition.raw["operationId"]
    noun = operation.path.split("/")[-2 if operation.path.endswith("{id}") else -3]
    if name in FRESH and choose.random() < 0.5:
        return FRESH[name]()
    others = [own for own in known[noun] if own not in PLACE["own_keys"]]
    if others and choose.random() < 0.3:
        return choose.choice(others)
    return PLACE["objects"].get(name) or (choose.choice(others) if others else None)


# What would end the credentials that all other requests need.
ENDS_A_KEY = ("revokeApiKey", "rotateApiKey")


def is_positive(case):
    return case.meta is not None and case.meta.generation.mode.is_positive


@schemathesis.hook
def before_call(context, case, kwargs):
    # The merchant may name itself; whom else it may name is the authorization table's subject.
    headers = case.headers or {}
    name = case.operation.definition.raw["operationId"]
    good = is_positive(case) and next(turns[name, "positive"]) % GOOD_EVERY == 0
    if "Feiqian-Merchant" in headers and (good or next(turns[name, "merchant"]) % STRANGE_EVERY):
        if choose.random() < 0.5:
            headers["Feiqian-Merchant"] = PLACE["merchant"]
        else:
            del headers["Feiqian-Merchant"]
    if good and "Idempotency-Key" in headers:
        headers["Idempotency-Key"] = fresh_key()
    if "{id}" in case.path:
        if good and name in FRESH:
            case.path_parameters["id"] = FRESH[name]()
        elif not good and next(turns[name, "id"]) % STRANGE_EVERY == 0:
            case.path_parameters["id"] = "none"
        else:
            found = an_id(case.operation)
            # Some stay as drawn.
            if found and (good or choose.random() < 0.9):
                case.path_parameters["id"] = found
    if name in ENDS_A_KEY and case.path_parameters.get("id") in PLACE["own_keys"]:
        case.path_parameters["id"] = FRESH["revokeApiKey"]()
    # A feed that may wait for twenty seconds would eat the time of thousands of other requests.
    wait_ms = (case.query or {}).get("wait_ms")
    if isinstance(wait_ms, int) and wait_ms > WAIT_MAX_MS:
        case.query["wait_ms"] = wait_ms % WAIT_MAX_MS
    if isinstance(case.body, dict) and is_positive(case) and (good or choose.random() < 0.7):
        mend(case)


def mend(case):
    """Makes a body that the document allows one that makes sense: what it can't say, and what hangs on time and place."""
    body, name = case.body, case.operation.definition.raw["operationId"]
    for field in ("expires_at", "client_ip", "ip_allow", "notify_url", "return_url"):
        if choose.random() < 0.8:
            body.pop(field, None)
    money = body.get("amount")
    if isinstance(money, dict) and isinstance(money.get("value"), int):
        money["value"], money["currency"] = abs(money["value"]) % CNY["value"] + 1, "CNY"
    if body.get("scene") == "bar_code" and not body.get("auth_code"):
        body["auth_code"] = "134500000000000001"
    if name in FRESH and "{id}" in case.path:
        case.path_parameters["id"] = FRESH[name]()
    if name == "createRefund":
        body["payment"] = an_id(case.operation)
        body.pop("merchant_order_no", None)
    if name == "createApiKey":
        body["generate_bearer"] = True
        body.pop("public_key", None)
    if name == "moveSandboxClock":
        body["advance_seconds"] = choose.randrange(1, 86_400)
        body.pop("now", None)


def remember(value):
    if isinstance(value, list):
        for row in value:
            remember(row)
    elif isinstance(value, dict):
        kind, own = value.get("object"), value.get("id")
        if isinstance(kind, str) and isinstance(own, str):
            nouns = {"delivery": "webhook_deliveries"}
            pool = known[nouns.get(kind, kind + "s")]
            if own not in pool:
                pool.append(own)
        remember(value.get("data"))


@schemathesis.hook
def after_call(context, case, response):
    name = case.operation.definition.raw["operationId"]
    if case.method.upper() == case.operation.method.upper():
        told["operations"][name][str(response.status_code)] += 1
    sent = {header.lower() for header in response.request.headers}
    how = "signed" if "signature" in sent else "bearer" if "authorization" in sent else "nobody"
    told["credentials"][how][str(response.status_code)] += 1
    if 200 <= response.status_code < 300 and response.headers.get("content-type", [""])[0] == "application/json":
        remember(response.json())


@atexit.register
def tell():
    with open(os.environ["FEIQIAN_CONTRACT_TOLD"], "w", encoding="utf-8") as out:
        json.dump(told, out)
