"""Access keys and console passwords of other users, by the state that the credential report gives.

A user has at most two access keys and one password: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_iam.account.collect.fact import Miss
from aws_iam.account.collect.identity.credential_report import CREDENTIAL_REPORT
from aws_iam.tools.audit.paths.powers import Call, Power, decided_by, prerequisite

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.account.collect.identity.credential_report import CredentialReportRow
    from aws_iam.tools.audit.access.estate import Estate
    from aws_iam.tools.audit.paths.actor import Actor
    from aws_iam.tools.audit.paths.entities import Entities

CREATE_KEY, DELETE_KEY = "iam:CreateAccessKey", "iam:DeleteAccessKey"
CREATE_LOGIN, UPDATE_LOGIN = "iam:CreateLoginProfile", "iam:UpdateLoginProfile"
DELETE_LOGIN = "iam:DeleteLoginProfile"
_MOST_KEYS = 2


@dataclass(slots=True)
class Credentials:
    """What is known of the users' credentials, as sets; who is in neither of two opposite sets is not known."""

    fewer_keys: int = 0
    all_keys: int = 0
    password: int = 0
    no_password: int = 0
    no_mfa: int = 0

    @classmethod
    def of(cls, estate: Estate, entities: Entities) -> Credentials:
        """Those of all users in the credential reports."""
        found = cls()
        for member in estate.members.values():
            report = member.account.get(CREDENTIAL_REPORT)
            for row in () if isinstance(report, Miss) else report.users:
                number = entities.number.get(row.arn)
                if number is not None:
                    found.add(1 << number, row)
        return found

    def add(self, bit: int, row: CredentialReportRow) -> None:
        """Note a user's row."""
        # A key that was never made has no date.
        keys = sum(key.active or key.last_rotated is not None for key in row.keys)
        if keys >= _MOST_KEYS:
            self.all_keys |= bit
        elif row.keys:
            self.fewer_keys |= bit
        if row.password_enabled is not None:
            if row.password_enabled:
                self.password |= bit
            else:
                self.no_password |= bit
        if row.mfa_active is False:
            self.no_mfa |= bit


def credentials_of_others(actor: Actor, known: Credentials) -> Iterator[Power]:
    """The users whose credentials the principal may make or change."""
    users = actor.entities.users & actor.own_account
    if actor.is_personal:
        # Its own credentials give it nothing.
        users &= ~(1 << actor.number)
    for action, able, unable, assumed in (
        (
            CREATE_KEY,
            known.fewer_keys,
            known.all_keys,
            prerequisite("iam-create-access-key", "fewer than two"),
        ),
        (
            CREATE_LOGIN,
            known.no_password,
            known.password,
            prerequisite("iam-create-login-profile", "no login profile"),
        ),
    ):
        if actor.takes(action):
            candidates = users & actor.granted(action)
            yield from _powers(actor, action, candidates & able)
            yield from _powers(actor, action, candidates & ~able & ~unable, (assumed,))
    mfa = prerequisite("iam-update-login-profile", "MFA")
    for action, deleting, held in (
        (CREATE_KEY, DELETE_KEY, known.all_keys),
        (CREATE_LOGIN, DELETE_LOGIN, known.password),
    ):
        if not actor.takes(action, deleting):
            continue
        candidates = users & actor.granted(action) & held
        # A key is used without MFA; a new password leaves the devices as they are.
        freely = candidates if action == CREATE_KEY else candidates & known.no_mfa
        yield from _replaced(actor, action, deleting, freely)
        yield from _replaced(actor, action, deleting, candidates & ~freely, (mfa,))
    if actor.takes(UPDATE_LOGIN):
        candidates = users & actor.granted(UPDATE_LOGIN)
        profile = prerequisite("iam-update-login-profile", "a login profile")
        unread = ~known.password & ~known.no_password
        for candidate, assuming in ((known.password, ()), (unread, (profile,))):
            of_them = candidates & candidate
            yield from _powers(actor, UPDATE_LOGIN, of_them & known.no_mfa, assuming)
            yield from _powers(actor, UPDATE_LOGIN, of_them & ~known.no_mfa, (*assuming, mfa))


def _powers(
    actor: Actor, action: str, candidates: int, assuming: tuple[str, ...] = ()
) -> Iterator[Power]:
    for targets, access in actor.allowed(action, candidates):
        call = Call(action=action)
        power = Power(gain="principal", targets=targets, calls=(call,), assuming=assuming)
        yield decided_by(power, access)


def _replaced(
    actor: Actor, action: str, deletion: str, candidates: int, assuming: tuple[str, ...] = ()
) -> Iterator[Power]:
    """The users who have all that they may have, of which the principal may delete one and make another."""
    for targets, creating in actor.allowed(action, candidates):
        for both, deleting in actor.allowed(deletion, targets):
            calls = (Call(action=deletion), Call(action=action))
            power = Power(gain="principal", targets=both, calls=calls, assuming=assuming)
            yield decided_by(power, creating, deleting)
