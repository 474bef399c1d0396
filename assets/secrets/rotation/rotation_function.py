"""A rotation function for Secrets Manager with its four steps.

Calls may be repeated: a rotation that stopped halfway goes on where it stopped. The old value stays current until the new
one has been tested, and no value is logged. The secret is plain text, or JSON whose field FIELD holds the value; its other
fields are kept.
"""

import json
import logging
import os
import urllib.error
import urllib.request

import boto3

LOG = logging.getLogger()
LOG.setLevel(logging.INFO)
SECRETS = boto3.client("secretsmanager")
FIELD = os.environ.get("SECRET_FIELD", "{{Field}}")


# {{System}}


def lambda_handler(event, context):
    """Run one step of a rotation; Secrets Manager calls this for each step."""
    secret, version, step = event["SecretId"], event["ClientRequestToken"], event["Step"]
    if step not in STEPS:
        raise ValueError(f"unknown step {step!r}")
    described = SECRETS.describe_secret(SecretId=secret)
    if not described.get("RotationEnabled"):
        raise ValueError("rotation is not enabled for the secret")
    labels = described["VersionIdsToStages"].get(version)
    if labels is None:
        raise ValueError("the secret has no such version")
    if "AWSCURRENT" in labels:
        LOG.info("%s: version %s is current already", step, version)
        return
    if "AWSPENDING" not in labels:
        raise ValueError("the version is not labelled AWSPENDING")
    STEPS[step](secret, version, described)
    LOG.info("%s: done for version %s", step, version)


def create_secret(secret, version, described):
    """Store a new value as AWSPENDING, unless an earlier call has."""
    if _value(secret, VersionId=version, VersionStage="AWSPENDING") is None:
        current = _value(secret, VersionStage="AWSCURRENT")
        if current is None:
            raise ValueError("the secret has no current value")
        SECRETS.put_secret_value(
            SecretId=secret,
            ClientRequestToken=version,
            SecretString=_text(new_value(current, version)),
            VersionStages=["AWSPENDING"],
        )


def set_secret(secret, version, described):
    """Make the pending value valid, unless an earlier call has.

    The current value may be refused when an earlier rotation stopped halfway, or when somebody changed it by hand: then
    the previous one is tried.
    """
    pending = _pending(secret, version)
    if accepts(pending):
        return
    for credential in (_value(secret, VersionStage="AWSCURRENT"), _previous(secret)):
        if credential is not None and accepts(credential):
            change(credential, pending)
            return
    raise ValueError("the system accepts neither the pending, nor the current, nor the previous value")


def test_secret(secret, version, described):
    """Check that the pending value works."""
    if not accepts(_pending(secret, version)):
        raise ValueError("the system does not accept the pending value")


def finish_secret(secret, version, described):
    """Make the pending version current; Secrets Manager labels the old one AWSPREVIOUS."""
    labels = described["VersionIdsToStages"]
    current = next(version_id for version_id, stages in labels.items() if "AWSCURRENT" in stages)
    previous = _previous(secret)
    pending = _pending(secret, version)
    in_use = (_value(secret, VersionStage="AWSCURRENT")[FIELD], pending[FIELD])
    if previous is not None and previous[FIELD] not in in_use:
        # Readers may have cached the current value: what was replaced last time is withdrawn, not that.
        previous_version = next(v for v, stages in labels.items() if "AWSPREVIOUS" in stages)
        withdraw(previous, previous_version, pending)
    SECRETS.update_secret_version_stage(
        SecretId=secret,
        VersionStage="AWSCURRENT",
        MoveToVersionId=version,
        RemoveFromVersionId=current,
    )


def _value(secret, **selector):
    """The credential as a dictionary; None if the secret has no such version."""
    try:
        text = SECRETS.get_secret_value(SecretId=secret, **selector)["SecretString"]
    except SECRETS.exceptions.ResourceNotFoundException:
        return None
    try:
        fields = json.loads(text)
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        return {FIELD: text, PLAIN: True}
    if FIELD not in fields:
        raise ValueError(f"the secret is JSON without a field {FIELD!r}: set SECRET_FIELD")
    return fields


def _pending(secret, version):
    """The pending credential, which createSecret stores."""
    credential = _value(secret, VersionId=version, VersionStage="AWSPENDING")
    if credential is None:
        raise ValueError("the pending version has no value: createSecret has not stored one")
    return credential


def _previous(secret):
    """The previous credential; None if there is none, or if it had another form."""
    try:
        return _value(secret, VersionStage="AWSPREVIOUS")
    except (ValueError, KeyError):
        return None


def _text(credential):
    """The credential in the form that it was stored in."""
    return credential[FIELD] if PLAIN in credential else json.dumps(credential)


# Marks a credential that is stored as plain text; no JSON has a key that is no text.
PLAIN = object()


def _request(method, url, headers, body=None):
    """The status and the JSON of an answer; raises unless the answer is a success, 401, 403 or 404."""
    if not url.startswith(("https://", "http://127.0.0.1:")):
        raise ValueError("the address must begin with https://")
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", "User-Agent": "rotation-function", **headers}
    request = urllib.request.Request(url, data=data, method=method, headers=headers)
    try:
        with OPENER.open(request, timeout=10) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if text.strip() else None
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in (401, 403, 404):
            return error.code, None
        # The answer may repeat the credential: only its status is told.
        raise RuntimeError(f"{method} was answered with status {error.code}") from None


def _accepted(status):
    """Whether a status means that the credential was accepted."""
    if status == 404:
        raise RuntimeError("the system has no such address: see the function's settings")
    return status < 400


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the credential to another host."""

    def redirect_request(self, *_):
        return None


OPENER = urllib.request.build_opener(_NoRedirect)
STEPS = {
    "createSecret": create_secret,
    "setSecret": set_secret,
    "testSecret": test_secret,
    "finishSecret": finish_secret,
}
