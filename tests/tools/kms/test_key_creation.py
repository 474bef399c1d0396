"""The files of `kms key_policy`: every format is taken by its validator, and comes alone where it was asked for."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

import aws_iam
from aws_iam.engine.reference.key_services import key_services
from aws_iam.errors import InputError
from aws_iam.tools.kms.actions import tool
from aws_iam.tools.kms.envelope import envelope_libraries
from helpers.key_policies import ADMIN, APP, OTHER, OWN, document, key_policy_answer, outcome
from helpers.secret_validators import cloudformation, shell
from helpers.workload_validators import terraform

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.validator


@pytest.fixture(autouse=True)
def _region(monkeypatch: pytest.MonkeyPatch) -> None:
    """The AWS CLI's parser makes a client, which is somewhere."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")


SERVICES = [
    name
    for name, service in key_services().items()
    if service.guard and service.usage == "encrypt" and not service.unguarded()
]
CHOICES = {
    "context": {"context": {"app": "orders"}},
    "via": {"via_service": ["s3", "rds"], "region": "eu-west-1"},
    "only": {"via_service": ["s3"], "region": "eu-west-1", "only_via_service": True},
    "both": {"via_service": ["s3"], "region": "eu-west-1", "context": {"app": "orders"}},
    "outside": {"external_accounts": [OTHER, "arn:aws:iam::777788889999:role/Partner"]},
    "services": {"services": SERVICES, "region": "eu-west-1"},
    "organization": {"organization": "o-exampleorg1", "context": {"app": "orders"}},
    "tagged": {"principal_tags": {"team": "orders"}, "organization": "o-exampleorg1"},
    "one way": {"use": "decrypt", "via_service": ["s3"], "region": "eu-west-1"},
    "sign": {"usage": "sign"},
    "nobody": {"admins": [], "users": []},
    "copied": {"region": "eu-west-1", "replicas": ["eu-central-1", "us-east-1"]},
    "apart": {
        "region": "eu-west-1",
        "replicas": ["eu-central-1", "us-east-1"],
        "via_service": ["s3"],
        "services": ["cloudwatch-logs"],
    },
    "government": {
        "admins": ["arn:aws-us-gov:iam::111122223333:role/KeyAdmin"],
        "users": ["role/App"],
        "region": "us-gov-west-1",
        "via_service": ["s3"],
    },
}


FILES = [
    *((name, form) for name in CHOICES for form in ("cli", "terraform")),
    # The template takes the policy as it is; its validator is slow.
    *((name, "cloudformation") for name in ("both", "sign", "services", "copied", "apart")),
]


@pytest.mark.parametrize(("name", "format_"), FILES)
def test_policies_are_clean_and_every_file_is_taken(name: str, format_: str) -> None:
    answer = key_policy_answer(**CHOICES[name], format=format_)
    assert answer.findings == ()
    validators = {
        "policy validate, evaluate": clean,
        "awscli's parser": shell,
        "cfn-lint": cloudformation,
        "python-hcl2": terraform,
    }
    for artifact in answer.artifacts:
        validators[artifact.checked_by or ""](artifact.content)
    # The file that was asked for comes first, and holds the policy or names its file.
    policy = document(key_policy_answer(**CHOICES[name]))
    made = {"cli": "create-key.sh", "cloudformation": "key.yaml", "terraform": "key.tf"}
    assert answer.artifacts[0].name == made[format_]
    if format_ == "cloudformation":
        checked = tool.run({"action": "check", "document": answer.artifacts[0].content})
        assert checked.facts["checks"]
        assert json.dumps(policy["Statement"][0]["Action"]) in answer.artifacts[0].content
    elif format_ == "cli":
        assert policy == json.loads(answer.artifacts[1].content)


def clean(policy: str) -> None:
    found = aws_iam.validate(policy, "resource")
    assert [finding.code for finding in found] == []
    checked = tool.run({"action": "check", "document": policy, "trusted": [OTHER, "777788889999"]})
    assert [finding for finding in checked.findings if finding.status == "fail"] == []


def test_replicas_share_the_policy_unless_it_names_the_region() -> None:
    shared = key_policy_answer(**CHOICES["copied"], format="cloudformation").artifacts
    assert [artifact.name for artifact in shared] == [
        "key.yaml",
        "replica-key.yaml",
    ]
    templates = key_policy_answer(**CHOICES["apart"], format="cloudformation").artifacts
    assert [artifact.name for artifact in templates] == [
        "key.yaml",
        "replica-key-eu-central-1.yaml",
        "replica-key-us-east-1.yaml",
    ]
    apart = key_policy_answer(**CHOICES["apart"]).artifacts
    assert [artifact.name for artifact in apart] == [
        "key-policy.json",
        "key-policy-eu-central-1.json",
        "key-policy-us-east-1.json",
        "create-key.sh",
    ]
    first, second = (json.loads(artifact.content) for artifact in apart[:2])
    through = {"kms__ViaService": "s3.eu-central-1.amazonaws.com"}
    assert outcome(second, APP, "Encrypt", **through) == "Allowed"
    assert outcome(first, APP, "Encrypt", **through) == "ImplicitlyDenied"
    logs = [
        statement["Principal"]
        for statement in second["Statement"]
        if "Service" in statement["Principal"]
    ]
    assert logs == [{"Service": "logs.eu-central-1.amazonaws.com"}]
    for action in ("ReplicateKey", "UpdatePrimaryRegion"):
        assert outcome(first, ADMIN, action) == "Allowed"
        assert outcome(document(key_policy_answer()), ADMIN, action) == "ImplicitlyDenied"


def test_a_key_is_replicated_with_its_policy() -> None:
    answer = key_policy_answer(**CHOICES["apart"])
    script = answer.artifacts[-1].content
    copies = [line for line in script.splitlines() if "replicate-key" in line]
    assert len(copies) == 2
    with mock_aws():
        own = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        kms = boto3.client("kms", region_name="eu-west-1", **own)
        texts = {artifact.name: artifact.content for artifact in answer.artifacts}
        key = kms.create_key(Policy=texts["key-policy.json"], MultiRegion=True)["KeyMetadata"]
        for line in copies:
            words = line.split()
            region = words[words.index("--replica-region") + 1]
            file = words[words.index("--policy") + 1].removeprefix("file://")
            assert file == f"key-policy-{region}.json"
            kms.replicate_key(KeyId=key["KeyId"], ReplicaRegion=region, Policy=texts[file])
            there = boto3.client("kms", region_name=region, **own)
            # The emulator gives a replica the policy of the primary, whatever the call says.
            there.put_key_policy(KeyId=key["KeyId"], PolicyName="default", Policy=texts[file])
            copy = there.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
            assert copy["MultiRegionConfiguration"]["MultiRegionKeyType"] == "REPLICA"


@pytest.mark.parametrize("format_", ["cloudformation", "terraform"])
def test_ml_kem_keys_are_made_where_they_are_known(format_: str) -> None:
    with pytest.raises(InputError, match="may not support ML-KEM keys"):
        key_policy_answer(usage="key_encapsulation", format=format_)


@pytest.mark.parametrize(
    ("format_", "name"), [("cloudformation", "key.yaml"), ("terraform", "key.tf")]
)
def test_a_pipe_and_a_folder_get_exactly_the_file_that_was_asked_for(
    tmp_path: Path, format_: str, name: str
) -> None:
    command = [sys.executable, "-m", "aws_iam", "kms", "key_policy", "--account", OWN]
    users = ["--users", "role/App", "--format", format_]
    piped = subprocess.run([*command, *users], capture_output=True, check=True).stdout.decode()
    (file,) = key_policy_answer(admins=[], format=format_).artifacts
    assert file.name == name
    assert piped == file.content
    folder = tmp_path / "made"
    subprocess.run([*command, *users, "--out", f"{folder}/"], capture_output=True, check=True)
    assert [path.name for path in folder.iterdir()] == [name]
    assert (folder / name).read_text() == file.content


def test_terraform_takes_a_value_that_looks_like_a_template_as_text() -> None:
    answer = key_policy_answer(context={"app": "%{if x}"}, format="terraform")
    assert '"%%{if x}"' in answer.artifacts[0].content


# By what an artifact says of itself (`checked_by`): who proves it here or in the tests of the envelope.
VALIDATORS = {
    "policy validate, evaluate",
    "policy validate",
    "awscli's parser",
    "cfn-lint",
    "python-hcl2",
    "compiled and run against moto: a megabyte encrypted and decrypted, another context refused",
    "type-checked with tsc (strict) and run in Node.js against moto: a megabyte encrypted and decrypted, another context refused",
    "tree-sitter's parser of Java; neither compiled nor run",
    "tree-sitter's parser of Go; neither compiled nor run",
    "tree-sitter's parser of C#; neither compiled nor run",
}


def test_every_generated_file_names_a_validator() -> None:
    answers = [key_policy_answer(format=form) for form in ("cli", "cloudformation", "terraform")]
    for language in tool.arguments(cli=False)["language"].choices:
        for library in envelope_libraries(language):
            arguments = {"action": "envelope", "language": language, "library": library}
            answers.append(tool.run(arguments))
    named = {artifact.checked_by for answer in answers for artifact in answer.artifacts}
    assert named == VALIDATORS


def test_kms_takes_the_policy_when_a_key_is_made() -> None:
    with mock_aws():
        kms = boto3.client("kms", aws_access_key_id="test", aws_secret_access_key="test")
        text = key_policy_answer().artifacts[0].content
        key = kms.create_key(Policy=text)["KeyMetadata"]["KeyId"]
        kept = kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
    assert json.loads(kept) == json.loads(text)
