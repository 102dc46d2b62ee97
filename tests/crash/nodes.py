"""Two nodes on one PostgreSQL database under load: again and again one of them is killed and started again, and the database itself is
restarted twice. Then everything that `campaign.py` asks of one server is asked of the two:

  * every payment that was acknowledged is there, with the same id and amount, and no status has gone back;
  * every order is sent again by its number, to either node, and is the one payment that it was;
  * the channel's own bill has each succeeded one exactly once, no other, and nothing that the books do not have;
  * the merchant's balance is the sum of what its payments and refunds say, and `verify --full` finds no difference;
  * each adjustment between two more merchants, of two shards, that was approved meanwhile has moved once (`desk.py`).

A caller asks the other node when a connection is refused or breaks, or when it is told 503, with the same numbers. Nobody may be told
anything else. Only the standard library and PostgreSQL's own programs are used; the database waits for the disk.
"""

import argparse
import http.client
import os
import random
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path

from campaign import CONFIG, Broken, Campaign, Installation, free_port, hold, order
from cluster import Cluster
from desk import Desk

ASK_AGAIN_S = 60
# Requests that are sent again at once.
AT_ONCE = 50
NODES = """\
[store]
url = "{url}"
[sandbox]
book_dir = "{books}"
"""


class Node(Installation):
    """One of the nodes; the first makes the installation."""

    def __init__(self, binary, folder, lease_ms, url, first=None):
        self.binary, self.folder, self.server = binary, folder, None
        self.port, self.internal = free_port(), free_port()
        self.config = folder / "feiqian.toml"
        folder.mkdir()
        text = CONFIG.format(folder=folder, port=self.port, internal=self.internal, lease_ms=lease_ms)
        books = folder / "data"
        if first is not None:
            text = text.replace(f"{folder}/master.key", f"{first.folder}/master.key")
            books = first.folder / "data"
        self.config.write_text(text + NODES.format(url=url, books=books))
        if first is not None:
            self.merchant, self.token = first.merchant, first.token
            return
        self.command("init", "--shards", "2")
        self.merchant = self.command("merchant", "create", "--world", "sandbox", "--name", "Crash House")["id"]
        price = ("--method", "sandbox", "--currency", "CNY", "--rate", "0.60", "--fixed", "0", "--minimum", "0")
        self.command("price", "set", "--merchant", self.merchant, *price, "--refund-fee", "returned")
        self.token = self.command("key", "create", "--merchant", self.merchant, "--bearer")["bearer"]


class Payers:
    """Threads that pay, one after the other each, at either node, until they are told to end."""

    def __init__(self, nodes, count, seed, prefix="N"):
        self.prefix = prefix
        self.nodes, self.over, self.fault = nodes, threading.Event(), None
        self.answers = [[] for _ in range(count)]
        self.again = self.unavailable = 0
        self.threads = [threading.Thread(target=self.pay, args=(at, seed + at), daemon=True) for at in range(count)]
        for thread in self.threads:
            thread.start()

    def pay(self, at, seed):
        dice, number, paid = random.Random(seed), 0, []
        try:
            while not self.over.is_set():
                number += 1
                if paid and dice.random() < 0.15:
                    body = {"payment": paid.pop(dice.randrange(len(paid))), "merchant_refund_no": f"R{self.prefix}-{at}-{number}"}
                    request = ("/v1/refunds", body)
                else:
                    request = ("/v1/payments", order(f"{self.prefix}-{at}-{number}", dice))
                answer = self.insist(request, dice)
                self.answers[at].append((request, answer))
                if request[0] == "/v1/payments" and answer.body["status"] == "succeeded":
                    paid.append(answer.body["id"])
        except Exception as fault:  # told by `end`
            self.fault = fault

    def insist(self, request, dice):
        """Asks until it is answered; the next time at the other node."""
        path, body = request
        node, begun = dice.randrange(2), time.monotonic()
        while time.monotonic() - begun < ASK_AGAIN_S:
            try:
                answer = self.nodes[node].ask("POST", path, body)
                if answer.status in (200, 201):
                    return answer
                hold(answer.status == 503, f"{path} {body}: {answer.status} {answer.body}")
                self.unavailable += 1
            except (OSError, http.client.HTTPException):
                self.again += 1
            node = 1 - node
            time.sleep(0.05)
        raise Broken(f"{path} {body} was not taken by either node for {ASK_AGAIN_S} s")

    def end(self):
        self.over.set()
        for thread in self.threads:
            thread.join(timeout=2 * ASK_AGAIN_S)
            hold(not thread.is_alive(), "a payer does not end")
        hold(self.fault is None, f"a payer: {self.fault!r}")
        return [one for answers in self.answers for one in answers]


def disturb(nodes, cluster, seconds, dice):
    """Kills and restarts for so long; answers how often a node was killed and the database restarted."""
    begun, killed = time.monotonic(), 0
    restarts = [(seconds / 3, "fast"), (2 * seconds / 3, "immediate")]
    while time.monotonic() - begun < seconds:
        time.sleep(dice.uniform(2, 6))
        if restarts and time.monotonic() - begun > restarts[0][0]:
            _, mode = restarts.pop(0)
            cluster.stop(mode)
            time.sleep(dice.uniform(0, 2))
            cluster.start()
            print(f"  {time.monotonic() - begun:.0f} s: the database was restarted ({mode})", flush=True)
            continue
        node = dice.choice(nodes)
        node.kill()
        time.sleep(dice.uniform(0, 3))
        ready_s = node.start()
        killed += 1
        print(f"  {time.monotonic() - begun:.0f} s: node {nodes.index(node) + 1} was killed; ready again in {ready_s:.2f} s", flush=True)
    hold(not restarts, "the database was not restarted twice: give it more time")
    return killed


def judge(nodes, answered, seed, elsewhere=frozenset()):
    campaign = Campaign(nodes[0], 0, seed)
    campaign.elsewhere = elsewhere
    requests = [request for request, _ in answered]
    for path, body in requests:
        if path == "/v1/payments":
            campaign.orders[body["merchant_order_no"]] = body
        else:
            campaign.refund_bodies[body["merchant_refund_no"]] = body
    for (path, body), answer in answered:
        if path == "/v1/payments":
            campaign.known[body["merchant_order_no"]] = answer.body["id"]
        else:
            # What is compared is what was asked: all that was left.
            body["amount"] = answer.body["amount"]
    campaign.compare(requests, [answer for _, answer in answered], campaign.stored())
    for at, node in enumerate(nodes):
        campaign.installation = node
        ours = requests[at::2]
        for begin in range(0, len(ours), AT_ONCE):
            campaign.again(ours[begin:begin + AT_ONCE])
    campaign.settled = campaign.settle()
    transactions = nodes[0].verify()
    campaign.judge()
    return campaign.sums, transactions


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("seconds", type=int)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--payers", type=int, default=8)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--lease-ms", type=int, default=6000)
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(2**32)
    folder = Path(tempfile.mkdtemp(prefix="feiqian-crash-nodes-"))
    print(f"seed {seed}, data in {folder}", flush=True)
    cluster, nodes = None, []
    try:
        cluster = Cluster(folder)
        binary = os.path.abspath(options.binary)
        nodes.append(Node(binary, folder / "one", options.lease_ms, cluster.url))
        nodes.append(Node(binary, folder / "two", options.lease_ms, cluster.url, nodes[0]))
        for node in nodes:
            node.start()
        desk = Desk(nodes, seed)
        payers = Payers(nodes, options.payers, seed)
        killed = disturb(nodes, cluster, options.seconds, random.Random(seed))
        answered = payers.end()
        desk.end()
        desk.judge()
        sums, transactions = judge(nodes, answered, seed, desk.elsewhere)
    except Broken as broken:
        print(f"BROKEN: {broken}\n(seed {seed}; data and log are left in {folder})", file=sys.stderr, flush=True)
        sys.exit(1)
    finally:
        for node in nodes:
            if node.server is not None and node.server.poll() is None:
                node.kill()
        if cluster is not None:
            cluster.stop("immediate")
    print(
        f"{options.seconds} s: {len(answered)} requests acknowledged; {killed} times a node was killed, twice the database restarted; "
        f"{payers.again} connections broke or were refused, {payers.unavailable} times 503; {sums['payments']} paid payments and "
        f"{sums['refunds']} refunds in the books, each once on the channel's bill; {sums['closed']} closed unpaid; {len(desk.approved)} "
        f"adjustments between two shards moved once each ({desk.failed} commands failed on the way); verify clean over "
        f"{transactions} transactions; none lost, none twice",
        flush=True,
    )
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
