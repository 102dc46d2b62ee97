"""Two nodes on a PostgreSQL server with a synchronous standby, under load. The server is killed as if its machine were lost, the standby
takes over; nothing that was acknowledged may be missing (`nodes.judge`). Then an earlier moment is restored from a base backup and the
archived log: everything that was acknowledged by then is there, `verify` is clean, the installation is held, and what it does not know
any more is found at the channel when it is asked for again: nothing is paid twice.

The nodes name both servers in one url and find the one that takes writes.
"""

import argparse
import collections
import datetime
import os
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from campaign import Broken, Campaign, hold
from cluster import Cluster
from nodes import AT_ONCE, Node, Payers, judge

WAIT_S = 60
MARK = "before_the_loss"


class Primary(Cluster):
    """Acknowledges a commit when its standby has it on disk, and archives its log."""

    def __init__(self, folder):
        self.archive = folder / "archive"
        self.archive.mkdir(mode=0o777)
        os.chmod(self.archive, 0o777)
        archive = f"-c archive_mode=on -c archive_command='cp %p {self.archive}/%f'"
        super().__init__(folder, "primary", f"-c wal_level=replica {archive}")

    def wait_for_standby(self):
        """From here on a commit is two servers'."""
        self.say("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.say("SELECT pg_reload_conf()")
        wait(lambda: "sync" in self.say("SELECT sync_state FROM pg_stat_replication"), "the standby is not synchronous")


class Copy(Cluster):
    """A server from a base backup of another."""

    def __init__(self, folder, name, source, *arguments):
        self.prepare(folder, name, "")
        self.call("pg_basebackup", "-h", "127.0.0.1", "-p", source.port, "-U", "postgres", "-D", self.data, "-X", "stream",
                  "-c", "fast", *arguments)

    def standby(self):
        self.options = "-c synchronous_standby_names="
        self.start()

    def promote(self):
        self.call("pg_ctl", "-D", self.data, "-s", "-w", "promote")

    def restore_to(self, mark, archive):
        """The moment that was marked in the log, and then on from there."""
        (self.data / "recovery.signal").touch()
        self.options = (
            f"-c restore_command='cp {archive}/%f %p' -c recovery_target_name={mark} -c recovery_target_action=promote "
            "-c synchronous_standby_names= -c archive_mode=off"
        )
        self.start()
        wait(lambda: self.say("SELECT pg_is_in_recovery()") == ["f"], "the restored server does not take writes")


def wait(until, what):
    begun = time.monotonic()
    while not until():
        hold(time.monotonic() - begun < WAIT_S, what)
        time.sleep(0.1)


def fail_over(primary, standby, payers, seconds):
    """Loses the primary in the middle; answers how long nobody was answered."""
    time.sleep(seconds / 2)
    before = answered(payers)
    lost = time.monotonic()
    primary.kill()
    standby.promote()
    wait(lambda: answered(payers) > before + 2 * len(payers.answers), "nothing is acknowledged after the standby took over")
    outage_s = time.monotonic() - lost
    time.sleep(seconds / 2)
    return outage_s


def answered(payers):
    return sum(len(one) for one in payers.answers)


def restored(node, before, after, seed):
    """The books are those of the mark, held; then they find again what was done since."""
    report = node.command("verify", "--full")
    hold(report["clean"], f"the restored books: {report['difference']}")
    node.start(status=503)
    campaign = Campaign(node, 0, seed)
    stored = campaign.stored()
    campaign.orders = {number: None for number in stored}
    campaign.compare([request for request, _ in before], [answer for _, answer in before], stored)
    node.command("resume")
    node.wait_until_ready()
    requests = [request for request, _ in before + after]
    for begin in range(0, len(requests), AT_ONCE):
        ask_again(node, requests[begin:begin + AT_ONCE])
    campaign.settle()
    report = node.command("verify", "--full")
    hold(report["clean"], f"after resume: {report['difference']}")
    paid = [row for row in node.bill() if row["kind"] == "payment"]
    twice = [number for number, count in collections.Counter(row["request_no"] for row in paid).items() if count > 1]
    hold(not twice, f"the channel took twice: {twice[:5]}")
    orders = sum(1 for path, _ in requests if path == "/v1/payments")
    hold(len(paid) <= orders, f"the channel took {len(paid)} times for {orders} orders")
    return len(stored), orders


def ask_again(node, requests):
    for path, body in requests:
        if path == "/v1/payments":
            answer = node.ask("POST", path, body)
            hold(answer.status in (200, 201), f"again {body['merchant_order_no']}: {answer}")


def run(options, folder, seed):
    nodes, clusters = [], []
    try:
        primary = Primary(folder)
        clusters.append(primary)
        binary = os.path.abspath(options.binary)
        standby = Copy(folder, "standby", primary, "-R")
        clusters.append(standby)
        standby.standby()
        primary.wait_for_standby()
        url = f"postgres://postgres@127.0.0.1:{primary.port},127.0.0.1:{standby.port}/postgres?sslmode=disable&target_session_attrs=read-write"
        nodes.append(Node(binary, folder / "one", options.lease_ms, url))
        nodes.append(Node(binary, folder / "two", options.lease_ms, url, nodes[0]))
        for node in nodes:
            node.start()
        base = Copy(folder, "base", primary)
        payers = Payers(nodes, options.payers, seed)
        time.sleep(options.seconds / 4)
        payers.end()
        before = [one for answers in payers.answers for one in answers]
        marked = datetime.datetime.now(datetime.timezone.utc)
        primary.say(f"SELECT pg_create_restore_point('{MARK}')")
        payers = Payers(nodes, options.payers, seed + 1_000, "L")
        # So that the mark is in the archive whatever becomes of the primary.
        primary.say("SELECT pg_switch_wal()")
        wait(lambda: primary.say("SELECT archived_count > 0 AND last_archived_wal >= pg_walfile_name(pg_current_wal_lsn() - 16777216) "
                                 "FROM pg_stat_archiver") == ["t"], "the log is not archived")
        outage_s = fail_over(primary, standby, payers, options.seconds)
        after = payers.end()
        sums, transactions = judge(nodes, before + after, seed)
        print(
            f"the standby took over: {outage_s:.1f} s without an answer; {len(before) + len(after)} requests acknowledged before and after, "
            f"{payers.again} connections broke, {payers.unavailable} times 503; {sums['payments']} paid payments, {sums['refunds']} refunds, each "
            f"once on the channel's bill; verify clean over {transactions} transactions; none lost, none twice",
            flush=True,
        )
        for node in nodes:
            node.kill()
        base.restore_to(MARK, primary.archive)
        clusters.append(base)
        late = Node(binary, folder / "late", options.lease_ms, base.url, nodes[0])
        nodes.append(late)
        late.command("hold", "--books-of", marked.isoformat().replace("+00:00", "Z"))
        there, orders = restored(late, before, after, seed)
        print(
            f"restored to the mark: {there} payments of {orders} were there, held until resume; all orders asked for again, none paid twice, "
            "verify clean",
            flush=True,
        )
    finally:
        for node in nodes:
            if node.server is not None and node.server.poll() is None:
                node.kill()
        for cluster in clusters:
            if (cluster.data / "postmaster.pid").exists():
                cluster.kill()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("seconds", type=int)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--payers", type=int, default=8)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--lease-ms", type=int, default=6000)
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(2**32)
    folder = Path(tempfile.mkdtemp(prefix="feiqian-failover-"))
    print(f"seed {seed}, data in {folder}", flush=True)
    try:
        run(options, folder, seed)
    except Broken as broken:
        print(f"BROKEN: {broken}\n(seed {seed}; data and log are left in {folder})", file=sys.stderr, flush=True)
        sys.exit(1)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
