<?php
// Feiqian from PHP: takes a payment, gives part of it back, verifies a webhook. PHP 8 with sodium, which is built in.
//   php sign.php                                          12.50 in, 2.50 back, then the payment as it stands
//   php sign.php webhook ID TIMESTAMP SIGNATURE < BODY    the three webhook-… headers; exit 0 when Feiqian sent this body
declare(strict_types=1);

define('URL', getenv('FEIQIAN_URL') ?: 'http://127.0.0.1:8080'); // exactly the server's public URL: it is part of what is signed
define('KEY_ID', getenv('FEIQIAN_KEY_ID') ?: 'key_…'); // as `feiqian key create` printed it
define('KEY_FILE', getenv('FEIQIAN_KEY_FILE') ?: 'private.pem'); // Ed25519: `openssl genpkey -algorithm ed25519 -out private.pem`
define('WEBHOOK_SECRET', getenv('FEIQIAN_WEBHOOK_SECRET') ?: 'whsec_…');
const TOLERANCE_S = 300;

// Signs with sodium: openssl_sign() knows Ed25519 from PHP 8.4 only. In PKCS#8 the seed is the 32 bytes after a fixed head of 16.
function sign(string $base): string
{
    $der = base64_decode(preg_replace('/-----[^-]+-----|\s/', '', file_get_contents(KEY_FILE)));
    $pair = sodium_crypto_sign_seed_keypair(substr($der, 16, 32));
    return base64_encode(sodium_crypto_sign_detached($base, sodium_crypto_sign_secretkey($pair)));
}

// Signs and sends. After a timeout, call again with the same key and body: a new nonce, and the payment is made once.
function call(string $method, string $path, string $idempotency_key = '', ?array $body = null): string
{
    $headers = [];
    $data = $body === null ? '' : json_encode($body, JSON_THROW_ON_ERROR); // what is hashed is what is sent, byte by byte
    if ($body !== null) {
        $headers['content-digest'] = 'sha-256=:' . base64_encode(hash('sha256', $data, true)) . ':';
        $headers['idempotency-key'] = $idempotency_key;
    }
    $covered = ['@method' => $method, '@target-uri' => URL . $path] + $headers;
    $names = implode('" "', array_keys($covered));
    $params = sprintf('("%s");created=%d;keyid="%s";nonce="%s";alg="ed25519"', $names, time(), KEY_ID, bin2hex(random_bytes(16)));
    $lines = array_map(fn ($name, $value) => "\"$name\": $value", array_keys($covered), $covered);
    $signature = sign(implode("\n", [...$lines, "\"@signature-params\": $params"]));
    $headers += ['signature-input' => "sig1=$params", 'signature' => "sig1=:$signature:", 'content-type' => 'application/json'];
    $sent = array_map(fn ($name, $value) => "$name: $value", array_keys($headers), $headers);
    $http = ['method' => $method, 'header' => $sent, 'content' => $data, 'ignore_errors' => true, 'timeout' => 30];
    $answer = file_get_contents(URL . $path, false, stream_context_create(['http' => $http]));
    if ($answer === false || (int) explode(' ', $http_response_header[0])[1] >= 400) {
        fwrite(STDERR, "$answer\n"); // a problem document: its `code` is stable, its `detail` says what to do
        exit(1);
    }
    return $answer;
}

function verify_webhook(string $id, string $timestamp, string $signatures, string $body): bool
{
    $key = base64_decode(substr(WEBHOOK_SECRET, strlen('whsec_')));
    $expected = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$timestamp.$body", $key, true));
    $matching = array_filter(explode(' ', $signatures), fn ($one) => hash_equals($expected, $one)); // two while the secret is being rotated
    return $matching !== [] && abs(time() - (int) $timestamp) <= TOLERANCE_S;
}

if (($argv[1] ?? '') === 'webhook') exit(verify_webhook($argv[2], $argv[3], $argv[4], file_get_contents('php://stdin')) ? 0 : 1);
$order = 'order-' . bin2hex(random_bytes(8)); // your own number: never free again, so that it can't charge twice
$till = ['method' => 'sandbox', 'scene' => 'bar_code', 'auth_code' => '134500000000000001']; // the code on the payer's phone
$payment = ['merchant_order_no' => $order, 'amount' => ['value' => 1250, 'currency' => 'CNY'], 'subject' => '茶'] + $till;
$refund = ['merchant_order_no' => $order, 'merchant_refund_no' => "$order-1", 'amount' => ['value' => 250, 'currency' => 'CNY']];
echo call('POST', '/v1/payments', "pay-$order", $payment), "\n", call('POST', '/v1/refunds', "refund-$order", $refund), "\n";
echo call('GET', "/v1/payments?merchant_order_no=$order"), "\n";
