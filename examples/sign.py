"""Feiqian from Python: takes a payment, gives part of it back, verifies a webhook. Python 3.9 and openssl 1.1.1, or later.
    python3 sign.py                                          12.50 in, 2.50 back, then the payment as it stands
    python3 sign.py webhook ID TIMESTAMP SIGNATURE < BODY    the three webhook-… headers; exit 0 when Feiqian sent this body
Python's standard library has no Ed25519, ECDSA or RSA, and arithmetic written here would leak the key by its timing: openssl signs.
"""
import base64, hashlib, hmac, json, os, secrets, subprocess, sys, tempfile, time
from urllib import error, request

URL = os.environ.get("FEIQIAN_URL", "http://127.0.0.1:8080")  # exactly the server's public URL: it is part of what is signed
KEY_ID = os.environ.get("FEIQIAN_KEY_ID", "key_…")  # as `feiqian key create` printed it
KEY_FILE = os.environ.get("FEIQIAN_KEY_FILE", "private.pem")  # Ed25519: `openssl genpkey -algorithm ed25519 -out private.pem`
WEBHOOK_SECRET = os.environ.get("FEIQIAN_WEBHOOK_SECRET", "whsec_…")
TOLERANCE_S = 300


def sign(base: str) -> str:
    with tempfile.NamedTemporaryFile() as file:  # openssl needs to know the length: it takes no pipe
        file.write(base.encode())
        file.flush()
        command = ["openssl", "pkeyutl", "-sign", "-inkey", KEY_FILE, "-rawin", "-in", file.name]
        return base64.b64encode(subprocess.run(command, check=True, capture_output=True).stdout).decode()


def call(method: str, path: str, idempotency_key: str = "", body: dict = None) -> dict:
    """Signs and sends. After a timeout, call again with the same key and body: a new nonce, and the payment is made once."""
    headers, data = {}, None
    if body is not None:
        data = json.dumps(body).encode()  # what is hashed is what is sent, byte by byte
        headers["content-digest"] = f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"
        headers["idempotency-key"] = idempotency_key
    covered = {"@method": method, "@target-uri": URL + path, **headers}
    names = " ".join(f'"{name}"' for name in covered)
    params = f'({names});created={int(time.time())};keyid="{KEY_ID}";nonce="{secrets.token_hex(16)}";alg="ed25519"'
    base = "\n".join([f'"{name}": {value}' for name, value in covered.items()] + [f'"@signature-params": {params}'])
    headers |= {"signature-input": f"sig1={params}", "signature": f"sig1=:{sign(base)}:", "content-type": "application/json"}
    with request.urlopen(request.Request(URL + path, data, headers, method=method), timeout=30) as answer:
        return json.load(answer)


def verify_webhook(message_id: str, timestamp: str, signatures: str, body: bytes) -> bool:
    """`body` is the bytes as received, never JSON that was parsed and written again."""
    key = base64.b64decode(WEBHOOK_SECRET[len("whsec_"):])
    tag = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    given = [one.encode() for one in signatures.split(" ")]  # two while the secret is being rotated
    genuine = any(hmac.compare_digest(b"v1," + base64.b64encode(tag), one) for one in given)
    return genuine and abs(time.time() - int(timestamp)) <= TOLERANCE_S


if sys.argv[1:2] == ["webhook"]:
    sys.exit(None if verify_webhook(*sys.argv[2:5], sys.stdin.buffer.read()) else "not from Feiqian, or too old")
order = "order-" + secrets.token_hex(8)  # your own number: never free again, so that it can't charge twice
payment = {"merchant_order_no": order, "amount": {"value": 1250, "currency": "CNY"}, "method": "sandbox", "scene": "bar_code"}
payment |= {"auth_code": "134500000000000001", "subject": "茶"}  # the code on the payer's phone, and what is sold
refund = {"merchant_order_no": order, "merchant_refund_no": order + "-1", "amount": {"value": 250, "currency": "CNY"}}
try:
    print(json.dumps(call("POST", "/v1/payments", "pay-" + order, payment)))
    print(json.dumps(call("POST", "/v1/refunds", "refund-" + order, refund)))
    print(json.dumps(call("GET", "/v1/payments?merchant_order_no=" + order)))
except error.HTTPError as refused:  # a problem document: its `code` is stable, its `detail` says what to do
    sys.exit(refused.read().decode())
