#!/bin/sh
# Feiqian from a shell: takes a payment, gives part of it back, verifies a webhook. Needs curl 7.76 and openssl 1.1.1, or later.
#   sh sign.sh                                          12.50 in, 2.50 back, then the payment as it stands
#   sh sign.sh webhook ID TIMESTAMP SIGNATURE < BODY    the three webhook-… headers; exit 0 when Feiqian sent this body
set -euf
URL=${FEIQIAN_URL:-http://127.0.0.1:8080} # exactly the server's public URL: it is part of what is signed
KEY_ID=${FEIQIAN_KEY_ID:-key_…}           # as `feiqian key create` printed it
KEY_FILE=${FEIQIAN_KEY_FILE:-private.pem} # Ed25519: `openssl genpkey -algorithm ed25519 -out private.pem`
SECRET=${FEIQIAN_WEBHOOK_SECRET:-whsec_…} # never on a command line, which every user of the machine can list
TOLERANCE_S=300
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
sha256() { openssl dgst -sha256 -binary; }
base64() { openssl base64 -A; }

# call METHOD PATH [IDEMPOTENCY_KEY BODY] signs, sends and prints the answer. After a timeout, call again with the same key and
# body: the signature gets a nonce of its own, and the payment is made once.
call() {
  covered='"@method" "@target-uri"' && : >"$work/headers"
  printf '"@method": %s\n"@target-uri": %s\n' "$1" "$URL$2" >"$work/base"
  if [ $# -gt 2 ]; then
    printf %s "$4" >"$work/body" # what is hashed is what is sent, byte by byte
    digest="sha-256=:$(sha256 <"$work/body" | base64):"
    covered="$covered \"content-digest\" \"idempotency-key\""
    printf '"content-digest": %s\n"idempotency-key": %s\n' "$digest" "$3" >>"$work/base"
    printf '%s\n' "Content-Digest: $digest" "Idempotency-Key: $3" 'Content-Type: application/json' >"$work/headers"
  fi
  params="($covered);created=$(date +%s);keyid=\"$KEY_ID\";nonce=\"$(openssl rand -hex 16)\";alg=\"ed25519\""
  printf '"@signature-params": %s' "$params" >>"$work/base" # no line end after the last line
  signature=$(openssl pkeyutl -sign -inkey "$KEY_FILE" -rawin -in "$work/base" | base64)
  printf '%s\n' "Signature-Input: sig1=$params" "Signature: sig1=:$signature:" >>"$work/headers"
  curl -sS --max-time 30 --fail-with-body -X "$1" "$URL$2" -H "@$work/headers" ${4+--data-binary "@$work/body"} && echo
}

# verify_webhook ID TIMESTAMP SIGNATURE < BODY. HMAC by its definition (RFC 2104): openssl takes HMAC keys by command line only.
verify_webhook() {
  case $2 in '' | *[!0-9]*) return 1 ;; esac
  age_s=$(($(date +%s) - $2)) && [ "${age_s#-}" -le "$TOLERANCE_S" ] || return 1
  secret=$(printf %s "${SECRET#whsec_}" | openssl base64 -d -A | od -An -v -tx1)
  { pad 54 $secret; printf %s.%s. "$1" "$2"; cat; } | sha256 >"$work/inner"
  expected=v1,$({ pad 92 $secret; cat "$work/inner"; } | sha256 | base64)
  salt=$(openssl rand -hex 16) # hashed with it, comparing tells nothing by the time it takes
  for one in $3; do            # two while the secret is being rotated
    [ "$(printf %s "$salt$one" | sha256 | base64)" != "$(printf %s "$salt$expected" | sha256 | base64)" ] || return 0
  done
  return 1
}
pad() { # pad MASK BYTE…: the bytes, filled up with zeros to 64, each XOR the mask
  mask=$1 && shift
  while [ $# -lt 64 ]; do set -- "$@" 0; done
  for byte in "$@"; do printf "\\$(printf %03o $((0x$byte ^ mask)))"; done
}

if [ "${1:-}" = webhook ]; then shift && verify_webhook "$@" && exit; echo 'not from Feiqian, or too old' >&2; exit 1; fi
order=order-$(openssl rand -hex 8) # your own number: never free again, so that it can't charge twice
call POST /v1/payments "pay-$order" "{\"merchant_order_no\": \"$order\", \"amount\": {\"value\": 1250, \"currency\": \"CNY\"},
  \"method\": \"sandbox\", \"scene\": \"bar_code\", \"auth_code\": \"134500000000000001\", \"subject\": \"茶\"}"
call POST /v1/refunds "refund-$order" "{\"merchant_order_no\": \"$order\", \"merchant_refund_no\": \"$order-1\",
  \"amount\": {\"value\": 250, \"currency\": \"CNY\"}}"
call GET "/v1/payments?merchant_order_no=$order"
