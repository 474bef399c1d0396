"""Callers that are no user and no role of the estate, and that the policy of a resource or a grant of a key may let in.

outside_callers(estate, "s3:GetObject", "arn:aws:s3:::books/x")   →   other accounts, sessions, services, identities of providers, anyone
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from aws_iam.engine.evaluation.layers import IndexedStatement
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.document import Kind
from aws_iam.engine.sources.gather import one_policy
from aws_iam.frozen import slotted
from aws_iam.tools.audit.access.key_grants import as_policy, key_grants
from aws_iam.tools.audit.access.policy_types import is_role
from aws_iam.tools.audit.access.request_keys import service_call_keys
from aws_iam.tools.audit.principals.outside_trust import principal_account

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.language.document import Condition, Principal, Statement
    from aws_iam.tools.audit.access.estate import Estate

Sort = Literal["outsider", "session", "service", "anyone"]
# An account that AWS uses in its documentation and gives to nobody.
_NOBODYS = "123456789012"
_ACCOUNT = re.compile(r"\d{12}")
_NAMED_BY_CONDITION = frozenset({"aws:principalarn", "aws:principalaccount"})
_OF_SERVICES = frozenset({"aws:principalisawsservice", "aws:sourceowner"})
_NAMES_OF_SERVICES = frozenset({"aws:principalservicename", "aws:principalservicenameslist"})
_WITH_TOKEN = "sts:assumerolewithwebidentity"  # noqa: S105 - an action
_SOME_SERVICE = "some-service.amazonaws.com"


@slotted
class OutsideCaller:
    """A caller to ask for: `name` is what the answer calls it, `arn` what the request has; `why_unknown` if none can be asked.

    A session is one of an account of the estate.
    """

    name: str
    sort: Sort
    arn: str = ""
    why_unknown: str = ""


def outside_callers(estate: Estate, action: str, resource: str) -> Iterator[OutsideCaller]:
    """The callers that the statements of the resource's policy, and the grants of a key, speak of; each once."""
    arn = Arn.of(resource)
    text = estate.policy_of(action, resource).text
    grants = key_grants(estate, action, resource).grants
    texts = [*([text] if text else []), *(as_policy(grant).text for grant in grants)]
    found: dict[OutsideCaller, None] = {}
    for written in texts:
        policy = one_policy(written, Kind.TRUST if arn and is_role(arn) else Kind.RESOURCE)
        for statement in policy.statements:
            if statement.allows and IndexedStatement.of(statement).takes(action.lower()):
                found |= dict.fromkeys(_callers(statement, estate, action, resource))
    yield from found


def _callers(
    statement: Statement, estate: Estate, action: str, resource: str
) -> Iterator[OutsideCaller]:
    if statement.has("NotPrincipal"):
        yield OutsideCaller(
            name="*",
            sort="outsider",
            why_unknown="AWS no longer supports NotPrincipal with Allow",
        )
        return
    partition = resource.split(":")[1] if resource.startswith("arn:") else "aws"
    for principal in statement.principals:
        yield from _caller(principal, estate, partition, action)
    if any(principal.is_everyone for principal in statement.principals):
        yield from _named_by_conditions(statement, estate, partition)
        yield from _services(statement)


def _caller(
    principal: Principal, estate: Estate, partition: str, action: str
) -> Iterator[OutsideCaller]:
    value = principal.value
    if principal.is_everyone:
        stranger = f"arn:{partition}:iam::{_NOBODYS}:user/somebody"
        yield OutsideCaller(name="*", sort="anyone", arn=stranger)
    elif principal.type == "Service":
        yield OutsideCaller(name=value, sort="service", arn=value)
    elif principal.type == "Federated":
        # Identities of providers without an ARN, such as accounts.google.com, only ever send tokens.
        if value.startswith("arn:") or action.lower() == _WITH_TOKEN:
            yield OutsideCaller(name=value, sort="outsider", arn=value)
    elif principal.type == "CanonicalUser":
        yield OutsideCaller(
            name=value, sort="outsider", why_unknown="whose canonical user id it is is not known"
        )
    else:
        account = principal_account(principal)
        if account and account not in estate.members:
            is_account = value == account or value.endswith(":root")
            arn = f"arn:{partition}:iam::{account}:root" if is_account else value
            yield OutsideCaller(name=arn, sort="outsider", arn=arn)
        elif account and value.startswith(f"arn:{partition}:sts:"):
            yield OutsideCaller(name=value, sort="session", arn=value)


def _named_by_conditions(
    statement: Statement, estate: Estate, partition: str
) -> Iterator[OutsideCaller]:
    """Callers that only a condition of a statement for everyone names."""
    for condition in statement.conditions:
        if condition.name not in _NAMED_BY_CONDITION:
            continue
        for written in condition.values:
            text = written.value
            if _ACCOUNT.fullmatch(text):
                name = f"arn:{partition}:iam::{text}:root"
            else:
                fields = text.split(":", 5)
                if len(fields) > 4 and set(fields[4]) & set("*?"):  # noqa: PLR2004 - the account of an ARN
                    fields[4] = _NOBODYS
                name = ":".join(fields)
            arn = Arn.of(name.replace("*", "x").replace("?", "x"))
            if arn and _ACCOUNT.fullmatch(arn.account) and arn.account not in estate.members:
                yield OutsideCaller(
                    name=text if ":" in text else name, sort="outsider", arn=str(arn)
                )


def _services(statement: Statement) -> Iterator[OutsideCaller]:
    """Services to whose calls a statement for everyone applies: those whose name follows from a condition, else any."""
    conditions = [
        own for own in statement.conditions if own.name in _OF_SERVICES | service_call_keys()
    ]
    names = [name for own in conditions for name in _service_names(own)]
    for name in names:
        yield OutsideCaller(name=name, sort="service", arn=name)
    if conditions and not names:
        yield OutsideCaller(name="any AWS service", sort="service", arn=_SOME_SERVICE)


def _service_names(condition: Condition) -> Iterator[str]:
    """The services that a condition names, by their principal or by the ARN of what they act for."""
    for written in condition.values if condition.demanded else ():
        arn = Arn.of(written.value)
        if condition.name in _NAMES_OF_SERVICES:
            yield written.value
        elif condition.name == "aws:sourcearn" and arn and not set(arn.service) & set("*?$"):
            yield f"{arn.service}.amazonaws.com"
