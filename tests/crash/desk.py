"""Two people move money from one merchant to another, of two shards, while nodes are killed and the database is restarted: each
adjustment that was approved moves once, whoever had to finish it.

The command line asks the node of its configuration; where that node is dead, it does the work itself, as one node more. What fails is asked
again at the other node until it is taken.
"""

import copy
import json
import random
import subprocess
import threading
import time

from campaign import SETTLE_S, hold, order

FUNDS_MINOR = 9_000_000
ASK_AGAIN_S = 60


class Desk:
    """Proposes and approves, one after the other, until it is told to end."""

    def __init__(self, nodes, seed):
        self.nodes, self.dice = nodes, random.Random(seed)
        self.over, self.fault = threading.Event(), None
        self.giver, self.receiver = self.shop("Giver"), self.shop("Receiver")
        paid = self.fund()
        self.payment, self.elsewhere = paid["id"], {paid["latest_attempt"]["id"].split("_")[1]}
        self.approved, self.failed = {}, 0
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def shop(self, name):
        """A node as another merchant sees it."""
        seen = copy.copy(self.nodes[0])
        seen.merchant = seen.command("merchant", "create", "--world", "sandbox", "--name", name)["id"]
        price = ("--method", "sandbox", "--currency", "CNY", "--rate", "0", "--fixed", "0", "--minimum", "0")
        seen.command("price", "set", "--merchant", seen.merchant, *price, "--refund-fee", "returned")
        seen.token = seen.command("key", "create", "--merchant", seen.merchant, "--bearer")["bearer"]
        return seen

    def fund(self):
        begun = time.monotonic()
        body = order("FUNDS", self.dice) | {"amount": {"value": FUNDS_MINOR, "currency": "CNY"}, "sandbox_outcome": "succeed"}
        while True:
            # The price takes effect some seconds after it was set.
            answer = self.giver.ask("POST", "/v1/payments", body)
            if answer.status in (200, 201) and answer.body["status"] == "succeeded":
                break
            hold(time.monotonic() - begun < SETTLE_S, f"the giver has no funds: {answer}")
            time.sleep(0.2)
        moved = self.giver.ask("POST", "/v1/sandbox/clock", {"advance_seconds": 2 * 86_400})
        hold(moved.status in (200, 202), f"the giver's clock: {moved}")
        return answer.body

    def work(self):
        try:
            while not self.over.is_set():
                minor = self.dice.randint(1, 99)
                wish = ("--from", self.giver.merchant, "--to", self.receiver.merchant, "--corrects", self.payment)
                made = self.insist("propose", *wish, "--amount", str(minor), "--reason", "crash test", "--by", "li")
                self.insist("approve", "--adjustment", made["id"], "--by", "wei")
                self.approved[made["id"]] = minor
        except Exception as fault:  # told by `end`
            self.fault = fault

    def insist(self, *arguments):
        """Runs a command until it succeeds; the next time at the other node."""
        node, begun = self.dice.randrange(2), time.monotonic()
        while True:
            told = [self.nodes[node].binary, "adjustment", *arguments, "--config", str(self.nodes[node].config), "--json"]
            done = subprocess.run(told, capture_output=True, text=True, check=False, timeout=ASK_AGAIN_S)
            if done.returncode == 0:
                return json.loads(done.stdout)
            hold("panicked" not in done.stderr, f"{arguments}: {done.stderr}")
            hold(time.monotonic() - begun < ASK_AGAIN_S, f"{arguments}: not taken for {ASK_AGAIN_S} s: {done.stderr}")
            self.failed += 1
            node = 1 - node
            time.sleep(0.05)

    def end(self):
        self.over.set()
        self.thread.join(timeout=2 * ASK_AGAIN_S)
        hold(not self.thread.is_alive(), "the desk does not end")
        hold(self.fault is None, f"the desk: {self.fault!r}")
        hold(self.approved, "nothing was approved")

    def judge(self):
        """What was approved has moved once, and nothing else."""
        begun, moved = time.monotonic(), sum(self.approved.values())
        while True:
            open_ones = self.nodes[0].command("adjustment", "list")["data"]
            in_transit = [row["id"] for row in open_ones if row["status"] == "in_transit"]
            if not in_transit:
                break
            hold(time.monotonic() - begun < SETTLE_S, f"still in transit: {in_transit[:5]}")
            time.sleep(0.2)
        for number in self.approved:
            status = self.nodes[0].command("adjustment", "show", "--adjustment", number)["status"]
            hold(status == "succeeded", f"{number} was approved and is {status}")
        for shop, expected in ((self.giver, FUNDS_MINOR - moved), (self.receiver, moved)):
            balance = shop.get("/v1/balances")["data"][0]["available"]["value"]
            hold(balance == expected, f"{shop.merchant} has {balance}, adjustments make {expected}")
            lines = [row for row in shop.rows("/v1/balance_transactions") if row["category"] == "adjustment"]
            hold({row["source"] for row in lines} == set(self.approved), "lines and adjustments differ")
            hold(len(lines) == len(self.approved), f"{len(lines)} lines of {len(self.approved)} adjustments")
