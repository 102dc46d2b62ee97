// Feiqian from Node: takes a payment, gives part of it back, verifies a webhook. Node 18 or later, no packages.
//   node sign.mjs                                          12.50 in, 2.50 back, then the payment as it stands
//   node sign.mjs webhook ID TIMESTAMP SIGNATURE < BODY    the three webhook-… headers; exit 0 when Feiqian sent this body
import { createHash, createHmac, randomBytes, sign, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";

const URL = process.env.FEIQIAN_URL ?? "http://127.0.0.1:8080"; // exactly the server's public URL: it is part of what is signed
const KEY_ID = process.env.FEIQIAN_KEY_ID ?? "key_…"; // as `feiqian key create` printed it
const KEY_FILE = process.env.FEIQIAN_KEY_FILE ?? "private.pem"; // Ed25519: `openssl genpkey -algorithm ed25519 -out private.pem`
const WEBHOOK_SECRET = process.env.FEIQIAN_WEBHOOK_SECRET ?? "whsec_…";
const TOLERANCE_S = 300;

// Signs and sends. After a timeout, call again with the same key and body: a new nonce, and the payment is made once.
async function call(method, path, idempotencyKey, body) {
  const headers = {};
  let data; // what is hashed is what is sent, byte by byte
  if (body !== undefined) {
    data = JSON.stringify(body);
    headers["content-digest"] = `sha-256=:${createHash("sha256").update(data).digest("base64")}:`;
    headers["idempotency-key"] = idempotencyKey;
  }
  const covered = { "@method": method, "@target-uri": URL + path, ...headers };
  const names = Object.keys(covered).map((name) => `"${name}"`).join(" ");
  const created = Math.floor(Date.now() / 1000); // seconds; Date.now() counts milliseconds
  const params = `(${names});created=${created};keyid="${KEY_ID}";nonce="${randomBytes(16).toString("hex")}";alg="ed25519"`;
  const base = [...Object.entries(covered).map(([name, value]) => `"${name}": ${value}`), `"@signature-params": ${params}`].join("\n");
  headers["signature-input"] = `sig1=${params}`;
  headers["signature"] = `sig1=:${sign(null, Buffer.from(base), readFileSync(KEY_FILE)).toString("base64")}:`;
  headers["content-type"] = "application/json";
  const answer = await fetch(URL + path, { method, headers, body: data, signal: AbortSignal.timeout(30_000) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(text); // a problem document: its `code` is stable, its `detail` says what to do
  return JSON.parse(text);
}

// `body` is the bytes as received, never JSON that was parsed and written again.
function verifyWebhook(id, timestamp, signatures, body) {
  if (!(Math.abs(Date.now() / 1000 - Number(timestamp)) <= TOLERANCE_S)) return false;
  const key = Buffer.from(WEBHOOK_SECRET.replace("whsec_", ""), "base64");
  const tag = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest("base64");
  const expected = Buffer.from(`v1,${tag}`);
  const given = signatures.split(" ").map((one) => Buffer.from(one)); // two while the secret is being rotated
  return given.some((one) => one.length === expected.length && timingSafeEqual(one, expected));
}

const [what, id, timestamp, signatures] = process.argv.slice(2);
if (what === "webhook") {
  const good = verifyWebhook(id, timestamp, signatures, readFileSync(0));
  console.error(good ? "verified" : "not from Feiqian, or too old");
  process.exit(good ? 0 : 1);
}
const order = `order-${randomBytes(8).toString("hex")}`; // your own number: never free again, so that it can't charge twice
const till = { method: "sandbox", scene: "bar_code", auth_code: "134500000000000001" }; // the code on the payer's phone
const payment = { merchant_order_no: order, amount: { value: 1250, currency: "CNY" }, subject: "茶", ...till };
const refund = { merchant_order_no: order, merchant_refund_no: `${order}-1`, amount: { value: 250, currency: "CNY" } };
console.log(JSON.stringify(await call("POST", "/v1/payments", `pay-${order}`, payment)));
console.log(JSON.stringify(await call("POST", "/v1/refunds", `refund-${order}`, refund)));
console.log(JSON.stringify(await call("GET", `/v1/payments?merchant_order_no=${order}`)));
