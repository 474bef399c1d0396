"""What paths lead to: administrator access, a user, role or group, or whoever can act on a resource.

goal_named(book, estate, "arn:aws:s3:::books", ("s3:GetObject",))   →   Goal, and what it is in words
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.language.arn import Arn
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.tools.audit.access.who_can import verdict_of_each
from aws_iam.tools.audit.paths.changes import Change, State
from aws_iam.tools.audit.paths.entities import bits, mask_of
from aws_iam.tools.audit.paths.hop import ADMIN
from aws_iam.tools.audit.paths.names import identity_named
from aws_iam.tools.audit.paths.policy_writes import PolicyWrites
from aws_iam.tools.audit.paths.search import Goal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_iam.tools.audit.access.estate import Estate
    from aws_iam.tools.audit.paths.book import PowerBook

_IDENTITIES = ("user/", "role/", "group/")
# What reading such a resource is, where the question does not say which actions it means.
_READING = {
    "s3": "s3:GetObject",
    "secretsmanager": "secretsmanager:GetSecretValue",
    "kms": "kms:Decrypt",
    "ssm": "ssm:GetParameter",
    "dynamodb": "dynamodb:GetItem",
    "sqs": "sqs:ReceiveMessage",
    "lambda": "lambda:GetFunction",
    "ecr": "ecr:BatchGetImage",
    "kinesis": "kinesis:GetRecords",
    "logs": "logs:GetLogEvents",
}


@slotted
class NamedGoal:
    """A goal as the question names it; `actions` are what a resource is reached for."""

    goal: Goal
    to: str
    words: str
    actions: tuple[str, ...] = ()
    understood: str = ""

    @property
    def is_admin(self) -> bool:
        """Whether it is administrator access."""
        return self.to == ADMIN


def goal_named(book: PowerBook, estate: Estate, to: str, who_can: Sequence[str]) -> NamedGoal:
    """The goal that `to` names; InputError where it names none."""
    arn = Arn.of(to)
    is_identity = arn is not None and (
        (arn.service == "iam" and arn.resource.startswith(_IDENTITIES)) or arn.service == "sts"
    )
    is_resource = arn is not None and not is_identity
    if who_can and not is_resource:
        raise InputError(
            "`who_can` goes with `to` only where `to` is a resource",
            hint="leave `who_can` out, or name the resource with `on`",
        )
    if arn is not None and is_resource:
        return _of_resource(book, estate, arn, who_can)
    if to.lower() in {ADMIN, "administrator", "admins", "administrators", "administratoraccess"}:
        return NamedGoal(goal=admin_goal(book), to=ADMIN, words="administrator access")
    return _of_identity(book, identity_named(book.entities, to, "to", groups=True))


def admin_goal(book: PowerBook) -> Goal:
    """Being an administrator of any account."""
    certain, perhaps = book.known_administrators
    return Goal(
        principals=certain | book.entities.created,
        perhaps=perhaps,
        changed=book.is_administrator,
    )


def _of_identity(book: PowerBook, number: int) -> NamedGoal:
    """Acting as a user or role, or as a member of a group: administrators of its account can."""
    entities = book.entities
    arn, account = entities.arns[number], entities.account_of(number)
    here = entities.in_account[account]
    here |= mask_of(own for own in entities.role_of if entities.account_of(own) == account)
    is_group = bool(entities.groups >> number & 1)
    wanted = entities.members_of(1 << number) if is_group else 1 << number
    # Who has a session of the role acts as the role, within the session policy.
    wanted |= entities.sessions_of.get(number, 0)
    certain, perhaps = (own & here for own in book.known_administrators)
    created = sum(
        1 << own for own in bits(entities.created) if entities.account_of(own) == account
    )
    join = Change(gain="group", target=number)

    def changed(own: int, state: State) -> bool | None:
        if is_group and join in state:
            return True
        return book.is_administrator(own, state) if here >> own & 1 else False

    goal = Goal(
        principals=wanted | certain | created,
        perhaps=perhaps & ~wanted,
        changed=changed,
        ends=frozenset((account,)),
    )
    words = f"{'a member of ' if is_group else ''}{quoted(arn)}"
    return NamedGoal(goal=goal, to=arn, words=words)


def _of_resource(book: PowerBook, estate: Estate, arn: Arn, who_can: Sequence[str]) -> NamedGoal:
    """Being somebody who can act on a resource."""
    to = str(arn)
    asked = list(who_can) or [own for own in (_READING.get(arn.service),) if own]
    if not asked:
        raise InputError(
            f"what is done with {quoted(to)} is not clear",
            hint="name the actions with `who_can`, such as those that read it",
        )
    actions, verdict = verdict_of_each(estate, asked, to, book.tags)
    entities = book.entities
    certain = perhaps = 0
    for number in bits(entities.users | entities.roles | entities.sessions):
        found = verdict(entities.principals[number])
        certain |= int(found == "can") << number
        perhaps |= int(found == "unknown") << number
    owner = estate.owner_of(to)

    writes = PolicyWrites.of(estate, arn, asked, book.tags)

    def changed(own: int, state: State) -> bool | None:
        is_let_in = any(change.gain == "resource" and change.target == own for change in state)
        judge = writes.afterwards if writes and is_let_in else verdict
        found = judge(book.changes.of_principal(own, state))
        return None if found == "unknown" else found == "can"

    goal = Goal(
        principals=certain,
        perhaps=perhaps,
        changed=changed,
        is_knowable=owner is not None or bool(certain),
        ends=frozenset((owner.account.id,)) if owner else frozenset(),
        powers=writes.powers if writes else None,
        able=mask_of(
            number
            for number in bits(entities.users | entities.roles | entities.sessions)
            if writes and any(True for _ in writes.powers(book.actor(number)))
        ),
    )
    understood = "" if who_can else f"reading it: {quoted(actions[0])}"
    named = " or ".join(quoted(own) for own in actions[:3])
    return NamedGoal(
        goal=goal,
        to=to,
        words=f"somebody who can perform {named} on {quoted(to)}",
        actions=actions,
        understood=understood,
    )
