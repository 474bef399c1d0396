"""Account Management: who is told when something happens to the account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.collector import collector
from aws_iam.account.facts.identity import (
    CONTACT,
    SECURITY_CONTACT,
    AccountContact,
    AlternateContact,
)

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws

_SHOWN = 4


@collector(CONTACT, "account:GetContactInformation")
def contact(aws: Aws) -> AccountContact:
    """The main contact, enough of it for its owner to recognise."""
    found = aws.need("account:GetContactInformation")["ContactInformation"]
    return AccountContact(
        full_name=found.get("FullName", ""),
        company=found.get("CompanyName", ""),
        country=found.get("CountryCode", ""),
        phone_end=_end(found.get("PhoneNumber", "")),
        address_end=_end(found.get("AddressLine1", "")),
    )


@collector(SECURITY_CONTACT, "account:GetAlternateContact")
def security_contact(aws: Aws) -> AlternateContact | None:
    """The alternate contact for security; None when there is none."""
    answer = aws.get(
        "account:GetAlternateContact",
        absent=("ResourceNotFoundException",),
        AlternateContactType="SECURITY",
    )
    if answer is None:
        return None
    found = answer["AlternateContact"]
    return AlternateContact(
        name=found.get("Name", ""),
        has_email=bool(found.get("EmailAddress", "").strip()),
        has_phone=bool(found.get("PhoneNumber", "").strip()),
    )


def _end(text: str) -> str:
    """The last characters, never more than half of them."""
    text = text.strip()
    shown = min(_SHOWN, (len(text) + 1) // 2)
    return text[len(text) - shown :]
