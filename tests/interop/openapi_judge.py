"""Judges an OpenAPI document, and requests and answers by it, with packages that share nothing with the server.

Standard input: one JSON object with document and exchanges, a list of {operation, sent, status, received}.
Standard output: a list of sentences about what is wrong; empty when nothing is.
"""

import json
import sys

from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

FAULTS_MAX = 20


def operations(document):
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield operation["operationId"], operation


def closed(schema):
    """The same, in which only documented fields are allowed: readers tolerate more, the document must not lack any."""
    if isinstance(schema, list):
        return [closed(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    shut = {name: closed(inner) for name, inner in schema.items()}
    if isinstance(schema.get("properties"), dict) and "additionalProperties" not in schema:
        shut["additionalProperties"] = False
    return shut


def faults_of(document, schema, value, what):
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", "components": document["components"], **schema}
    for fault in Draft202012Validator(whole).iter_errors(value):
        yield f"{what}: {fault.json_path}: {fault.message[:200]}"


def content(holder, status):
    kind = "application/problem+json" if status >= 400 else "application/json"
    return holder.get("content", {}).get(kind, {}).get("schema")


def judge(told):
    document = told["document"]
    for fault in OpenAPIV31SpecValidator(document).iter_errors():
        yield f"the document: {fault.message[:200]}"
    strict = {**document, "components": {**document["components"], "schemas": closed(document["components"]["schemas"])}}
    known = dict(operations(document))
    for exchange in told["exchanges"]:
        operation, status = known[exchange["operation"]], exchange["status"]
        what = f"{exchange['operation']} {status}"
        answer = operation["responses"].get(str(status))
        if answer is None:
            yield f"{what}: the document knows no such status"
            continue
        yield from faults_of(strict, content(answer, status) or {}, exchange["received"], f"{what} answer")
        body = content(operation.get("requestBody", {}), 200)
        if exchange["sent"] is not None and body is not None and status < 400:
            yield from faults_of(strict, body, exchange["sent"], f"{what} request")


faults = []
for fault in judge(json.load(sys.stdin)):
    faults.append(fault)
    if len(faults) == FAULTS_MAX:
        break
json.dump(faults, sys.stdout)
