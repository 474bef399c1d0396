"""Who sends a request, and how closely the principals of a policy name the caller.

An Allow of a resource policy has a grade, which decides what else can limit it:

    direct    names the user, the session, the federated session, the service or everyone: nothing else limits it
    role      names the role behind a session, or the user behind a federated one: boundary and session policies limit it
    account   names the account, which leaves the decision to the policies of that account

Source: IAM User Guide, reference_policies_evaluation-logic_policy-eval-denyallow, reference_policies_elements_principal.
"""

from __future__ import annotations

import re
from enum import IntEnum, StrEnum
from functools import partial
from typing import TYPE_CHECKING

from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.memo import memo_by_text
from aws_iam.engine.reference.issuers import issuers
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aws_iam.engine.language.document import Principal

_ACCOUNT = re.compile(r"\d{12}")
_SERVICE = re.compile(
    r"[a-z0-9.-]+\.(amazonaws\.com|amazonaws\.com\.cn|amazon\.com|aws\.internal)"
)
_SERVICE_ROLES = "aws-service-role/"
_OF_IDENTITY_CENTER = "aws-reserved/sso.amazonaws.com/"


class CallerKind(StrEnum):
    """What sends the request, in the words of AWS's documentation."""

    USER = "IAM user"
    SESSION = "role session"
    FEDERATED = "federated user session"
    ROOT = "root user"
    SERVICE = "service principal"
    IDENTITY = "identity of a provider"
    ANONYMOUS = "anonymous"


class Grade(IntEnum):
    """How closely a principal of a resource policy names the caller; the higher the grade, the fewer other limits."""

    NONE = 0
    ACCOUNT = 1
    ROLE = 2
    DIRECT = 3


@slotted
class Caller:
    """The sender of a request: `role` is the role ARN behind a session, `federated_by` the user ARN behind a federated one."""

    kind: CallerKind
    arn: str
    partition: str = "aws"
    account: str = ""
    role: str = ""
    federated_by: str = ""
    # The ARN of a session holds the name of its role without the path, so `role` then lacks the path.
    path_is_known: bool = True

    @property
    def is_service_linked(self) -> bool:
        """Whether the caller is a session of a service-linked role, which no organization policy limits."""
        return f":role/{_SERVICE_ROLES}" in self.role

    @property
    def user_name(self) -> str:
        """The name of an IAM user, without its path."""
        return self.arn.rpartition("/")[2] if self.kind is CallerKind.USER else ""

    @property
    def identities(self) -> tuple[str, ...]:
        """Every principal ARN that names the caller, the account last."""
        account = f"arn:{self.partition}:iam::{self.account}:root" if self.account else ""
        named = (self.arn, self.role, self.federated_by, account)
        return tuple(dict.fromkeys(filter(None, named)))

    def grade(self, principals: Iterable[Principal]) -> Grade:
        """The best grade at which these principals name the caller."""
        return max(map(self._grade, principals), default=Grade.NONE)

    def may_be(self, principals: Iterable[Principal]) -> bool:
        """Whether one of the principals may be the caller's role: the same name, under a path that is not known."""
        if self.path_is_known or self.kind is not CallerKind.SESSION:
            return False
        start, _, name = self.role.partition(":role/")
        return any(
            principal.type == "AWS"
            and principal.value.startswith(f"{start}:role/")
            and principal.value.rpartition("/")[2] == name.rpartition("/")[2]
            for principal in principals
        )

    def is_left_out(self, not_principals: Iterable[Principal]) -> bool:
        """Whether NotPrincipal exempts the caller: it must list every principal that names the caller."""
        listed = tuple(not_principals)
        return all(
            any(_names(principal, identity) for principal in listed)
            for identity in self.identities
        )

    def is_listed(self, not_principals: Iterable[Principal]) -> bool:
        """Whether NotPrincipal lists any principal that names the caller."""
        return any(
            _names(principal, identity)
            for principal in not_principals
            for identity in self.identities
        )

    def _grade(self, principal: Principal) -> Grade:
        if principal.is_everyone:
            return Grade.DIRECT
        wanted = principal.value
        match principal.type, self.kind:
            case "Service", CallerKind.SERVICE:
                return Grade.DIRECT if wanted.lower() == self.arn.lower() else Grade.NONE
            case "Federated", CallerKind.IDENTITY:
                return Grade.DIRECT if wanted == self.arn else Grade.NONE
            case "AWS", _:
                return self._as_aws(wanted)
            case _:
                return Grade.NONE

    def _as_aws(self, wanted: str) -> Grade:
        if self.kind in {CallerKind.SERVICE, CallerKind.IDENTITY, CallerKind.ANONYMOUS}:
            return Grade.NONE
        if wanted == self.arn and self.kind is not CallerKind.ROOT:
            # A role ARN as the caller stands for any session of the role, which the policy names through the role.
            return Grade.ROLE if wanted == self.role else Grade.DIRECT
        if wanted in {self.role, self.federated_by}:
            return Grade.ROLE
        if _account_of(wanted) == self.account:
            return Grade.DIRECT if self.kind is CallerKind.ROOT else Grade.ACCOUNT
        return Grade.NONE


@memo_by_text
def _account_of(principal: str) -> str | None:
    """The account that a principal names, by its id or its root ARN; None for other principals."""
    if _ACCOUNT.fullmatch(principal):
        return principal
    arn = Arn.of(principal)
    is_root = arn is not None and arn.service == "iam" and arn.resource == "root"
    return arn.account if arn and is_root else None


def _names(principal: Principal, identity: str) -> bool:
    if principal.is_everyone or principal.value == identity:
        return True
    account = _account_of(principal.value)
    return account is not None and account == _account_of(identity)


def caller_of(
    principal: str, *, action: str, role: str = "", federated_by: str = "", account: str = ""
) -> Caller:
    """The caller that a request names; InputError for a text that names no caller."""
    by_web = action.lower() == "sts:assumerolewithwebidentity"
    if principal == "*":
        return Caller(kind=CallerKind.ANONYMOUS, arn="*")
    if by_web and _is_built_in(principal):
        return Caller(kind=CallerKind.IDENTITY, arn=principal)
    if _SERVICE.fullmatch(principal):
        return Caller(kind=CallerKind.SERVICE, arn=principal)
    arn = Arn.of(principal)
    if arn is None or arn.service not in {"iam", "sts"} or not _ACCOUNT.fullmatch(arn.account):
        raise _unknown_caller(principal)
    found = _caller_of_arn(arn, principal, role, federated_by)
    if account and account != found.account and found.kind is not CallerKind.IDENTITY:
        raise InputError(
            f"`principal_account` is {quoted(account)}, but {quoted(principal)} belongs to another account",
            hint="leave out `principal_account`: the ARN names the account",
        )
    return found


def _caller_of_arn(arn: Arn, text: str, role: str, federated_by: str) -> Caller:
    first, _, rest = arn.resource.partition("/")
    caller = partial(Caller, arn=text, partition=arn.partition, account=arn.account)
    match arn.service, first:
        case "iam", "root":
            return caller(kind=CallerKind.ROOT)
        case "iam", "user" if rest:
            return caller(kind=CallerKind.USER)
        case "iam", "role" if rest:
            return caller(kind=CallerKind.SESSION, role=text)
        case "sts", "assumed-role" if "/" in rest:
            name = rest.partition("/")[0]
            # All roles of IAM Identity Center have this path; some have a Region after it.
            path = _OF_IDENTITY_CENTER if name.startswith("AWSReservedSSO_") else ""
            assumed = role or f"arn:{arn.partition}:iam::{arn.account}:role/{path}{name}"
            if not assumed.endswith(f"/{name}"):
                raise InputError(
                    f"`principal_role` {quoted(role)} is not the role of the session {quoted(text)}"
                )
            return caller(kind=CallerKind.SESSION, role=assumed, path_is_known=bool(role))
        case "sts", "federated-user" if rest:
            return caller(kind=CallerKind.FEDERATED, federated_by=federated_by)
        case "iam", "oidc-provider" | "saml-provider" if rest:
            return caller(kind=CallerKind.IDENTITY)
        case _:
            raise _unknown_caller(text)


def _is_built_in(principal: str) -> bool:
    return any(issuer.built_in and issuer.pattern.fullmatch(principal) for issuer in issuers())


def _unknown_caller(text: str) -> InputError:
    return InputError(
        f"`principal` {quoted(text)} does not name a caller",
        hint="give the ARN of a user, role, role session (assumed-role/ROLE/SESSION), federated user, root or identity"
        " provider, a service such as `lambda.amazonaws.com`, or `*` for anyone: unsigned requests where the service takes them",
    )
