"""Signs requests with PyPI's http-message-signatures and sends them with requests.

Standard input: one JSON object with base_url, keyid, private_key (PEM), alg, order, changed and idempotency_key.
Standard output: a list of {case, status, code}, in the order in which they were sent.
"""

import base64
import datetime
import hashlib
import json
import secrets
import sys

import requests
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver, algorithms

ALGORITHMS = {
    "ed25519": algorithms.ED25519,
    "ecdsa-p256-sha256": algorithms.ECDSA_P256_SHA256,
    "rsa-v1_5-sha256": algorithms.RSA_V1_5_SHA256,
    "rsa-pss-sha512": algorithms.RSA_PSS_SHA512,
}
TIMEOUT_S = 30


class Keys(HTTPSignatureKeyResolver):
    """The one key."""

    def __init__(self, pem):
        self.key = load_pem_private_key(pem.encode(), password=None)

    def resolve_private_key(self, key_id):
        return self.key

    def resolve_public_key(self, key_id):
        return self.key.public_key()


def digest(body):
    return "sha-256=:" + base64.b64encode(hashlib.sha256(body).digest()).decode() + ":"


class Sender:
    def __init__(self, told):
        self.base_url, self.keyid = told["base_url"], told["keyid"]
        self.signer = HTTPMessageSigner(
            signature_algorithm=ALGORITHMS[told["alg"]], key_resolver=Keys(told["private_key"])
        )
        self.session = requests.Session()
        self.session.trust_env = False
        self.results = []

    def signed(self, method, path, body=None, idempotency_key=None):
        """A request with a signature; the package computes and covers Content-Digest itself."""
        headers = {}
        covered = ["@method", "@target-uri"]
        if body is not None:
            headers["Content-Type"] = "application/json"
        if idempotency_key is not None:
            headers["Idempotency-Key"] = idempotency_key
            covered.append("idempotency-key")
        request = requests.Request(method, self.base_url + path, headers=headers, data=body).prepare()
        self.signer.sign(
            request,
            key_id=self.keyid,
            created=datetime.datetime.now(),
            nonce=secrets.token_hex(16) if method != "GET" else None,
            covered_component_ids=covered,
            body=body,
        )
        return request

    def send(self, case, request):
        answer = self.session.send(request, timeout=TIMEOUT_S, allow_redirects=False)
        code = answer.json().get("code", "") if answer.status_code >= 400 else ""
        self.results.append({"case": case, "status": answer.status_code, "code": code})


def main():
    told = json.load(sys.stdin)
    sender, key = Sender(told), told["idempotency_key"]
    body = json.dumps(told["order"]).encode()
    changed = {name: json.dumps(order).encode() for name, order in told["changed"].items()}

    sender.send("whoami", sender.signed("GET", "/v1/whoami"))
    sender.send("list with a query", sender.signed("GET", "/v1/payments?limit=5&created_at_gte=2020-01-01T00%3A00%3A00Z"))
    first = sender.signed("POST", "/v1/payments", body, key)
    sender.send("create", first)
    sender.send("create again, signed again", sender.signed("POST", "/v1/payments", body, key))
    sender.send("the same signed request again", first)

    request = sender.signed("POST", "/v1/payments", changed["body"], key + "-body")
    request.body = request.body.replace(b"1250", b"1251")
    sender.send("a changed byte of the body", request)

    request = sender.signed("POST", "/v1/payments", changed["digest"], key + "-digest")
    request.body = request.body.replace(b"1250", b"1251")
    request.headers["Content-Digest"] = digest(request.body)
    sender.send("a changed byte of body and digest", request)

    request = sender.signed("POST", "/v1/refunds", changed["path"], key + "-path")
    request.url = sender.base_url + "/v1/payments"
    sender.send("a changed path", request)

    request = sender.signed("POST", "/v1/payments", changed["key"], key + "-key")
    request.headers["Idempotency-Key"] = key + "-other"
    sender.send("a changed idempotency key", request)
    json.dump(sender.results, sys.stdout)


if __name__ == "__main__":
    main()
