"""Judges a merchant's statements over some weeks: the four forms of each day against each other, each day against the one before,
all of them against GET /v1/balance_transactions and against the ledger in the database. It shares no code with what it judges: the
standard library, and openpyxl for Excel.

Standard input: {base_url, token, merchant, first, last, zone, database}. Standard output: {wrong: [sentences], …counts}.
"""

import csv
import datetime
import hashlib
import io
import json
import sqlite3
import sys
import time
import urllib.error
import urllib.request
from collections import defaultdict
from decimal import Decimal
from zoneinfo import ZoneInfo

import openpyxl

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
DIGITS = {"CNY": 2}
TRADE_PARTS = {"payment": "gross", "fee": "fee", "refund": "refund_amount", "fee_refund": "fee_refund", "refund_fee": "refund_fee"}
BUCKETS = {2010: "pending", 2020: "available", 1210: "owed"}


def uid(text):
    value = 0
    for character in text.rsplit("_", 1)[-1]:
        value = value * 32 + ALPHABET.index(character)
    return value


def place_of(line_id):
    """(seq, line) out of a btx_ id: 62 low bits hold the number of the posting and the line's place."""
    low = uid(line_id) & ((1 << 62) - 1)
    return low >> 16, low & 0xFFFF


class Judge:
    def __init__(self, asked):
        self.asked, self.wrong = asked, []
        self.zone = ZoneInfo(asked["zone"])
        self.counts = defaultdict(int)

    def say(self, sentence):
        if len(self.wrong) < 20:
            self.wrong.append(sentence)

    def same(self, what, one, other):
        if one != other:
            self.say(f"{what}: {one!r} is not {other!r}")

    def get(self, path):
        while True:
            request = urllib.request.Request(self.asked["base_url"] + path)
            request.add_header("Authorization", "Bearer " + self.asked["token"])
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    return answer.read()
            except urllib.error.HTTPError as refused:
                if refused.code != 429:
                    raise SystemExit(f"{path}: {refused.code} {refused.read()!r}") from refused
                time.sleep(int(refused.headers["Retry-After"]))

    def all(self, path):
        rows, cursor = [], ""
        while cursor is not None:
            page = json.loads(self.get(f"{path}{'&' if '?' in path else '?'}limit=100{cursor and '&cursor=' + cursor}"))
            rows += page["data"]
            cursor = page["next_cursor"]
        return rows

    # -- one day

    def files(self, statement):
        """The lines as JSON, and that the other forms hold the same."""
        path = f"/v1/statements/{statement['id']}/file?format="
        jsonl = self.get(path + "jsonl")
        self.same(f"hash of {statement['id']}", hashlib.sha256(jsonl).hexdigest(), statement["sha256"])
        lines = [json.loads(line) for line in jsonl.decode().splitlines()]
        self.same(f"lines of {statement['id']}", len(lines), statement["line_count"])
        english = self.csv(self.get(path + "csv&lang=en"))
        chinese = self.csv(self.get(path + "csv&lang=zh"))
        excel = self.excel(self.get(path + "excel&lang=en"))
        names = english[0]
        self.same("rows of zh", len(chinese), len(english))
        self.same("columns of zh", len(chinese[0]), len(names))
        for rows, form in ((english, "csv"), (excel, "excel")):
            self.same(f"header of {form}", rows[0], names)
            self.same(f"rows of {form}", len(rows) - 1, len(lines))
            for row, line in zip(rows[1:], lines):
                for name, cell in zip(names, row):
                    self.same(f"{form} {statement['date']} {name}", cell, self.cell(line[name], form))
        for row, other in zip(english[1:], chinese[1:]):
            for name, cell, zh in zip(names, row, other):
                if name not in ("type", "account", "category", "scene"):
                    self.same(f"zh {name}", zh, cell)
        self.counts["files"] += 4
        return lines

    @staticmethod
    def csv(data):
        if not data.startswith(b"\xef\xbb\xbf"):
            raise SystemExit("CSV without its mark")
        return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))

    @staticmethod
    def excel(data):
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True)
        width, rows = None, []
        for row in book.worksheets[0].iter_rows(values_only=True):
            width = width or len(row)
            rows.append([("" if cell is None else cell) for cell in row] + [""] * (width - len(row)))
        return rows

    def cell(self, value, form):
        """What a person reads for a member of the JSON line."""
        if value is None:
            return ""
        if isinstance(value, dict):
            major = Decimal(value["value"]).scaleb(-DIGITS[value["currency"]])
            return str(major) if form == "csv" else float(major)
        if value.endswith("Z") and "T" in value:
            at = datetime.datetime.fromisoformat(value.replace("Z", "+00:00")).astimezone(self.zone)
            return at.isoformat(timespec="milliseconds")
        return "'" + value if value[:1] in "=+-@\t\r\n'" else value

    def flow(self, date, statement, held):
        """Opening and movements make the closing of every account; `held` is what each held the evening before."""
        lines = self.files(statement)
        opened, moved, closed, sums = {}, defaultdict(int), {}, defaultdict(int)
        for line in lines:
            account = (line["account"], line["available_on"], line["currency"])
            if line["type"] == "opening":
                self.same(f"{date}: opening of {account}", line["balance"]["value"], held.get(account, 0))
                opened[account] = line["balance"]["value"]
            elif line["type"] == "closing":
                closed[account] = line["balance"]["value"]
            else:
                moved[account] += line["amount"]["value"]
                sums[line["category"]] += line["amount"]["value"]
                self.same(f"{date}: balance of {account}", line["balance"]["value"], opened[account] + moved[account])
                self.same(f"{date}: day of {line['id']}", self.day(line["posted_at"]), date)
        self.same(f"{date}: accounts", sorted(opened, key=str), sorted(closed, key=str))
        before = sum(held.values())
        for account, opening in opened.items():
            self.same(f"{date}: closing of {account}", closed[account], opening + moved[account])
            held[account] = closed[account]
        for total in statement["totals"]:
            self.same(f"{date}: opening", total["opening"]["value"], before)
            self.same(f"{date}: closing", total["closing"]["value"], sum(held.values()))
            self.same(f"{date}: categories", {k: v["value"] for k, v in total["by_category"].items()}, dict(sums))
            self.same(f"{date}: movements", total["movement_count"], sum(line["type"] == "movement" for line in lines))
        movements = [line for line in lines if line["type"] == "movement"]
        self.counts["movements"] += len(movements)
        return movements

    def trade(self, date, statement, movements):
        """A line for each posting of a payment or refund, its parts the sums of the fund flow's lines."""
        lines = self.files(statement)
        parts = defaultdict(lambda: defaultdict(int))
        for movement in movements:
            if movement["category"] in TRADE_PARTS:
                parts[movement["transaction"]][TRADE_PARTS[movement["category"]]] += movement["amount"]["value"]
        self.same(f"{date}: postings", {line["transaction"] for line in lines}, set(parts))
        totals = defaultdict(int)
        for line in lines:
            shown = {name: line[name]["value"] for name in TRADE_PARTS.values() if line[name] is not None}
            expected = dict.fromkeys(shown, 0) | dict(parts[line["transaction"]])
            self.same(f"{date}: parts of {line['transaction']}", shown, expected)
            self.same(f"{date}: net of {line['transaction']}", line["net"]["value"], sum(shown.values()))
            for name, value in shown.items():
                totals[name] += value
            totals["net"] += line["net"]["value"]
        for total in statement["totals"]:
            for name in (*TRADE_PARTS.values(), "net"):
                self.same(f"{date}: total {name}", total[name]["value"], totals[name])
        self.same(f"{date}: currencies", len(statement["totals"]), 1 if lines else 0)
        self.counts["trade_lines"] += len(lines)
        return totals["net"]

    def day(self, text):
        at = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
        return at.astimezone(self.zone).date().isoformat()

    # -- all of them

    def ledger(self):
        """The merchant's lines as they lie in the database, by place."""
        merchant = uid(self.asked["merchant"]).to_bytes(16, "big")
        connection = sqlite3.connect(f"file:{self.asked['database']}?mode=ro", uri=True, timeout=10)
        rows = connection.execute(
            "SELECT t.seq, e.line, t.posted_at_us, e.code, e.amount_minor, e.category, e.balance_after_minor"
            " FROM journal_tx t JOIN journal_entry e ON e.shard = t.shard AND e.seq = t.seq"
            " WHERE e.merchant = ? ORDER BY t.seq, e.line",
            (merchant,),
        ).fetchall()
        connection.close()
        found = {}
        for seq, line, at_us, code, minor, category, after in rows:
            day = datetime.datetime.fromtimestamp(at_us / 1_000_000, self.zone).date().isoformat()
            sign = -1 if code == 1210 else 1
            found[seq, line] = (day, BUCKETS[code], category, -minor, sign * after)
        return found

    def run(self):
        asked = self.asked
        first, last = (datetime.date.fromisoformat(asked[name]) for name in ("first", "last"))
        dates = [(first + datetime.timedelta(n)).isoformat() for n in range((last - first).days + 1)]
        statements = defaultdict(list)
        for row in self.all("/v1/statements"):
            statements[row["date"], row["kind"]].append(row)
        held, movements, nets = {}, [], 0
        for date in dates:
            of_day = {kind: statements.pop((date, kind), []) for kind in ("trade", "fund_flow")}
            self.same(f"{date}: statements", [len(rows) for rows in of_day.values()], [1, 1])
            if self.wrong:
                break
            moved = self.flow(date, of_day["fund_flow"][0], held)
            nets += self.trade(date, of_day["trade"][0], moved)
            movements += [(date, line) for line in moved]
            self.counts["days"] += 1
        self.same("statements of other days", dict(statements), {})
        ledger = {place: line for place, line in self.ledger().items() if line[0] <= asked["last"]}
        told = {
            place_of(line["id"]): (
                date, line["account"], line["category"], line["amount"]["value"], line["balance"]["value"]
            )
            for date, line in movements
        }
        self.same("fund flow and ledger", told, ledger)
        self.month(movements, nets, last)
        print(json.dumps({"wrong": self.wrong, **self.counts}))

    def month(self, movements, nets, last):
        """R42: the whole time's total by the API, by statements and by files is the same to the unit."""
        until = datetime.datetime.combine(last + datetime.timedelta(1), datetime.time(), self.zone)
        until = until.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        by_api = defaultdict(int)
        for row in self.all(f"/v1/balance_transactions?posted_at_lt={until}"):
            by_api[row["category"]] += row["amount"]["value"]
        by_files = defaultdict(int)
        for _, line in movements:
            by_files[line["category"]] += line["amount"]["value"]
        self.same("the month by API and by files", dict(by_api), dict(by_files))
        trade = sum(value for category, value in by_api.items() if category in TRADE_PARTS)
        self.same("the month's trade by API and by statements", trade, nets)
        self.counts["month_total"] = str(trade)


if __name__ == "__main__":
    Judge(json.load(sys.stdin)).run()
