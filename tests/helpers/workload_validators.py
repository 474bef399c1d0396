"""Real validators for the files that `irsa` generates, all offline; each raises when something is wrong."""

from __future__ import annotations

import copy
import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import botocore.session
import check_jsonschema
import hcl2
import jsonschema
import yaml

from helpers import secret_validators as other
from helpers.folders import TESTS
from helpers.languages import groovy
from helpers.provider_cases import cases

if TYPE_CHECKING:
    from collections.abc import Callable

_BY_COMMIT = re.compile(r"@[0-9a-f]{40} # (v[0-9]+)\S*")
_BIN = Path(sys.executable).parent
_SCHEMAS = Path(check_jsonschema.__file__).parent / "builtin_schemas" / "vendor"
_EKSCTL = TESTS / "schemas" / "eksctl.json"


def run(program: str, *words: str) -> None:
    """The program exits with 0."""
    done = subprocess.run(
        [str(_BIN / program), *words], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"


@cache
def _vendored(name: str) -> dict[str, Any]:
    """The schema of that name that check-jsonschema ships."""
    schema: dict[str, Any] = json.loads((_SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    return schema


class _Workflow(yaml.CSafeLoader):
    """YAML as GitHub reads it, where the key `on` is not true."""


_Workflow.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in known if tag != "tag:yaml.org,2002:bool"]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Workflow.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf")
)


class Tagged(yaml.CSafeLoader):
    """YAML with CloudFormation's short functions."""


for tag in ("!Ref", "!GetAtt", "!Equals"):
    Tagged.add_constructor(tag, lambda _loader, _node: "")
# The branch for an existing provider.
Tagged.add_constructor("!If", lambda loader, node: loader.construct_sequence(node)[2])


def _read(content: str) -> Any:
    return yaml.load(content, Loader=_Workflow)  # noqa: S506 - the loader is a safe one


def schema_of(schema: str | dict[str, Any]) -> Callable[[str], None]:
    """A check against a schema: one that check-jsonschema ships, by its name, or the schema itself."""
    found = _vendored(schema) if isinstance(schema, str) else schema
    validator = jsonschema.validators.validator_for(found)(found)

    def check(content: str) -> None:
        validator.validate(_read(content))

    return check


def bitbucket(content: str) -> None:
    """The vendored schema, which allows only `oidc: true`: a list of audiences is checked here.

    https://www.atlassian.com/blog/bitbucket/bitbucket-pipelines-oidc-now-supports-multiple-audiences
    """
    document = copy.deepcopy(yaml.safe_load(content))
    step = document["pipelines"]["default"][0]["step"]
    if step["oidc"] is not True:
        (audience,) = step["oidc"]["audiences"]
        assert 0 < len(audience) <= 150
        assert set(step["oidc"]) == {"audiences"}
        step["oidc"] = True
    schema_of("bitbucket-pipelines")(yaml.safe_dump(document))


def workflow(content: str) -> None:
    """The vendored schema, actionlint and zizmor: syntax, the inputs of actions, and unsafe workflows."""
    schema_of("github-workflows")(content)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / ".github" / "workflows" / "deploy.yml"
        file.parent.mkdir(parents=True)
        file.write_text(content, encoding="utf-8")
        run("zizmor", "--offline", "--no-progress", str(file))
        # actionlint knows the inputs of an action by its major version, not by a commit.
        file.write_text(_BY_COMMIT.sub(r"@\1", content), encoding="utf-8")
        run("actionlint", "-shellcheck=", "-pyflakes=", str(file))


def terraform(content: str) -> None:
    """The syntax, and the arguments that the provider's pages name."""
    other.terraform(content)
    if "jwt_svids" in content:
        _spiffe_helper(hcl2.loads(content))
    for block in hcl2.loads(content).get("resource", ()):
        for kind, named in block.items():
            (body,) = named.values()
            given = {name for name in body if not name.startswith("__")} - _OF_TERRAFORM
            required, optional = _ARGUMENTS[kind.strip('"')]
            assert required <= given <= required | optional, f"{kind}: {sorted(given)}"


# https://github.com/spiffe/spiffe-helper/blob/main/README.md#configuration: it refuses unknown keys.
_OF_SPIFFE_HELPER = {"agent_address", "cert_dir", "daemon_mode", "jwt_svids"}
_OF_JWT_SVID = {"jwt_audience", "jwt_svid_file_name"}


def _spiffe_helper(document: dict[str, Any]) -> None:
    """The keys that spiffe-helper knows, and all that a token needs."""
    given = {name for name in document if not name.startswith("__")}
    assert given == _OF_SPIFFE_HELPER
    for svid in document["jwt_svids"]:
        assert {name for name in svid if not name.startswith("__")} == _OF_JWT_SVID
        assert all(svid[name].strip('"') for name in _OF_JWT_SVID)


_OF_TERRAFORM = {"depends_on", "provider"}
# Each from the page of its resource: https://github.com/hashicorp/terraform-provider-aws/tree/main/website/docs/r and
# https://github.com/hashicorp/terraform-provider-tfe/tree/main/website/docs/r.
_ARGUMENTS: dict[str, tuple[set[str], set[str]]] = {
    "aws_iam_openid_connect_provider": ({"url", "client_id_list"}, {"thumbprint_list", "tags"}),
    "aws_iam_role": ({"assume_role_policy"}, {"name", "max_session_duration", "tags"}),
    "aws_iam_role_policy": ({"role", "policy"}, {"name"}),
    "aws_eks_addon": ({"cluster_name", "addon_name"}, {"addon_version", "tags"}),
    "aws_eks_pod_identity_association": (
        {"cluster_name", "namespace", "service_account", "role_arn"},
        {"target_role_arn", "disable_session_tags", "tags"},
    ),
    "aws_kms_key": (
        {"key_usage", "customer_master_key_spec", "policy"},
        {"enable_key_rotation", "multi_region", "deletion_window_in_days"},
    ),
    "aws_kms_replica_key": ({"primary_key_arn", "policy"}, {"deletion_window_in_days"}),
    "aws_kms_alias": ({"name", "target_key_id"}, set()),
    # https://github.com/vercel/terraform-provider-vercel, /Scalr/terraform-provider-scalr, /env0/terraform-provider-env0.
    "vercel_project_environment_variable": (
        {"project_id", "key", "value", "target", "sensitive"},
        set(),
    ),
    "scalr_provider_configuration": ({"name"}, {"environments", "aws"}),
    "env0_aws_oidc_credentials": ({"name", "role_arn"}, {"duration"}),
    "tfe_variable": ({"key", "category", "value", "workspace_id"}, {"description", "sensitive"}),
}


def shell(content: str) -> None:
    """Every command, also those in comments, which a reader may uncomment."""
    other.shell(re.sub(r"(?m)^#\s+(?=aws [a-z-]+ [a-z-]+ --)", "", content))


def eksctl(content: str) -> None:
    """A part of eksctl's own schema, which allows no other properties, as there."""
    jsonschema.validate(yaml.safe_load(content), json.loads(_EKSCTL.read_text(encoding="utf-8")))


def profile(content: str) -> None:
    """Botocore reads the profile as one that exchanges a token, or that runs a command."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "config"
        file.write_text(content, encoding="utf-8")
        session = botocore.session.Session(profile="workload")
        session.set_config_variable("config_file", str(file))
        session.set_config_variable("credentials_file", os.devnull)
        read = session.get_scoped_config()
        resolver = session.get_component("credential_provider")
        assert resolver.get_provider("assume-role-with-web-identity")
        assert resolver.get_provider("custom-process")
    by_token = {"role_arn", "web_identity_token_file", "role_session_name"}
    assert set(read) - {"region"} in (by_token, {"credential_process"})
    assert "region" in read


def jenkinsfile(content: str) -> None:
    """The syntax of Groovy, and the sections that a declarative pipeline must have.

    https://www.jenkins.io/doc/book/pipeline/syntax/#declarative-pipeline
    """
    groovy(content)
    names = re.findall(r"(?m)^\s*([a-zA-Z]+)\b(?!\s*=)", re.sub(r"(?m)^//.*$", "", content))
    for section in ("pipeline", "agent", "environment", "stages", "stage", "steps"):
        assert section in names, section
    assert names.index("pipeline") < names.index("stages") < names.index("steps")


def toml(content: str) -> None:
    """The app, and variables that are texts."""
    document = tomllib.loads(content)
    assert set(document) == {"app", "env"}
    assert set(document["env"]) == {"AWS_ROLE_ARN", "AWS_REGION"}
    assert all(isinstance(value, str) for value in (document["app"], *document["env"].values()))


VALIDATORS: dict[str, Callable[[str], None]] = {
    "policy validate, evaluate": other.policy,
    "awscli's parser, botocore's models": shell,
    "cfn-lint": other.cloudformation,
    "python-hcl2": terraform,
    "kubernetes-validate (strict)": other.kubernetes,
    "a JSON schema after eksctl's own": eksctl,
    "check-jsonschema (GitHub workflows), actionlint, zizmor": workflow,
    "check-jsonschema (Bitbucket Pipelines)": bitbucket,
    "botocore's own reader of profiles": profile,
    "tomllib": toml,
    "awscli's parser, shellcheck": other.checked_shell,
    "tree-sitter-groovy": jenkinsfile,
    **{case["checked_by"]: schema_of(case["schema"]) for case in cases("validators")},
}
"""By the `checked_by` of an artifact: the function that validates it."""
