"""Who controls a key: the account statement, administrators that exist, and administration kept apart from use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.key_policies.administrators import administrators
from aws_iam.engine.key_policies.request_keys import never_met
from aws_iam.engine.key_policies.statements import (
    PUT_KEY_POLICY,
    account_meant_whole,
    covers_action,
    is_unique_id,
    statements_for_account,
)
from aws_iam.engine.language.document import dump
from aws_iam.engine.language.pattern import matches
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import allow_to
from aws_iam.rules.outcomes import Fail
from aws_iam.tools.kms.checks import subject as key
from aws_iam.tools.kms.checks.subject import (
    DEFAULT_POLICY,
    FACTS,
    GUIDE,
    MANAGES,
    OTHER,
    OWN,
    ROOT,
    USES,
    KeyPolicy,
    arn,
    key_policy,
)
from aws_iam.tools.kms.reasoning.key_access import MOST_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.key_policies.administrators import Administrator
    from aws_iam.rules.outcomes import Outcome

_SPARE_ADMIN = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "kms:PutKeyPolicy",
    "Resource": "*",
    "Condition": {"ArnNotEquals": {"aws:PrincipalArn": f"arn:aws:iam::{OWN}:role/KeyAdmin"}},
}
_GONE = {"AWS": "AROAEXAMPLEEXAMPLE123"}
_ADMIN = allow_to(arn("role/KeyAdmin"), ["kms:PutKeyPolicy", "kms:GetKeyPolicy"])
# What takes the key over or makes it useless; grants have a check of their own.
_CONTROLS = ("kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:DisableKey")
_NEARLY_FULL = MOST_BYTES * 9 // 10


@check(
    "KMS-NO-ROOT",
    on=KeyPolicy,
    needs=FACTS,
    severity=Severity.MEDIUM,
    title="IAM policies of the account have no effect on the key",
    fix='Add {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::ACCOUNT_ID:root"}, "Action": "kms:*", "Resource": "*"}, or document why it is missing.',
    source=DEFAULT_POLICY,
    bad=[key_policy(_ADMIN), key_policy(allow_to(arn("root", OTHER), "kms:Decrypt"), _ADMIN)],
    good=[key_policy(ROOT), key_policy(allow_to({"AWS": OWN}, "kms:*"))],
)
def without_account(at: KeyPolicy) -> Iterator[Outcome]:
    """Without the account statement only the principals that the policy names can administer the key; once they are deleted, nobody can.

    False alarm when the key is deliberately closed to IAM policies: document who can recover it.
    """
    if not at.is_default:
        return
    accounts = {
        account_meant_whole(p) for statement in at.allows for p in statement.principals
    } - {""}
    if accounts and not at.account:
        yield key.ownerless()
        return
    open_to_all = any(
        p.is_everyone and covers_action(statement, PUT_KEY_POLICY)
        for statement in at.allows
        for p in statement.principals
    )
    if not open_to_all and not any(statements_for_account(at.policy, at.account, at.key)):
        yield Fail(at.policy.node.where, "no statement allows the key's own account any action")


@check(
    "KMS-LOCKOUT",
    on=KeyPolicy,
    needs=FACTS,
    severity=Severity.CRITICAL,
    title="Nobody can administer the key",
    fix="Add the account statement, or name an administrator that exists; only AWS Support can recover a key that already has this policy.",
    source=DEFAULT_POLICY,
    bad=[
        key_policy(allow_to(_GONE, "kms:*")),
        key_policy(allow_to(arn("role/App"), "kms:Decrypt")),
        key_policy(_ADMIN, principals=frozenset({f"arn:aws:iam::{OWN}:role/App"})),
        key_policy(allow_to(arn("root", OTHER), "kms:*")),
        key_policy(ROOT, _SPARE_ADMIN, principals=frozenset({f"arn:aws:iam::{OWN}:role/App"})),
    ],
    good=[
        key_policy(ROOT),
        key_policy(
            ROOT, _SPARE_ADMIN, principals=frozenset({f"arn:aws:iam::{OWN}:role/KeyAdmin"})
        ),
        key_policy(_ADMIN),
        key_policy(_ADMIN, principals=frozenset({f"arn:aws:iam::{OWN}:role/KeyAdmin"})),
    ],
)
def locked_out(at: KeyPolicy) -> Iterator[Fail]:
    """Nobody can change or delete a key that nobody can administer; only AWS Support can recover it.

    False alarm when the administrator was created after the snapshot was taken.
    """
    if not at.is_default:
        return
    checked = []
    for administrator in administrators(at.policy, at.account, at.key):
        checked.append(administrator)
        # One is enough, and most policies name one first.
        if _is_there(administrator, at):
            return
    message = "; ".join(
        f"{quoted(gone.principal)}: {gone.note or 'does not exist'}" for gone in checked[:3]
    )
    why = f" ({message})" if message else ""
    yield Fail(at.policy.node.where, f"nobody may call kms:PutKeyPolicy{why}")


def _is_there(found: Administrator, at: KeyPolicy) -> bool:
    """Whether the administrator exists, as far as the account was read."""
    if found.how == "nobody":
        return False
    if at.principals is None:
        return True
    if "*" in found.principal or "?" in found.principal:
        return any(matches(found.principal, principal) for principal in at.principals)
    if ":assumed-role/" in found.principal:
        role = found.principal.split("/")[1]
        return any(
            principal.endswith(f"/{role}") and ":role/" in principal for principal in at.principals
        )
    named = ":role/" in found.principal or ":user/" in found.principal
    return not named or found.principal in at.principals


@check(
    "KMS-ORPHAN-PRINCIPAL",
    on=KeyPolicy,
    needs=FACTS,
    severity=Severity.MEDIUM,
    title="The policy names a role or user that was deleted",
    fix="Remove the id: a new role with the same name has another id and gets no access by it.",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids",
    bad=[key_policy(ROOT, allow_to(_GONE, "kms:Decrypt"))],
    good=[key_policy(ROOT, allow_to(arn("role/App"), "kms:Decrypt"))],
)
def orphans(at: KeyPolicy) -> Iterator[Fail]:
    """AWS shows the unique id of a deleted role or user. PutKeyPolicy takes only principals that exist, so the policy cannot be saved again as it is.

    No false alarms: a role that is created again under the same name has another id.
    """
    for statement in at.policy.statements:
        for principal in (*statement.principals, *statement.not_principals):
            if is_unique_id(principal):
                yield Fail(
                    principal.name.where,
                    f"{quoted(principal.value)} is the id of a role or user that was deleted",
                )


@check(
    "KMS-STAR-NONROOT",
    on=KeyPolicy,
    needs=FACTS,
    severity=Severity.HIGH,
    title="A principal may do everything with the key",
    fix="Split it: administration for one role, kms:Decrypt and kms:GenerateDataKey for another.",
    source=f"{GUIDE}/key-policy-default.html#key-policy-default-allow-administrators",
    bad=[key_policy(ROOT, allow_to(arn("role/App"), "kms:*"))],
    good=[
        key_policy(ROOT),
        key_policy(ROOT, {**allow_to(arn("role/App"), "kms:*"), "Effect": "Deny"}),
    ],
)
def everything(at: KeyPolicy) -> Iterator[Fail]:
    """This principal can read the data, delete the key and let others in.

    The account's own statement does not count: it only delegates to IAM. False alarm for a
    break-glass role that is meant to do everything.
    """
    for statement in at.allows:
        if not key.is_everything(statement):
            continue
        for principal in statement.principals:
            own = account_meant_whole(principal) and account_meant_whole(principal) == (
                at.account or account_meant_whole(principal)
            )
            if principal.type == "AWS" and not own and not principal.is_everyone:
                yield Fail(
                    principal.name.where,
                    f"{quoted(principal.value)} may call every action of KMS on the key",
                )


_ORGANIZATION = {"StringEquals": {"aws:PrincipalOrgID": "o-exampleorg"}}
_ACCOUNT = {"StringEquals": {"kms:CallerAccount": OWN}}


@check(
    "KMS-EVERYONE-ADMINISTERS",
    on=KeyPolicy,
    needs=FACTS,
    severity=Severity.HIGH,
    title="Everyone in the account or organization may administer the key",
    fix="Name the administrators as principals; leave kms:Decrypt and the like to the statement with the condition.",
    source=f"{GUIDE}/determining-access-key-policy.html",
    bad=[
        key_policy(ROOT, allow_to("*", "kms:*", condition=_ORGANIZATION)),
        key_policy(ROOT, allow_to("*", ["kms:Decrypt", "kms:PutKeyPolicy"], condition=_ACCOUNT)),
    ],
    good=[
        key_policy(
            ROOT, allow_to("*", ["kms:Decrypt", "kms:DescribeKey"], condition=_ORGANIZATION)
        ),
        key_policy(
            ROOT,
            allow_to(
                "*",
                "kms:PutKeyPolicy",
                condition={"ArnEquals": {"aws:PrincipalArn": arn("role/KeyAdmin")["AWS"]}},
            ),
        ),
    ],
)
def administered_by_everyone(at: KeyPolicy) -> Iterator[Fail]:
    """With `*` as its principal the statement allows every identity that meets the condition, whatever its IAM policies say.

    A condition on the organization or the account keeps strangers out; any identity of the key's own account can then take
    over the key or delete it. With a tag it is whoever may set the tag, and a false alarm where few may.
    """
    for statement in at.allows:
        everyone = next((p for p in statement.principals if p.is_everyone), None)
        if everyone is None or not key.is_for_all_within(statement):
            continue
        managed = [
            action
            for action in _CONTROLS
            if covers_action(statement, action) and not key.is_kept_for_few(at, action)
        ]
        if not managed or never_met(statement):
            continue
        more = f" and {managed[1]}" if len(managed) > 1 else ""
        tags = key.tags_demanded(statement)
        tagged = (
            f"; whoever may set the tag of {quoted(tags)} (iam:TagRole, sts:TagSession) is one"
            if tags
            else ""
        )
        yield Fail(
            everyone.name.where,
            f"`*` gives {managed[0]}{more} to every identity that the condition lets in{tagged}",
            severity=Severity.MEDIUM if tags else None,
            low_confidence=bool(tags),
        )


@check(
    "KMS-ADMIN-USES",
    on=KeyPolicy,
    needs=FACTS,
    severity=Severity.MEDIUM,
    title="A principal both administers and uses the key",
    fix="Give administration to one role and use to another.",
    source=f"{GUIDE}/key-policy-default.html#key-policy-default-allow-administrators",
    bad=[
        key_policy(ROOT, allow_to(arn("role/Ops"), ["kms:PutKeyPolicy", "kms:Decrypt"])),
        key_policy(ROOT, _ADMIN, allow_to(arn("role/KeyAdmin"), "kms:Decrypt")),
        key_policy(ROOT, _ADMIN, allow_to(arn("role/KeyAdmin"), "kms:Decapsulate")),
    ],
    good=[key_policy(ROOT, _ADMIN, allow_to(arn("role/App"), "kms:Decrypt")), key_policy(ROOT)],
)
def administers_and_uses(at: KeyPolicy) -> Iterator[Fail]:
    """Separation of duties: whoever can change the key policy should not be able to read what the key protects.

    False alarm when one small team does both.
    """
    manages: dict[str, str] = {}
    uses: dict[str, tuple[str, object]] = {}
    for statement in at.allows:
        if key.is_everything(statement):
            continue
        for principal in statement.principals:
            if principal.type != "AWS" or account_meant_whole(principal) or principal.is_everyone:
                continue
            if found := key.takes_any(statement, MANAGES):
                manages.setdefault(principal.value, found)
            if found := key.takes_any(statement, USES):
                uses.setdefault(principal.value, (found, principal))
    for name, managed in manages.items():
        if name in uses:
            used, _ = uses[name]
            where = next(
                p.name.where
                for s in at.allows
                if key.takes_any(s, USES) and not key.is_everything(s)
                for p in s.principals
                if p.value == name
            )
            yield Fail(where, f"{quoted(name)} may call {managed} and {used}")


@check(
    "KMS-POL-SIZE",
    on=KeyPolicy,
    needs=FACTS,
    severity=Severity.LOW,
    title="The policy is nearly too long, or has characters that KMS does not accept",
    fix="Name fewer principals: use grants, one role for many, or IAM policies; write only printable Latin-1.",
    source=f"{GUIDE}/key-policy-overview.html",
    bad=[
        key_policy(
            ROOT,
            *(allow_to(arn(f"role/{'long-name' * 6}-{n}"), "kms:Decrypt") for n in range(180)),
        ),
        key_policy(ROOT, {**allow_to(arn("role/App"), "kms:Decrypt"), "Sid": "\u6771\u4eac"}),
    ],
    good=[
        key_policy(ROOT),
        key_policy(ROOT, {**allow_to(arn("role/App"), "kms:Decrypt"), "Sid": "Schl\u00fcssel"}),
    ],
)
def too_long(at: KeyPolicy) -> Iterator[Fail]:
    """KMS refuses policies over 32,768 bytes and characters outside Latin-1; the next principal that you add may be one too many.

    No false alarms about the size.
    """
    text = at.policy.text or dump(at.policy)
    size = len(text.encode(errors="surrogatepass"))
    if size > _NEARLY_FULL:
        yield Fail(at.policy.node.where, f"it has {size:,} of {MOST_BYTES:,} bytes")
    strange = next((character for character in text if ord(character) > 0xFF), "")  # noqa: PLR2004 - Latin-1
    if strange:
        yield Fail(at.policy.node.where, f"{quoted(strange)} is outside Latin-1")
