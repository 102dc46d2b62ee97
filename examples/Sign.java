// Feiqian from Java: takes a payment, gives part of it back, verifies a webhook. Java 17 or later, nothing to build.
//   java Sign.java                                          12.50 in, 2.50 back, then the payment as it stands
//   java Sign.java webhook ID TIMESTAMP SIGNATURE < BODY    the three webhook-... headers; exit 0 when Feiqian sent this body
import java.net.http.*;
import java.nio.file.*;
import java.security.*;
import java.util.*;
public class Sign {
    static final String URL = env("FEIQIAN_URL", "http://127.0.0.1:8080"); // exactly the server's public URL: it is signed too
    static final String KEY_ID = env("FEIQIAN_KEY_ID", "key_..."); // as `feiqian key create` printed it
    static final String KEY_FILE = env("FEIQIAN_KEY_FILE", "private.pem"); // `openssl genpkey -algorithm ed25519 -out private.pem`
    static final String WEBHOOK_SECRET = env("FEIQIAN_WEBHOOK_SECRET", "whsec_...");
    static final long TOLERANCE_S = 300;
    static String env(String name, String otherwise) { return System.getenv().getOrDefault(name, otherwise); }
    static String base64(byte[] bytes) { return Base64.getEncoder().encodeToString(bytes); }
    static String sign(String base) throws Exception {
        var der = Base64.getMimeDecoder().decode(Files.readString(Path.of(KEY_FILE)).replaceAll("-----[^-]+-----", ""));
        var signer = Signature.getInstance("Ed25519");
        signer.initSign(KeyFactory.getInstance("Ed25519").generatePrivate(new java.security.spec.PKCS8EncodedKeySpec(der)));
        signer.update(base.getBytes("UTF-8"));
        return base64(signer.sign());
    }
    // Signs and sends. After a timeout, call again with the same key and body: a new nonce, and the payment is made once.
    static String call(String method, String path, String idempotencyKey, String body) throws Exception {
        var headers = new LinkedHashMap<String, String>();
        if (!body.isEmpty()) { // what is hashed is what is sent, byte by byte
            headers.put("content-digest", "sha-256=:" + base64(MessageDigest.getInstance("SHA-256").digest(body.getBytes("UTF-8"))) + ":");
            headers.put("idempotency-key", idempotencyKey);
        }
        var base = new StringBuilder("\"@method\": %s\n\"@target-uri\": %s\n".formatted(method, URL + path));
        var covered = new StringBuilder("\"@method\" \"@target-uri\"");
        headers.forEach((name, value) -> { base.append("\"%s\": %s\n".formatted(name, value)); covered.append(" \"" + name + '"'); });
        var params = "(%s);created=%d;keyid=\"%s\";nonce=\"%s\";alg=\"ed25519\""
            .formatted(covered, System.currentTimeMillis() / 1000, KEY_ID, UUID.randomUUID());
        var request = HttpRequest.newBuilder(java.net.URI.create(URL + path)).timeout(java.time.Duration.ofSeconds(30));
        headers.forEach(request::header);
        request.header("signature-input", "sig1=" + params).header("signature", "sig1=:" + sign(base + "\"@signature-params\": " + params) + ":");
        request.header("content-type", "application/json").method(method, HttpRequest.BodyPublishers.ofString(body));
        var answer = HttpClient.newHttpClient().send(request.version(HttpClient.Version.HTTP_1_1).build(), HttpResponse.BodyHandlers.ofString());
        if (answer.statusCode() < 400) return answer.body();
        throw new IllegalStateException(answer.body()); // a problem document: its `code` is stable, its `detail` says what to do
    }
    static boolean verifyWebhook(String id, String timestamp, String signatures, byte[] body) throws Exception {
        var mac = javax.crypto.Mac.getInstance("HmacSHA256"); // over the bytes as received, never over JSON that was written again
        mac.init(new javax.crypto.spec.SecretKeySpec(Base64.getDecoder().decode(WEBHOOK_SECRET.replace("whsec_", "")), "HmacSHA256"));
        mac.update((id + "." + timestamp + ".").getBytes("UTF-8"));
        var expected = ("v1," + base64(mac.doFinal(body))).getBytes(); // one of two, while the secret is being rotated:
        var genuine = Arrays.stream(signatures.split(" ")).anyMatch(one -> MessageDigest.isEqual(expected, one.getBytes()));
        return genuine && Math.abs(System.currentTimeMillis() / 1000 - Long.parseLong(timestamp)) <= TOLERANCE_S;
    }
    public static void main(String[] args) throws Exception {
        if (args.length == 4) System.exit(verifyWebhook(args[1], args[2], args[3], System.in.readAllBytes()) ? 0 : 1);
        var order = "order-" + UUID.randomUUID(); // your own number: never free again, so that it can't charge twice
        System.out.println(call("POST", "/v1/payments", "pay-" + order, ("{\"merchant_order_no\": \"%s\", \"method\": \"sandbox\", \"scene\": \"bar_code\", "
            + "\"amount\": {\"value\": 1250, \"currency\": \"CNY\"}, \"auth_code\": \"134500000000000001\", \"subject\": \"\u8336\"}").formatted(order)));
        System.out.println(call("POST", "/v1/refunds", "refund-" + order, ("{\"merchant_order_no\": \"%1$s\", \"merchant_refund_no\": \"%1$s-1\", "
            + "\"amount\": {\"value\": 250, \"currency\": \"CNY\"}}").formatted(order)));
        System.out.println(call("GET", "/v1/payments?merchant_order_no=" + order, "", ""));
    }
}
