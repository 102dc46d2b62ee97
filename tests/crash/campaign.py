"""Kills the server under load, starts it again and proves that nothing was lost and nothing counted twice.

A round: so many payments at once (and refunds of older ones), SIGKILL at a random moment, a restart on the same data, then
  * `verify --full` finds no difference, right after the restart and again when everything has settled;
  * every payment that was acknowledged is there, with the same id and amount, and no status has gone back;
  * every order is sent again by its number and is the one payment that it was; it ends succeeded, or failed where the kill came
    before the channel was asked and the attempt was closed there;
  * the channel's own bill has each succeeded one exactly once, no other, and nothing that the books do not have;
  * the merchant's balance is the sum of what its payments and refunds say.

Only the standard library is used. Exit code 0: all rounds held; 1: the first that did not, with its data left in place.
"""

import argparse
import collections
import datetime
import http.client
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

READY_S = 30
SETTLE_S = 90
CONFIG = """\
data_dir = "{folder}/data"
master_key_file = "{folder}/master.key"
listen = "127.0.0.1:{port}"
internal_listen = "127.0.0.1:{internal}"
sync_wait_ms = 2000
[log]
level = "warn"
[lanes]
lease_ms = {lease_ms}
due_poll_ms = 50
"""
AMOUNTS = (1, 99, 1250, 3333, 10_000, 987_654)
OUTCOMES = ("succeed",) * 16 + ("callback_first", "callback_twice", "answer_late", "timeout")
FINAL = ("succeeded", "failed", "closed")


class Broken(Exception):
    """Something that must hold does not."""


def hold(condition, what):
    if not condition:
        raise Broken(what)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Answer(collections.namedtuple("Answer", "status body")):
    """An HTTP answer, its body as JSON."""


class Installation:
    def __init__(self, binary, folder, lease_ms):
        self.binary, self.folder = binary, folder
        self.port, self.internal = free_port(), free_port()
        self.config = folder / "feiqian.toml"
        self.config.write_text(CONFIG.format(folder=folder, port=self.port, internal=self.internal, lease_ms=lease_ms))
        self.server = None
        self.command("init")
        self.merchant = self.command("merchant", "create", "--world", "sandbox", "--name", "Crash House")["id"]
        price = ("--method", "sandbox", "--currency", "CNY", "--rate", "0.60", "--fixed", "0", "--minimum", "0")
        self.command("price", "set", "--merchant", self.merchant, *price, "--refund-fee", "returned")
        self.token = self.command("key", "create", "--merchant", self.merchant, "--bearer")["bearer"]

    def command(self, *arguments):
        told = [self.binary, *arguments, "--config", str(self.config), "--json"]
        done = subprocess.run(told, capture_output=True, text=True, check=False)
        hold(done.returncode == 0, f"{' '.join(arguments)}: exit code {done.returncode}: {done.stdout} {done.stderr}")
        return json.loads(done.stdout)

    def start(self, status=200):
        """Serves, and comes back when `/readyz` answers so: 200, or 503 while it is held."""
        with open(self.folder / "serve.log", "ab") as log:
            told = [self.binary, "serve", "--config", str(self.config)]
            self.server = subprocess.Popen(told, stdout=log, stderr=log)
        return self.wait_until_ready(status)

    def wait_until_ready(self, status=200):
        begun = time.monotonic()
        while time.monotonic() - begun < READY_S:
            hold(self.server.poll() is None, f"the server ended with {self.server.returncode} at its start")
            try:
                if self.ask("GET", "/readyz", port=self.internal).status == status:
                    return time.monotonic() - begun
            except OSError:
                pass
            time.sleep(0.02)
        raise Broken(f"/readyz did not answer {status} within {READY_S} s")

    def kill(self):
        self.server.kill()
        self.server.wait()

    def ask(self, method, path, body=None, port=None):
        """An answer, or OSError / HTTPException when the connection broke."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=30)
        try:
            headers = {"Authorization": f"Bearer {self.token}", "Connection": "close"}
            data = None
            if body is not None:
                data = json.dumps(body).encode()
                headers["Content-Type"] = "application/json"
            connection.request(method, path, body=data, headers=headers)
            answer = connection.getresponse()
            text = answer.read()
            try:
                return Answer(answer.status, json.loads(text))
            except ValueError:
                return Answer(answer.status, {})
        finally:
            connection.close()

    def get(self, path):
        answer = self.ask("GET", path)
        hold(answer.status == 200, f"GET {path}: {answer.status} {answer.body}")
        return answer.body

    def rows(self, path):
        rows, cursor = [], None
        while True:
            page = self.get(f"{path}?limit=100" + (f"&cursor={cursor}" if cursor else ""))
            rows += page["data"]
            cursor = page["next_cursor"]
            if cursor is None:
                return rows

    def verify(self):
        report = self.command("verify", "--full")
        hold(report["clean"], f"verify: {report['difference']}")
        return report["transactions"]

    def bill(self):
        """Rows of the channel's own bills around today."""
        today = datetime.datetime.now(datetime.timezone.utc).date()
        days = [today + datetime.timedelta(days=days) for days in (-1, 0, 1)]
        return [row for day in days for row in self.command("sandbox", "bill", "--date", day.isoformat())["rows"]]


def order(number, dice):
    return {
        "merchant_order_no": number,
        "amount": {"value": dice.choice(AMOUNTS), "currency": "CNY"},
        "method": "sandbox",
        "scene": "bar_code",
        "subject": "tea",
        "auth_code": "134500000000000001",
        "sandbox_outcome": dice.choice(OUTCOMES),
    }


class Load:
    """Requests that begin at the same moment, each in a thread of its own."""

    def __init__(self, installation, requests):
        self.installation, self.requests = installation, requests
        self.answers = [None] * len(requests)
        self.gate = threading.Event()
        self.threads = [threading.Thread(target=self.one, args=(index,), daemon=True) for index in range(len(requests))]
        for thread in self.threads:
            thread.start()

    def one(self, index):
        path, body = self.requests[index]
        self.gate.wait()
        try:
            self.answers[index] = self.installation.ask("POST", path, body)
        except (OSError, http.client.HTTPException):
            pass  # cut off: whether it was done is what a retry finds out

    def begin(self):
        self.gate.set()

    def end(self):
        for thread in self.threads:
            thread.join(timeout=60)
            hold(not thread.is_alive(), "a request neither ended nor broke off")
        return self.answers


class Campaign:
    def __init__(self, installation, payments, seed):
        self.installation, self.payments = installation, payments
        self.dice = random.Random(seed)
        self.full_load_s = 1.0
        self.orders = {}  # merchant_order_no -> what was ordered
        self.known = {}  # merchant_order_no -> the id that was acknowledged
        self.refund_bodies = {}  # merchant_refund_no -> what was asked
        self.sums = collections.Counter()
        self.elsewhere = set()  # what the channel did for other merchants

    def requests(self, number):
        batch = {f"R{number}-{index}": None for index in range(self.payments)}
        for name in batch:
            batch[name] = order(name, self.dice)
        self.orders |= batch
        requests = [("/v1/payments", body) for body in batch.values()]
        older = [row for row in self.settled.values() if row["status"] == "succeeded" and row["refund_status"] == "none"]
        for row in self.dice.sample(older, min(len(older), self.payments // 10)):
            name = f"F{number}-{row['merchant_order_no']}"
            value = self.dice.randint(1, row["amount"]["value"])
            body = {"payment": row["id"], "merchant_refund_no": name, "amount": {"value": value, "currency": "CNY"}}
            self.refund_bodies[name] = body
            requests.append(("/v1/refunds", body))
        self.dice.shuffle(requests)
        return requests

    def round(self, number):
        self.settled = getattr(self, "settled", {})
        installation = self.installation
        requests = self.requests(number)
        load = Load(installation, requests)
        moment = self.dice.uniform(0.02, 0.95) * self.full_load_s
        begun = time.monotonic()
        load.begin()
        time.sleep(moment)
        installation.kill()
        answers = load.end()
        acknowledged, cut = self.take(requests, answers)
        ready_s = installation.start()
        installation.verify()
        stored = self.stored()
        self.compare(requests, answers, stored)
        self.again(requests)
        self.settled = self.settle()
        transactions = installation.verify()
        self.judge()
        self.sums.update(sent=len(requests), acknowledged=acknowledged, cut=cut)
        there = sum(1 for path, body in requests if path == "/v1/payments" and body["merchant_order_no"] in stored)
        print(
            f"round {number}: killed after {moment:.2f} s; {len(requests)} sent, {acknowledged} acknowledged, {cut} cut off; "
            f"ready again in {ready_s:.2f} s with {there} of {self.payments} payments, the rest by retry; "
            f"verify clean over {transactions} transactions, bill and balance agree ({time.monotonic() - begun:.0f} s)",
            flush=True,
        )

    def take(self, requests, answers):
        acknowledged = cut = 0
        for (path, body), answer in zip(requests, answers):
            if answer is None:
                cut += 1
                continue
            hold(answer.status in (200, 201, 503), f"{path} {body}: {answer.status} {answer.body}")
            if answer.status == 503:
                continue
            acknowledged += 1
            if path == "/v1/payments":
                self.known[body["merchant_order_no"]] = answer.body["id"]
        return acknowledged, cut

    def stored(self):
        rows = self.installation.rows("/v1/payments")
        by_number = {row["merchant_order_no"]: row for row in rows}
        hold(len(by_number) == len(rows), "an order number stands twice")
        return by_number

    def compare(self, requests, answers, stored):
        """What was acknowledged is there, and not behind what was told."""
        refunds = {row["merchant_refund_no"]: row for row in self.installation.rows("/v1/refunds")}
        for (path, body), answer in zip(requests, answers):
            if answer is None or answer.status == 503:
                continue
            number = body.get("merchant_order_no") or body["merchant_refund_no"]
            row = (stored if path == "/v1/payments" else refunds).get(number)
            hold(row is not None, f"{number} was acknowledged and is gone")
            hold(row["id"] == answer.body["id"], f"{number} was {answer.body['id']} and is {row['id']}")
            hold(row["amount"] == body["amount"], f"{number} has another amount: {row['amount']}")
            told = answer.body["status"]
            hold(told not in FINAL or row["status"] == told, f"{number} was told {told} and is {row['status']}")
            hold(row["sequence"] >= answer.body["sequence"], f"{number} has gone back")
        for number in stored:
            hold(number in self.orders, f"{number} was never ordered")

    def unlimited(self, requests, until):
        """Requests with their answers; whoever asks too fast has had nothing done, and asks a little later."""
        while requests:
            load = Load(self.installation, requests)
            load.begin()
            answered = list(zip(requests, load.end()))
            limited = lambda answer: answer is not None and answer.status == 429
            yield from ((request, answer) for request, answer in answered if not limited(answer))
            requests = [request for request, answer in answered if limited(answer)]
            if requests:
                hold(time.monotonic() < until, f"{len(requests)} requests are still too many")
                time.sleep(0.2)

    def again(self, requests):
        """Everybody who was cut off asks again, by number; those who were answered do so too."""
        begun = time.monotonic()
        for (path, body), answer in self.unlimited(requests, begun + SETTLE_S):
            number = body.get("merchant_order_no") or body["merchant_refund_no"]
            hold(answer is not None and answer.status in (200, 201), f"again {path} {number}: {answer}")
            if path == "/v1/payments":
                known = self.known.setdefault(number, answer.body["id"])
                hold(known == answer.body["id"], f"{number} was {known} and is {answer.body['id']}: a second payment")

    def settle(self):
        begun = time.monotonic()
        while True:
            stored = self.stored()
            open_ones = [row for row in stored.values() if row["status"] not in FINAL]
            waiting = [row for row in self.installation.rows("/v1/refunds") if row["status"] == "pending"]
            if not open_ones and not waiting:
                return stored
            if time.monotonic() - begun > SETTLE_S:
                names = [row["merchant_order_no"] + " " + row["status"] for row in open_ones[:5]]
                raise Broken(f"not settled within {SETTLE_S} s: {len(open_ones)} payments ({names}), {len(waiting)} refunds")
            time.sleep(0.2)

    def judge(self):
        """Books against the channel's own bill, and against the balance."""
        installation, stored = self.installation, self.settled
        hold(set(stored) == set(self.orders), "an order has no payment")
        for number, row in stored.items():
            was_closed = row["status"] == "failed" and row["failure"]["code"] == "attempt_closed"
            hold(row["status"] == "succeeded" or was_closed, f"{number} ended {row['status']} {row['failure']}")
            hold(row["id"] == self.known[number], f"{number} is another payment")
        paid = {number: row for number, row in stored.items() if row["status"] == "succeeded"}
        bill = [row for row in installation.bill() if row["request_no"] not in self.elsewhere]
        taken = collections.Counter(row["request_no"] for row in bill if row["kind"] == "payment")
        attempts = {row["latest_attempt"]["id"].split("_")[1]: row for row in paid.values()}
        twice = [number for number, count in taken.items() if count > 1]
        hold(not twice, f"the channel took twice: {twice[:5]}")
        hold(set(taken) == set(attempts), f"books without bill {list(set(attempts) - set(taken))[:5]}, "
             f"bill without books {list(set(taken) - set(attempts))[:5]}")
        for row in (row for row in bill if row["kind"] == "payment"):
            hold(row["amount"] == attempts[row["request_no"]]["amount"], f"bill row {row['request_no']} differs")
        refunds = installation.rows("/v1/refunds")
        hold({row["merchant_refund_no"] for row in refunds} == set(self.refund_bodies), "a refund too many or too few")
        succeeded = [row for row in refunds if row["status"] == "succeeded"]
        returned = [row for row in bill if row["kind"] == "refund"]
        hold(len(returned) == len(succeeded), f"{len(returned)} refunds on the bill, {len(succeeded)} in the books")
        hold(-sum(row["amount"]["value"] for row in returned) == sum(row["amount"]["value"] for row in succeeded),
             "refunds on the bill sum to something else")
        net = sum(row["net"]["value"] for row in paid.values())
        net -= sum(row["amount"]["value"] - row["fee_returned"]["value"] + row["fee_charged"]["value"] for row in succeeded)
        balance = installation.get("/v1/balances")["data"][0]
        plus = ("pending", "available", "reserved", "escrow", "split_hold", "blocked", "in_transit")
        worth = sum(balance[bucket]["value"] for bucket in plus) - balance["owed"]["value"]
        hold(worth == net, f"the balance is {worth}, payments and refunds make {net}")
        self.sums["payments"], self.sums["refunds"] = len(paid), len(succeeded)
        self.sums["closed"] = len(stored) - len(paid)

    def warm_up(self):
        """A load that nobody cuts off: how long it takes is what the random moments are drawn from."""
        self.settled = {}
        requests = self.requests(0)
        load = Load(self.installation, requests)
        begun = time.monotonic()
        load.begin()
        answers = load.end()
        self.full_load_s = time.monotonic() - begun
        self.take(requests, answers)
        hold(all(answer is not None for answer in answers), "a request broke off though nobody was killed")
        self.again(requests)
        self.settled = self.settle()
        self.judge()
        print(f"without a kill: {len(requests)} payments at once are answered in {self.full_load_s:.2f} s", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rounds", type=int)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--payments", type=int, default=200)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--lease-ms", type=int, default=6000)
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(2**32)
    folder = Path(tempfile.mkdtemp(prefix="feiqian-crash-"))
    print(f"seed {seed}, data in {folder}", flush=True)
    installation = None
    try:
        installation = Installation(os.path.abspath(options.binary), folder, options.lease_ms)
        campaign = Campaign(installation, options.payments, seed)
        installation.start()
        campaign.warm_up()
        for number in range(1, options.rounds + 1):
            campaign.round(number)
    except Broken as broken:
        print(f"BROKEN: {broken}\n(seed {seed}; data and log are left in {folder})", file=sys.stderr, flush=True)
        sys.exit(1)
    finally:
        if installation is not None and installation.server is not None and installation.server.poll() is None:
            installation.server.kill()
    sums = campaign.sums
    print(
        f"{options.rounds} rounds: {sums['sent']} requests sent, {sums['acknowledged']} acknowledged, {sums['cut']} cut off; "
        f"{sums['payments']} paid payments and {sums['refunds']} refunds in the books, each once on the channel's bill; "
        f"{sums['closed']} payments closed unpaid because the kill came before the channel was asked; none lost, none twice",
        flush=True,
    )
    subprocess.run(["rm", "-rf", str(folder)], check=False)


if __name__ == "__main__":
    main()
