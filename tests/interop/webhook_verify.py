"""Verifies deliveries with PyPI's standardwebhooks.

Standard input: a list of {secret, id, timestamp, signature, body (base64)}.
Standard output: a list of {verified, event | error}, in the same order.
"""

import base64
import json
import sys

from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError


def judge(delivery):
    headers = {
        "webhook-id": delivery["id"],
        "webhook-timestamp": delivery["timestamp"],
        "webhook-signature": delivery["signature"],
    }
    body = base64.b64decode(delivery["body"])
    try:
        event = Webhook(delivery["secret"]).verify(body, headers)
    except (WebhookVerificationError, UnicodeDecodeError) as error:
        return {"verified": False, "error": str(error)}
    return {"verified": True, "event": event}


if __name__ == "__main__":
    json.dump([judge(delivery) for delivery in json.load(sys.stdin)], sys.stdout)
