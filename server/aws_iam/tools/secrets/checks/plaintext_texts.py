"""Secrets in plaintext in scripts, documents, arguments and outputs: names and shapes only."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.configuration.build_projects import BUILD_PROJECTS
from aws_iam.account.collect.configuration.glue_jobs import GLUE_JOBS
from aws_iam.account.collect.configuration.holder import TextHolder
from aws_iam.account.collect.configuration.launch_templates import LAUNCH_TEMPLATES
from aws_iam.account.collect.configuration.ssm_documents import SSM_DOCUMENTS
from aws_iam.account.collect.configuration.stacks import STACKS
from aws_iam.account.collect.configuration.state_machines import STATE_MACHINES
from aws_iam.account.collect.configuration.user_data import USER_DATA
from aws_iam.account.collect.fact import known
from aws_iam.account.names.sensitive import ValueKind, Variable
from aws_iam.account.reading.snapshot import Account
from aws_iam.answer import Severity
from aws_iam.rules.check import check
from aws_iam.rules.on_account import in_regions
from aws_iam.rules.outcomes import Outcome, for_each
from aws_iam.tools.secrets.checks import samples as sample
from aws_iam.tools.secrets.checks.plaintext import exposed_variables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.account.collect.fact import RegionFact
    from aws_iam.tools.secrets.terms import SecretTerms

_EXPOSED = Variable(name="DB_PASSWORD", kind=ValueKind.TEXT, length="medium")
_TOKEN = Variable(name="", kind=ValueKind.KEY, format="GitHub token")
_NAME_ONLY = Variable(name="SECRET_NAME", kind=ValueKind.TEXT, length="medium")


def _holding(fact: RegionFact[Any], kind: str, *exposed: Variable) -> Account:
    arn = f"arn:aws:{kind}:{sample.REGION}:{sample.OWN}:{kind}/app"
    return sample.holding((fact, (TextHolder(arn=arn, name="app", exposed=exposed),)))


def _examples(fact: RegionFact[Any], kind: str) -> dict[str, Any]:
    return {
        "needs": (fact,),
        "bad": [_holding(fact, kind, _EXPOSED), _holding(fact, kind, _TOKEN)],
        "good": [_holding(fact, kind)],
        "trap": [_holding(fact, kind, _NAME_ONLY)],
    }


def _judged(account: Account, fact: RegionFact[Any]) -> Iterator[Outcome]:
    def test(region: str, holder: TextHolder) -> Iterator[Outcome]:
        return exposed_variables(holder.arn, region, "", known(holder.exposed))

    def of_region(region: str, holders: tuple[TextHolder, ...]) -> Iterator[Outcome]:
        return for_each(holders, partial(test, region), name=lambda one: one.arn, region=region)

    return in_regions(account, fact, of_region)


@check(
    "ENV-USER-DATA",
    on=Account,
    severity=Severity.CRITICAL,
    title="An instance has a secret in its user data",
    fix="Rotate it, store it in Secrets Manager, and let the instance's role read it at start: `secrets snippet` with `runtime: ec2`. User data changes only while the instance is stopped.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-add-user-data.html",
    **_examples(USER_DATA, "ec2"),
)
def instance_user_data(account: Account, _terms: SecretTerms) -> Iterator[Outcome]:
    """Every process of the instance and everyone who may describe it can read its user data.

    Looked into also where it is compressed, has several parts or writes files. False alarm when the script only mentions the name, or the value is an example.
    """
    return _judged(account, USER_DATA)


@check(
    "ENV-LAUNCH-TEMPLATE",
    on=Account,
    severity=Severity.CRITICAL,
    title="A launch template has a secret in its user data",
    fix="Rotate it, store it in Secrets Manager, and let the instances' role read it at start: `secrets snippet` with `runtime: ec2`; then make a version without it and delete the old ones.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-add-user-data.html",
    **_examples(LAUNCH_TEMPLATES, "ec2"),
)
def template_user_data(account: Account, _terms: SecretTerms) -> Iterator[Outcome]:
    """Every instance of the template gets the secret, and every version keeps it.

    Judged: the default and the latest version. False alarm when the script only mentions the name.
    """
    return _judged(account, LAUNCH_TEMPLATES)


@check(
    "ENV-CODEBUILD",
    on=Account,
    severity=Severity.CRITICAL,
    title="A build project has a secret in plaintext",
    fix="Rotate it, store it in Secrets Manager, and give the variable the type SECRETS_MANAGER.",
    source="https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html",
    **_examples(BUILD_PROJECTS, "codebuild"),
)
def build_variables(account: Account, _terms: SecretTerms) -> Iterator[Outcome]:
    """Everyone who may read the project can read its variables and its buildspec, and builds print them.

    Judged: variables of the type PLAINTEXT, and buildspecs that stand in the project. False alarm
    when the name only sounds like a secret.
    """
    return _judged(account, BUILD_PROJECTS)


@check(
    "ENV-SSM-DOCUMENT",
    on=Account,
    severity=Severity.CRITICAL,
    title="A Systems Manager document has a secret in it",
    fix="Rotate it, store it as a SecureString or in Secrets Manager, read it in the script (in the source of aws:downloadContent write {{ssm-secure:NAME}}), and delete the old versions.",
    source="https://docs.aws.amazon.com/securityhub/latest/userguide/ssm-controls.html",
    **_examples(SSM_DOCUMENTS, "ssm"),
)
def document_content(account: Account, _terms: SecretTerms) -> Iterator[Outcome]:
    """Everyone who may run or read the document can read it, and every version keeps it.

    Judged: the default version of the account's own documents. False alarm when the document only
    mentions the name.
    """
    return _judged(account, SSM_DOCUMENTS)


@check(
    "ENV-STACK",
    on=Account,
    severity=Severity.HIGH,
    title="A stack has a secret in its outputs or parameters",
    fix="Rotate it; return the secret's ARN instead of its value, use {{resolve:secretsmanager:…}} in the template, and set NoEcho on the parameter.",
    source="https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/security-best-practices.html",
    **_examples(STACKS, "cloudformation"),
)
def stack_values(account: Account, _terms: SecretTerms) -> Iterator[Outcome]:
    """Everyone who may describe the stack can read its outputs, and its parameters without NoEcho.

    False alarm when the name only sounds like a secret.
    """
    return _judged(account, STACKS)


@check(
    "ENV-STEP-FUNCTIONS",
    on=Account,
    severity=Severity.CRITICAL,
    title="A state machine has a secret in its definition",
    fix="Rotate it, store it in Secrets Manager, and read it in the task that needs it; an HTTP task takes it from an EventBridge connection.",
    source="https://docs.aws.amazon.com/step-functions/latest/dg/security.html",
    **_examples(STATE_MACHINES, "states"),
)
def machine_definition(account: Account, _terms: SecretTerms) -> Iterator[Outcome]:
    """Everyone who may read the state machine can read it, and the history of each execution repeats it.

    False alarm when the definition only mentions the name.
    """
    return _judged(account, STATE_MACHINES)


@check(
    "ENV-GLUE",
    on=Account,
    severity=Severity.CRITICAL,
    title="A Glue job has a secret in its arguments",
    fix="Rotate it, store it in Secrets Manager, pass the secret's name as the argument, and read it in the script.",
    source="https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-etl-glue-arguments.html",
    **_examples(GLUE_JOBS, "glue"),
)
def job_arguments(account: Account, _terms: SecretTerms) -> Iterator[Outcome]:
    """Everyone who may read the job can read its arguments, and runs log them.

    False alarm when the name only sounds like a secret.
    """
    return _judged(account, GLUE_JOBS)
