"""Validates in-toto statements on verdicts with in-toto's own libraries: statements.py EVIDENCE [PUBLIC_KEY].

Statements and their test results are parsed without unknown fields, their subjects looked up in the unpacked EVIDENCE,
and with a PUBLIC_KEY (PEM) each statement must be in an envelope that this key has signed.
"""

import hashlib
import json
import pathlib
import sys

from cryptography.hazmat.primitives.serialization import load_pem_public_key
from google.protobuf import json_format
from in_toto_attestation.predicates.test_result.v0 import test_result_pb2
from in_toto_attestation.v1 import statement, statement_pb2
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey


def check(evidence, text):
    parsed = json_format.Parse(text, statement_pb2.Statement())
    statement.Statement.copy_from_pb(parsed).validate()
    if parsed.predicate_type != "https://in-toto.io/attestation/test-result/v0.1":
        raise ValueError(f"predicate of type {parsed.predicate_type}")
    result = json_format.ParseDict(json_format.MessageToDict(parsed.predicate), test_result_pb2.TestResult())
    if result.result not in ("PASSED", "WARNED", "FAILED") or not result.configuration:
        raise ValueError(f"result {result.result!r}, {len(result.configuration)} configurations")
    for subject in parsed.subject:
        if hashlib.sha256((evidence / subject.name).read_bytes()).hexdigest() != subject.digest["sha256"]:
            raise ValueError(f"{subject.name} is another file")
    return result.result


def main(evidence, public_key=None):
    evidence = pathlib.Path(evidence)
    statements = [p for p in sorted((evidence / "verdicts").iterdir()) if not p.name.endswith(".dsse.json")]
    if not statements:
        raise ValueError("there is no statement")
    for path in statements:
        text = path.read_bytes()
        print(path.stem, check(evidence, text))
        if public_key:
            envelope = Envelope.from_dict(json.loads(path.with_suffix(".dsse.json").read_bytes()))
            key = SSlibKey.from_crypto(load_pem_public_key(pathlib.Path(public_key).read_bytes()), envelope_keyid(envelope))
            envelope.verify([key], 1)
            if envelope.payload != text or envelope.payload_type != "application/vnd.in-toto+json":
                raise ValueError(f"the envelope of {path} holds another statement")


def envelope_keyid(envelope):
    (keyid,) = envelope.signatures
    return keyid


main(*sys.argv[1:])
