"""A rotation function for Secrets Manager: the four steps, complete but for what only the owner of the credential knows.

Write `accepts` and `change` for the system that takes the credential. Everything else stands: repeated calls are
harmless, the old value stays current until the new one has been proved, and no value is logged.
"""

import json
import logging

import boto3

LOG = logging.getLogger()
LOG.setLevel(logging.INFO)
SECRETS = boto3.client("secretsmanager")
LENGTH = 32
# Characters that connection strings and shells trip over.
EXCLUDED = "\"'`\\/@:;$&<>|{}[]() "


def accepts(credential):
    """Whether the system takes the credential: log in with it, and answer False only when it is refused as wrong."""
    raise NotImplementedError("try the credential where it is used")


def change(current, pending):
    """Log in to the system with `current` and make the password of `pending` valid."""
    raise NotImplementedError("change the credential where it is used")


def lambda_handler(event, context):
    """One step of one rotation, as Secrets Manager calls it."""
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
        made = SECRETS.get_random_password(PasswordLength=LENGTH, ExcludeCharacters=EXCLUDED)
        SECRETS.put_secret_value(
            SecretId=secret,
            ClientRequestToken=version,
            SecretString=json.dumps({**current, "password": made["RandomPassword"]}),
            VersionStages=["AWSPENDING"],
        )


def set_secret(secret, version, described):
    """Make the pending value valid, unless an earlier call has."""
    pending = _value(secret, VersionId=version, VersionStage="AWSPENDING")
    if not accepts(pending):
        change(_value(secret, VersionStage="AWSCURRENT"), pending)


def test_secret(secret, version, described):
    """Prove the pending value."""
    if not accepts(_value(secret, VersionId=version, VersionStage="AWSPENDING")):
        raise ValueError("the system does not take the pending value")


def finish_secret(secret, version, described):
    """Make the pending version current; Secrets Manager labels the old one AWSPREVIOUS."""
    labels = described["VersionIdsToStages"]
    current = next(each for each, of in labels.items() if "AWSCURRENT" in of)
    SECRETS.update_secret_version_stage(
        SecretId=secret,
        VersionStage="AWSCURRENT",
        MoveToVersionId=version,
        RemoveFromVersionId=current,
    )


def _value(secret, **of):
    return json.loads(SECRETS.get_secret_value(SecretId=secret, **of)["SecretString"])


STEPS = {
    "createSecret": create_secret,
    "setSecret": set_secret,
    "testSecret": test_secret,
    "finishSecret": finish_secret,
}
