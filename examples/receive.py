"""A receiver of Feiqian's webhooks that loses none and does nothing twice. Python 3.9 or later, nothing else.
    FEIQIAN_WEBHOOK_SECRET=whsec_… python3 receive.py [PORT [DATABASE]]
Store first, answer, then work: 2xx says that the event is safe with you, so it is sent after the commit and before any work.
"""
import base64, contextlib, hashlib, hmac, http.server, json, os, sqlite3, sys, threading, time

PORT, DATABASE = int((sys.argv + ["3000"])[1]), (sys.argv[2:] + ["events.db"])[0]
# Two, separated by a space, while the secret is being rotated.
SECRETS = [base64.b64decode(text.removeprefix("whsec_")) for text in os.environ["FEIQIAN_WEBHOOK_SECRET"].split()]
SCHEMA = """PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS event (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, body BLOB NOT NULL, done INTEGER DEFAULT 0);
CREATE TABLE IF NOT EXISTS object (id TEXT PRIMARY KEY, sequence INTEGER NOT NULL, status TEXT);"""
came = threading.Event()


def is_genuine(headers, body: bytes) -> bool:
    """Over the bytes as they came, never over JSON that was parsed and written again."""
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    given = headers.get("webhook-signature", "").encode().split(b" ")
    signed = f"{message_id}.{timestamp}.".encode() + body
    ours = [b"v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()) for secret in SECRETS]
    is_fresh = timestamp.isdigit() and abs(time.time() - int(timestamp)) <= 300
    return is_fresh and any(hmac.compare_digest(one, other) for one in ours for other in given)


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        genuine = is_genuine(self.headers, body)
        if genuine:
            with contextlib.closing(sqlite3.connect(DATABASE, timeout=10)) as db, db:  # the same event may come twice
                db.execute("INSERT OR IGNORE INTO event (id, body) VALUES (?, ?)", (self.headers["webhook-id"], body))
        self.send_response(204 if genuine else 401)
        self.end_headers()
        came.set()

    log_message = lambda *_: None  # no line per request on standard error


def handle(event: dict, db: sqlite3.Connection) -> None:
    """Your work goes here, in the transaction that marks the event as done. An older state than the known one changes nothing."""
    thing, sequence = event["data"]["object"], event["data"]["sequence"]
    newer = "ON CONFLICT (id) DO UPDATE SET sequence = excluded.sequence, status = excluded.status WHERE excluded.sequence > sequence"
    db.execute(f"INSERT INTO object (id, sequence, status) VALUES (?, ?, ?) {newer}", (thing["id"], sequence, thing.get("status")))
    print(event["type"], thing["id"], flush=True)


def work(db: sqlite3.Connection) -> None:
    while True:
        came.wait(1)
        came.clear()
        for number, body in db.execute("SELECT number, body FROM event WHERE NOT done ORDER BY number").fetchall():
            with db:
                handle(json.loads(body), db)
                db.execute("UPDATE event SET done = 1 WHERE number = ?", (number,))


queue = sqlite3.connect(DATABASE, timeout=10)
queue.executescript(SCHEMA)
threading.Thread(target=http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Receiver).serve_forever, daemon=True).start()
work(queue)
