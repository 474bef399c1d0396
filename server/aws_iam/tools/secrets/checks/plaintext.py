"""Secrets in plaintext: String parameters, and environment variables of functions and containers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from aws_iam.account.collect.compute.functions import FUNCTIONS, Function
from aws_iam.account.collect.compute.task_definitions import (
    TASK_DEFINITIONS,
    Container,
    TaskDefinition,
)
from aws_iam.account.collect.fact import known
from aws_iam.account.collect.secrets.parameters import (
    PARAMETERS,
    PLAIN_VALUES,
    PlainValue,
    StoredParameter,
)
from aws_iam.account.names.secret_names import Suspicion, secret_word, suspicion
from aws_iam.account.names.sensitive import ValueKind, Variable, exposure
from aws_iam.account.reading.snapshot import Account
from aws_iam.answer import Severity
from aws_iam.errors import NotCollected
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.on_account import in_regions
from aws_iam.rules.outcomes import Fail, NotApplicable, Outcome, Pass, for_each
from aws_iam.tools.secrets.checks import samples as sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aws_iam.tools.secrets.terms import SecretTerms

_LAMBDA = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html"
_STORE = "https://docs.aws.amazon.com/systems-manager/latest/userguide/systems-manager-parameter-store.html"
_LIST = "lambda:ListFunctions"
_SECURE = "SecureString"
# AWS publishes its own data there.
_OF_AWS = "/aws/"


def _plain(name: str, **more: object) -> StoredParameter:
    return sample.parameter(name, **{"type": "String", "key": None, **more})


@check(
    "SSM-PLAINTEXT",
    on=Account,
    severity=Severity.HIGH,
    title="A plaintext parameter is named like a secret",
    fix="Rotate the value, then store it as a SecureString: aws ssm put-parameter --region REGION --name NAME --type SecureString --overwrite --value file://value",
    source=_STORE,
    needs=(PARAMETERS,),
    bad=[
        sample.holding((PARAMETERS, (_plain("/prod/app/dbPassword"),))),
        sample.holding((PARAMETERS, (_plain("/prod/app/login", described_as="password"),))),
    ],
    good=[sample.holding((PARAMETERS, (sample.parameter(), _plain("/prod/app/url"))))],
    trap=[
        sample.holding(
            (
                PARAMETERS,
                (
                    _plain("/prod/app/password-min-length"),
                    _plain("/prod/app/secret_arn"),
                    _plain("/prod/app/token-endpoint"),
                    _plain("/prod/app/monkey"),
                    _plain("/aws/reference/token"),
                ),
            )
        )
    ],
)
def plain_parameter(account: Account, _terms: SecretTerms) -> Iterator[Outcome]:
    """Everyone who may read parameters can read it without a key, and the value stays in the history.

    Judged by the name alone. False alarm when the name only sounds like a secret, such as
    `password-policy-url`.
    """

    def test(region: str, parameters: tuple[StoredParameter, ...]) -> Iterator[Outcome]:
        for parameter in parameters:
            if parameter.type == _SECURE or parameter.name.startswith(_OF_AWS):
                continue
            own, level = suspicion(parameter.name.rpartition("/")[2])
            path = secret_word(parameter.name)
            word = own or path or parameter.described_as
            if not word:
                yield Pass(parameter.arn, "", region)
                continue
            where = "name" if own else "path" if path else "description"
            message = f"{quoted(parameter.name)} is a {parameter.type}, and its {where} contains {quoted(word)}"
            names = (("NAME", parameter.name),)
            # A path or a description may be about neighboring parameters.
            guess = not own or level in _IN_DOUBT
            yield Fail(parameter.arn, message, region, low_confidence=guess, names=names)

    return in_regions(account, PARAMETERS, test)


_IN_DOUBT = {Suspicion.UNLESS_WORD, Suspicion.UNLESS_SHORT, Suspicion.DOUBTFUL}
_VALUE = "/prod/app/setting"


def _valued(form: str) -> Account:
    return sample.holding(
        (PARAMETERS, (_plain(_VALUE),)), (PLAIN_VALUES, (PlainValue(name=_VALUE, format=form),))
    )


@check(
    "SSM-PLAINTEXT-VALUE",
    on=Account,
    severity=Severity.CRITICAL,
    title="A plaintext parameter holds a key",
    fix="Rotate the key first, then store it as a SecureString: aws ssm put-parameter --region REGION --name NAME --type SecureString --overwrite --value file://value",
    source=_STORE,
    needs=(PARAMETERS, PLAIN_VALUES),
    bad=[_valued("GitHub token"), _valued("random text")],
    good=[_valued("")],
    trap=[sample.holding((PARAMETERS, (sample.parameter(),)), (PLAIN_VALUES, ()))],
)
def plain_value(account: Account, _terms: SecretTerms) -> Iterator[Outcome]:
    """The value looks like a key or token.

    Runs only with `plaintext_values`: the text is examined and never
    kept, only its kind is. False alarm when the value is an example, a test key or other random
    text of that shape.
    """

    def test(region: str, values: tuple[PlainValue, ...]) -> Iterator[Outcome]:
        arns = {
            parameter.name: parameter.arn for parameter in account.require_in(region, PARAMETERS)
        }
        for value in values:
            arn = arns.get(value.name, value.name)
            if not value.format:
                yield Pass(arn, "", region)
                continue
            guess = value.format == "random text"
            severity = Severity.HIGH if guess else Severity.CRITICAL
            message = f"{quoted(value.name)} holds what looks like: {value.format}"
            names = (("NAME", value.name),)
            yield Fail(arn, message, region, severity=severity, low_confidence=guess, names=names)

    return in_regions(account, PLAIN_VALUES, test)


_FUNCTION = f"arn:aws:lambda:{sample.REGION}:{sample.OWN}:function:app"


def _function(*variables: Variable, **more: object) -> Account:
    made = Function(arn=_FUNCTION, name="app", variables=variables, **more)  # type: ignore[arg-type]
    return sample.holding((FUNCTIONS, (made,)))


def _variable(name: str, kind: ValueKind = ValueKind.TEXT, **more: str) -> Variable:
    return Variable(name=name, kind=kind, length="medium", **more)


_HARMLESS = (
    _variable("DB_PASSWORD", ValueKind.REFERENCE),
    _variable("SECRET_NAME"),
    _variable("PASSWORD_MIN_LENGTH", ValueKind.SETTING),
    _variable("USE_TOKEN", ValueKind.SETTING),
    _variable("PARTITION_KEY"),
    _variable("API_TOKEN", ValueKind.EMPTY),
)


def exposed(variable: Variable) -> tuple[str, bool] | None:
    """Why the variable seems to hold a secret, and whether that is a guess; None when nothing suggests it."""
    held = exposure(variable)
    if held is None:
        return None
    if not held.word:
        return f"holds what looks like: {variable.format}", held.guess
    size = f" of {variable.length} length" if variable.length else ""
    return f"has {quoted(held.word)} in its name and holds a literal value{size}", held.guess


def exposed_variables(
    arn: str, region: str, place: str, variables: tuple[Variable, ...], fix: str | None = None
) -> Iterator[Outcome]:
    """A failure for each variable that seems to hold a secret; a pass without one."""
    found = False
    for variable in variables:
        why = exposed(variable)
        if why is not None:
            found = True
            subject = f"variable {quoted(variable.name)}" if variable.name else "its text"
            message = f"{place}{subject} {why[0]}"
            yield Fail(arn, message, region, low_confidence=why[1], fix=fix)
    if not found:
        yield Pass(arn, "", region)


@check(
    "ENV-LAMBDA",
    on=Account,
    severity=Severity.CRITICAL,
    title="A function has a secret in its environment",
    fix="Rotate it, store it in Secrets Manager, and put only its name in the variable: `secrets snippet` with `runtime: lambda`.",
    source=_LAMBDA,
    needs=(FUNCTIONS,),
    bad=[
        _function(_variable("DB_PASSWORD")),
        _function(_variable("CONFIG", ValueKind.KEY, format="GitHub token")),
    ],
    good=[_function(_variable("STAGE"))],
    trap=[_function(*_HARMLESS)],
)
def function_variables(account: Account, _terms: SecretTerms) -> Iterator[Outcome]:
    """Everyone who may read the function's configuration can read the variable, and deployments and backups contain it.

    Judged by the variable's name and the shape of its value, in $LATEST; published versions keep
    variables of their own. False alarm when the name only sounds like a secret.
    """

    def test(region: str, function: Function) -> Iterator[Outcome]:
        _demand_shown(function, region)
        return exposed_variables(function.arn, region, "", function.variables)

    return _functions(account, test)


@check(
    "ENV-LAMBDA-CMK",
    on=Account,
    severity=Severity.LOW,
    title="A function's variables are encrypted with the AWS managed key",
    fix="aws lambda update-function-configuration --region REGION --function-name FUNCTION --kms-key-arn KEY_ARN",
    source=_LAMBDA,
    needs=(FUNCTIONS,),
    bad=[_function(_variable("STAGE"))],
    good=[_function(_variable("STAGE"), kms_key=sample.KEY)],
    trap=[_function()],
)
def function_key(account: Account, _terms: SecretTerms) -> Iterator[Outcome]:
    """With a customer managed key, reading the variables requires a permission that you grant.

    False alarm when the variables hold nothing worth protecting.
    """

    def test(region: str, function: Function) -> Iterator[Outcome]:
        if function.kms_key:
            yield Pass(function.arn, "", region)
            return
        _demand_shown(function, region)
        if function.variables:
            count = len(function.variables)
            message = f"{count} variable{'' if count == 1 else 's'} of {quoted(function.name)} {'is' if count == 1 else 'are'} encrypted with `aws/lambda`"
            yield Fail(function.arn, message, region, names=(("FUNCTION", function.name),))
        else:
            yield NotApplicable(function.arn, "the function has no variables", region)

    return _functions(account, test)


def _functions(
    account: Account, test: Callable[[str, Function], Iterator[Outcome]]
) -> Iterator[Outcome]:
    def of_region(region: str, functions: tuple[Function, ...]) -> Iterator[Outcome]:
        return for_each(
            functions, partial(test, region), name=lambda function: function.arn, region=region
        )

    return in_regions(account, FUNCTIONS, of_region)


def _demand_shown(function: Function, region: str) -> None:
    """Raise NotCollected when AWS hides the variables, as a Deny on kms:Decrypt makes it do: hidden ones are not absent."""
    if function.hidden:
        raise NotCollected(
            f"AWS does not show the variables of {quoted(function.name)} to this caller "
            "(a Deny on kms:Decrypt hides them)",
            call=_LIST,
            code=function.hidden,
            permission="kms:Decrypt",
            region=region,
        )


_TASK = f"arn:aws:ecs:{sample.REGION}:{sample.OWN}:task-definition/app:3"
_SERVICE = f"arn:aws:ecs:{sample.REGION}:{sample.OWN}:service/prod/app"


def _task(*variables: Variable, in_command: tuple[Variable, ...] = ()) -> Account:
    container = Container(name="app", variables=variables, in_command=in_command)
    made = TaskDefinition(arn=_TASK, services=(_SERVICE,), containers=(container,))
    return sample.holding((TASK_DEFINITIONS, (made,)))


@check(
    "ENV-ECS",
    on=Account,
    severity=Severity.CRITICAL,
    title="A container has a secret in its environment or command",
    fix="Rotate it, store it in Secrets Manager, and name it in `secrets[].valueFrom`: `secrets snippet` with `runtime: ecs`; then deregister the old revisions.",
    source="https://docs.aws.amazon.com/AmazonECS/latest/developerguide/specifying-sensitive-data.html",
    needs=(TASK_DEFINITIONS,),
    bad=[
        _task(_variable("DB_PASSWORD")),
        _task(_variable("URL", ValueKind.KEY, format="address with a password")),
        _task(in_command=(_variable("api-key"),)),
    ],
    good=[_task(_variable("STAGE"))],
    trap=[_task(*_HARMLESS)],
)
def container_variables(account: Account, _terms: SecretTerms) -> Iterator[Outcome]:
    """Every revision of the task definition contains the variable, for everyone who may describe one.

    Judged by the variable's name and the shape of its value, and by the texts of commands, in the definitions that services
    use and the latest of each other family. False alarm when the name only sounds like a secret.
    """

    def test(region: str, task: TaskDefinition) -> Iterator[Outcome]:
        for container in known(task.containers):
            place = f"container {quoted(container.name)}: "
            yield from exposed_variables(task.arn, region, place, container.variables)
            if container.in_command:
                place = f"container {quoted(container.name)}, its command: "
                yield from exposed_variables(task.arn, region, place, container.in_command)

    def of_region(region: str, tasks: tuple[TaskDefinition, ...]) -> Iterator[Outcome]:
        return for_each(tasks, partial(test, region), name=lambda task: task.arn, region=region)

    return in_regions(account, TASK_DEFINITIONS, of_region)
