"""What the checks of key policies judge: a policy with what is known about its key, and questions that several checks ask."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.identity.authorization import AUTHORIZATION
from aws_iam.account.collect.kms.other_policies import OTHER_POLICIES
from aws_iam.account.collect.sharing.resource_policies import KEY_POLICIES
from aws_iam.engine.effective.caller_conditions import is_closed_to_strangers, never_holds
from aws_iam.engine.key_policies.statements import account_of_principal, covers_action, has_effect
from aws_iam.engine.language.document import Kind
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.sources.gather import one_policy
from aws_iam.frozen import slotted
from aws_iam.rules.examples import allow_to, policy_with
from aws_iam.rules.outcomes import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.language.document import Condition, Policy, Principal, Statement

FACTS = (KEY_POLICIES, OTHER_POLICIES, AUTHORIZATION)
"""What the checks of key policies need of an account."""
GUIDE = "https://docs.aws.amazon.com/kms/latest/developerguide"
CONDITIONS = f"{GUIDE}/conditions-kms.html"
DEFAULT_POLICY = f"{GUIDE}/key-policy-default.html"
PUT = "https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html"
SHARED = "AWS_RAM"
"""The name of the second policy of a key that is shared through AWS RAM."""

USES = (
    "kms:Decrypt",
    "kms:GenerateDataKey",
    "kms:Sign",
    "kms:GenerateMac",
    "kms:DeriveSharedSecret",
    "kms:Decapsulate",
)
MANAGES = ("kms:PutKeyPolicy", "kms:ScheduleKeyDeletion")
VIA = "kms:viaservice"
CONTEXT = "kms:encryptioncontext"
_CONTEXT_KEY = "kms:EncryptionContext:${EncryptionContextKey}"


@slotted
class KeyPolicy:
    """One policy of one key. Empty or None means not known: a document alone says nothing about its key.

    `account` owns the key; `principals` are the roles and users that exist there; `trusted` are accounts that may use it.
    `users` are declared to use the key: directly, or with `only_via` through services alone.
    """

    policy: Policy
    account: str = ""
    key: str = ""
    name: str = "default"
    principals: frozenset[str] | None = None
    trusted: frozenset[str] = frozenset()
    users: tuple[str, ...] = ()
    only_via: bool = False
    derived: dict[str, Any] = field(init=False, default_factory=dict, compare=False, repr=False)

    @property
    def is_default(self) -> bool:
        """Whether it is the policy that the key's owner writes."""
        return self.name != SHARED

    @property
    def allows(self) -> tuple[Statement, ...]:
        """The Allow statements that have an effect."""
        if "allows" not in self.derived:
            self.derived["allows"] = tuple(
                statement
                for statement in self.policy.statements
                if statement.allows and has_effect(statement, self.key)
            )
        found: tuple[Statement, ...] = self.derived["allows"]
        return found


def key_policy(*statements: dict[str, Any], **more: Any) -> KeyPolicy:
    """A key policy of these statements, for examples."""
    content = one_policy(policy_with(*statements), Kind.RESOURCE)
    return KeyPolicy(policy=content, **{"account": OWN, **more})


OWN = "111122223333"
OTHER = "444455556666"


def arn(name: str, account: str = OWN) -> dict[str, str]:
    """A principal by its name, for examples: `role/App`, `root`."""
    return {"AWS": f"arn:aws:iam::{account}:{name}"}


ROOT = allow_to(arn("root"), "kms:*")


def ownerless() -> Unknown:
    """The outcome of a check that needs the key's account and does not know it."""
    return Unknown(
        None,
        "could not be judged: neither the policy nor the arguments say which account owns the key",
        reason="give `account`, the id of the key's account",
    )


def strangers(at: KeyPolicy, statement: Statement) -> Iterator[Principal]:
    """The principals of accounts that are neither the key's own nor trusted."""
    for principal in statement.principals:
        owner = account_of_principal(principal)
        if owner and owner != at.account and owner not in at.trusted:
            yield principal


# They say where a caller belongs or comes from, and leave open which identity it is.
_WITHIN = frozenset(
    {
        "aws:principalaccount",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:principaltype",
        "aws:resourceaccount",
        "aws:resourceorgid",
        "aws:securetransport",
        "aws:sourceip",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:vpcsourceip",
        "aws:requestedregion",
        "kms:calleraccount",
    }
)
_TAG = "aws:principaltag/"


def is_for_all_within(statement: Statement) -> bool:
    """Whether an Allow to everyone lets in every identity of an account or organization, or all of them with a tag."""
    demanded = [condition for condition in statement.conditions if condition.demanded]
    if not is_closed_to_strangers(statement) or any(map(never_holds, statement.conditions)):
        return False
    return all(
        condition.name in _WITHIN
        or condition.name.startswith(_TAG)
        or _is_whole_account(condition)
        for condition in demanded
    )


def tags_demanded(statement: Statement) -> str:
    """The first tag of the caller that the statement requires; empty: none."""
    return next(
        (c.key.value for c in statement.conditions if c.demanded and c.name.startswith(_TAG)), ""
    )


def is_kept_for_few(at: KeyPolicy, action: str) -> bool:
    """Whether a Deny leaves the action to callers that it names, or to nobody."""
    return any(
        statement.denies
        and has_effect(statement, at.key)
        and covers_action(statement, action)
        and (any(p.is_everyone for p in statement.principals) or statement.not_principals)
        and all(
            condition.negated
            and condition.name == "aws:principalarn"
            and not _is_whole_account(condition)
            for condition in statement.conditions
        )
        for statement in at.policy.statements
    )


def _is_whole_account(condition: Condition) -> bool:
    """Whether the ARNs of the condition stand for every role or user of an account."""
    return condition.name == "aws:principalarn" and any(
        value.value.rpartition(":")[2] in {"*", "role/*", "user/*", "root"}
        for value in condition.values
    )


def is_everything(statement: Statement) -> bool:
    """Whether the statement lists every action of KMS at once."""
    return any(action.value.lower() in {"kms:*", "*"} for action in statement.actions)


def takes_any(statement: Statement, actions: tuple[str, ...]) -> str:
    """The first of the actions that the statement covers; empty: none."""
    return next((action for action in actions if covers_action(statement, action)), "")


def is_under(statement: Statement, start: str) -> bool:
    """Whether the statement requires a condition key that starts so, in lower case."""
    return any(
        condition.name.startswith(start) and (condition.demanded or _is_present(condition))
        for condition in statement.conditions
    )


def _is_present(condition: Condition) -> bool:
    return condition.base == "Null" and [v.value.lower() for v in condition.values] == ["false"]


def names(statement: Statement, user: str) -> bool:
    """Whether the statement names the user or role itself."""
    return any(
        principal.type == "AWS" and principal.value == user for principal in statement.principals
    )


def with_context() -> frozenset[str]:
    """The actions that carry an encryption context, in lower case."""
    known = catalog().service("kms")
    return frozenset(
        f"kms:{action.name}".lower()
        for action in (known.actions.values() if known else ())
        if _CONTEXT_KEY in action.condition_keys
    )


def place_of(statement: Statement) -> str:
    """The statement by its Sid, else by its place, for messages."""
    return f"statement `{statement.sid.value}`" if statement.sid else statement.place().pointer
