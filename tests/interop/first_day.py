"""The commands of a first day, by what they print: the demo; then init, a merchant, a price, a key, serve, a paid payment, verify.

Arguments: the binary, an empty folder. Loopback is brought up when this runs in a network namespace of its own. Nothing but the
standard library is used. Standard output: {network, payment, verify}.
"""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

START_BOUND_S = 30
CONFIG = """\
data_dir = "{folder}/data"
master_key_file = "{folder}/master.key"
listen = "127.0.0.1:{port}"
internal_listen = "127.0.0.1:{internal}"
"""


def bring_up_loopback():
    """Whether there is a network besides this machine."""
    subprocess.run(["ip", "link", "set", "lo", "up"], stderr=subprocess.DEVNULL, check=False)
    names = [name for _, name in socket.if_nameindex() if name != "lo" and not name.startswith(("sit", "tunl", "ip6tnl"))]
    return "this machine only" if not names else "with " + ", ".join(names)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Day:
    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder
        self.port, self.internal = free_port(), free_port()
        self.config = folder / "feiqian.toml"
        self.config.write_text(CONFIG.format(folder=folder, port=self.port, internal=self.internal))
        self.token = None

    def command(self, *arguments):
        told = [self.binary, *arguments, "--config", str(self.config), "--json"]
        done = subprocess.run(told, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}")
        return json.loads(done.stdout)

    def ask(self, port, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=data)
        if data is not None:
            request.add_header("Content-Type", "application/json")
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=20) as answer:
            return answer.read()

    def wait_until_ready(self, server):
        begun = time.monotonic()
        while time.monotonic() - begun < START_BOUND_S:
            if server.poll() is not None:
                sys.exit(f"the server ended with {server.returncode}")
            try:
                return self.ask(self.internal, "/readyz")
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.05)
        sys.exit("the server did not get ready")


def main():
    binary, folder = sys.argv[1], Path(sys.argv[2])
    network = bring_up_loopback()
    demo = subprocess.run([binary, "demo", "--once", "--data-dir", str(folder / "demo")], capture_output=True, text=True, check=False)
    if demo.returncode != 0:
        sys.exit(f"demo --once: {demo.returncode}\n{demo.stdout}\n{demo.stderr}")
    day = Day(binary, folder)
    day.command("init")
    merchant = day.command("merchant", "create", "--world", "sandbox", "--name", "Tea House")["id"]
    price = ["--method", "sandbox", "--currency", "CNY", "--rate", "0.60", "--fixed", "0", "--minimum", "0"]
    day.command("price", "set", "--merchant", merchant, *price, "--refund-fee", "returned")
    token = day.command("key", "create", "--merchant", merchant, "--bearer")["bearer"]
    with open(folder / "serve.log", "wb") as log:
        environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
        server = subprocess.Popen([binary, "serve", "--config", str(day.config)], stdout=log, stderr=log, env=environment)
    try:
        day.wait_until_ready(server)
        day.token = token
        # A price takes effect some seconds after its commit at the latest: the order of commands above is the guide's.
        order = {
            "merchant_order_no": "FIRST-1", "amount": {"value": 1250, "currency": "CNY"}, "method": "sandbox",
            "scene": "bar_code", "subject": "tea", "auth_code": "134500000000000001",
        }
        payment = json.loads(day.ask(day.port, "/v1/payments", order))
        shown = json.loads(day.ask(day.port, "/v1/payments/" + payment["id"]))
        report = day.command("verify", "--full")
    finally:
        server.terminate()
        server.wait(timeout=30)
    verdict = "clean" if report["clean"] else report["difference"]
    print(json.dumps({"network": network, "payment": shown["status"], "verify": verdict}))


if __name__ == "__main__":
    main()
