"""The account's main contact and its contact for security."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.collector import collector
from aws_iam.account.collect.fact import maybe, one
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@slotted
class AccountContact:
    """The account's main contact; phone and address are cut to their last characters on purpose."""

    full_name: str = ""
    company: str = ""
    country: str = ""
    phone_end: str = ""
    address_end: str = ""


@slotted
class AlternateContact:
    """An alternate contact: its name, and whether email and phone are filled in."""

    name: str = ""
    has_email: bool = False
    has_phone: bool = False


CONTACT = one("account.contact", AccountContact)
SECURITY_CONTACT = maybe("account.security_contact", AlternateContact)
_SHOWN = 4


@collector(CONTACT, "account:GetContactInformation")
def contact(aws: Aws) -> AccountContact:
    """The main contact, just enough of it for its owner to recognise."""
    main_contact = aws.need("account:GetContactInformation")["ContactInformation"]
    return AccountContact(
        full_name=main_contact.get("FullName", ""),
        company=main_contact.get("CompanyName", ""),
        country=main_contact.get("CountryCode", ""),
        phone_end=_end(main_contact.get("PhoneNumber", "")),
        address_end=_end(main_contact.get("AddressLine1", "")),
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
    contact = answer["AlternateContact"]
    return AlternateContact(
        name=contact.get("Name", ""),
        has_email=bool(contact.get("EmailAddress", "").strip()),
        has_phone=bool(contact.get("PhoneNumber", "").strip()),
    )


def _end(text: str) -> str:
    """The last characters, never more than half of them."""
    text = text.strip()
    shown = min(_SHOWN, (len(text) + 1) // 2)
    return text[len(text) - shown :]
