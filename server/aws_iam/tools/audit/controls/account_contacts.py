"""CIS controls on the account's contacts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.identity.account_contacts import CONTACT, SECURITY_CONTACT
from aws_iam.escape import quoted
from aws_iam.rules.outcomes import Fail, Manual, Outcome, Pass
from aws_iam.tools.audit.controls.control import ControlTerms, control

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.account.reading.snapshot import Account


@control("account_contact_current", needs=(CONTACT,))
def main_contact(account: Account, terms: ControlTerms) -> Iterator[Outcome]:
    """Every account has a contact, so its presence proves nothing: a person has to confirm that it is current."""
    contact = account.require(CONTACT)
    values = {
        "full name": contact.full_name,
        "telephone number": contact.phone_end,
        "address": contact.address_end,
    }
    empty = [name for name, value in values.items() if not value.strip()]
    if empty:
        yield Fail(account.root_arn, f"the main contact has no {' and no '.join(empty)}")
        return
    company = f", {quoted(contact.company)}" if contact.company else ""
    message = (
        f"the main contact is {quoted(contact.full_name)}{company}, country"
        f" {quoted(contact.country)}, telephone ending in {quoted(contact.phone_end)}, address"
        f" ending in {quoted(contact.address_end)}"
    )
    yield Manual(account.root_arn, terms.question(message))


@control("account_security_contact", needs=(SECURITY_CONTACT,))
def security_contact(account: Account, _terms: ControlTerms) -> Iterator[Outcome]:
    """AWS answers `ResourceNotFoundException` if no security contact is registered.

    False alarm when another contact of the account receives security mail.
    """
    contact = account.require(SECURITY_CONTACT)
    if contact is None:
        yield Fail(account.root_arn, "no security contact is registered")
        return
    values = {
        "name": bool(contact.name.strip()),
        "e-mail address": contact.has_email,
        "telephone number": contact.has_phone,
    }
    empty = [name for name, present in values.items() if not present]
    if empty:
        yield Fail(account.root_arn, f"the security contact has no {' and no '.join(empty)}")
    else:
        yield Pass(
            account.root_arn,
            f"the security contact is {quoted(contact.name)}; confirm that a team reads its mail",
        )
