"""Whether a compose file follows the Compose specification, and holds to what the page about deployment promises."""

import re
import sys

import compose_spec


def main(path: str) -> None:
    options = compose_spec.PyOptions()
    options.apply_merge = True
    with open(path, encoding="utf-8") as file:
        compose = options.from_yaml(file.read())
    compose.validate()
    services = compose.to_dict()["services"]
    wrong = []
    for name, service in services.items():
        for key, wanted in {
            "read_only": True,
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges:true"],
            "user": "65532:65532",
        }.items():
            if service.get(key) != wanted:
                wrong.append(f"{name}: {key} is {service.get(key)!r}, not {wanted!r}")
        limits = service.get("deploy", {}).get("resources", {}).get("limits", {})
        if not {"cpus", "memory"} <= limits.keys() or "pids_limit" not in service:
            wrong.append(f"{name}: without limits on processors, memory and processes")
        for variable in service.get("environment") or {}:
            if re.search(r"SECRET|PASSWORD|TOKEN|KEY(?!_FILE$)", variable):
                wrong.append(f"{name}: {variable} looks like a secret in the environment")
        for port in service.get("ports", []):
            if not str(port).startswith("127.0.0.1:") or str(port).endswith(":8081"):
                wrong.append(f"{name}: port {port} is published beyond this machine, or is the internal one")
    if wrong:
        sys.exit("\n".join([path, *wrong]))


if __name__ == "__main__":
    main(sys.argv[1])
