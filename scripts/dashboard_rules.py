"""A dashboard's queries as recording rules on standard output, so that promtool can judge them like those of alerts."""

import json
import sys


def queries(panels: list) -> list[str]:
    found = []
    for panel in panels:
        found += [target["expr"] for target in panel.get("targets", [])]
        found += queries(panel.get("panels", []))
    return found


def main(path: str) -> None:
    with open(path, encoding="utf-8") as file:
        dashboard = json.load(file)
    found = queries(dashboard["panels"])
    if len(found) < 10:
        sys.exit(f"{path}: only {len(found)} queries were found")
    rules = [
        {"record": f"query:{number}", "expr": query.replace("$__rate_interval", "5m")}
        for number, query in enumerate(found)
    ]
    json.dump({"groups": [{"name": "dashboard", "rules": rules}]}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
