"""A rotation function for Secrets Manager with its four steps; only `accepts` and `change` are left to write.

Implement them for the system that the credential is for. The rest is complete: repeated calls are harmless, the old
value stays current until the new one has been tested, and no value is logged.
"""

import json
import logging

import boto3

LOG = logging.getLogger()
LOG.setLevel(logging.INFO)
SECRETS = boto3.client("secretsmanager")
LENGTH = 32
# Characters that break connection strings and shell commands.
EXCLUDED = "\"'`\\/@:;$&<>|{}[]() "


def accepts(credential):
    """Whether the system accepts the credential: log in with it, and return False only if it is rejected as wrong."""
    raise NotImplementedError("try the credential where it is used")


def change(current, pending):
    """Log in to the system with `current` and make the password of `pending` valid."""
    raise NotImplementedError("change the credential where it is used")


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
    current = _value(secret, VersionStage="AWSCURRENT")
    try:
        _value(secret, VersionId=version, VersionStage="AWSPENDING")
    except SECRETS.exceptions.ResourceNotFoundException:
        generated = SECRETS.get_random_password(PasswordLength=LENGTH, ExcludeCharacters=EXCLUDED)
        SECRETS.put_secret_value(
            SecretId=secret,
            ClientRequestToken=version,
            SecretString=json.dumps({**current, "password": generated["RandomPassword"]}),
            VersionStages=["AWSPENDING"],
        )


def set_secret(secret, version, described):
    """Make the pending value valid, unless an earlier call has."""
    pending = _value(secret, VersionId=version, VersionStage="AWSPENDING")
    if not accepts(pending):
        change(_value(secret, VersionStage="AWSCURRENT"), pending)


def test_secret(secret, version, described):
    """Check that the pending value works."""
    if not accepts(_value(secret, VersionId=version, VersionStage="AWSPENDING")):
        raise ValueError("the system does not accept the pending value")


def finish_secret(secret, version, described):
    """Make the pending version current; Secrets Manager labels the old one AWSPREVIOUS."""
    labels = described["VersionIdsToStages"]
    current = next(version_id for version_id, stages in labels.items() if "AWSCURRENT" in stages)
    SECRETS.update_secret_version_stage(
        SecretId=secret,
        VersionStage="AWSCURRENT",
        MoveToVersionId=version,
        RemoveFromVersionId=current,
    )


def _value(secret, **selector):
    return json.loads(SECRETS.get_secret_value(SecretId=secret, **selector)["SecretString"])


STEPS = {
    "createSecret": create_secret,
    "setSecret": set_secret,
    "testSecret": test_secret,
    "finishSecret": finish_secret,
}
