"""Checks, offline, that a balance line stands in the sealed journal: proof_check.py PROOF.json ROOT
PROOF.json is the answer of GET /v1/balance_transactions/{id}/proof, ROOT the `root` of that day's statement."""
import hashlib, json, struct, sys

def must(holds, why):
    if not holds: sys.exit(f"not proven: {why}")

def sha(*parts): return hashlib.sha256(b"".join(parts)).digest()

def climb(node, index, size, siblings):  # RFC 9162, section 2.1.3.2
    last = size - 1
    must(0 <= index <= last, "the index is outside the tree")
    for sibling in map(bytes.fromhex, siblings):
        must(last, "the path is too long")
        if index & 1 or index == last:
            node = sha(b"\1", sibling, node)
            while not index & 1 and index: index, last = index >> 1, last >> 1
        else:
            node = sha(b"\1", node, sibling)
        index, last = index >> 1, last >> 1
    must(not last, "the path is too short")
    return node.hex()

def amount(line):  # docs/statements.md, "The bytes of a line"
    at = 14 + line[13]                        # after format, shard, number, place and the posting's name
    at += 44 + (17 if line[at + 44] else 1)   # source, merchant, times, what it corrects
    currency, minor = line[at + 22:at + 25].decode(), struct.unpack(">q", line[at + 25:at + 33])[0]
    return {"value": -minor, "currency": currency}  # debits are above zero, what a merchant gains is a credit

proof = json.load(open(sys.argv[1], encoding="utf-8"))
leaf, block, day = proof["leaf"], proof["block"], proof["statement"]
line, salt = bytes.fromhex(leaf["bytes"]), bytes.fromhex(leaf["salt"])
must(len(salt) == 16 and amount(line) == proof["balance_transaction"]["amount"], "the amount is not the sealed one")
root = climb(sha(b"\0", salt, line), leaf["index"], leaf["size"], leaf["siblings"])
must(root == block["root"], "the line is not in the block")
chained = sha(bytes.fromhex(block["previous"]), bytes.fromhex(root))
must(climb(sha(b"\0", chained), day["index"], day["size"], day["siblings"]) == sys.argv[2].lower(), "another root")
print("proven")
