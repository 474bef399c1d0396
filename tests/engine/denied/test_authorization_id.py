"""The authorization ID in a denial, in the shapes in which people paste it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aws_iam.engine.denied.authorization.authorization_id import authorization_ids
from helpers.tables.each import for_each

ID = "1a2b3c4d5e6f"
LINK = f"https://us-east-1.console.aws.amazon.com/iam/home?region=us-east-1#/authorization-details/{ID}"
WORDS = f"call the GetRequestAuthorizationDetails API with the following authorization id: {ID}"
SENTENCE = f"Go to {LINK} for complete details, or {WORDS}"
HERE = [(ID, "us-east-1")]


@pytest.mark.parametrize(
    ("message", "found"),
    [
        (SENTENCE, HERE),
        (SENTENCE.replace("/", "\\/"), HERE),
        (json.dumps({"message": SENTENCE}), HERE),
        ({"message": SENTENCE}, HERE),
        (f'<a href="{LINK}">details</a>', HERE),
        (LINK.replace("?region", "?x=1&region"), HERE),
        (SENTENCE.replace(f"id: {ID}", f"id:\n  {ID}"), HERE),
        (SENTENCE.replace(f"details/{ID}", "details/1a2b\n3c4d5e6f"), HERE),
        (f"**authorization id:** `{ID}`.", [(ID, "")]),
        (f"AuthorizationId: {ID}", [(ID, "")]),
        (WORDS, [(ID, "")]),
        (
            SENTENCE.replace(
                "us-east-1.console.aws.amazon.com", "us-gov-west-1.console.amazonaws-us-gov.com"
            ).replace("region=us-east-1", "region=us-gov-west-1"),
            [(ID, "us-gov-west-1")],
        ),
        (SENTENCE.replace("region=us-east-1", "region=../x"), [(ID, "")]),
        (
            f"{SENTENCE}\n{SENTENCE.replace(ID, 'ffff0000aaaa')}",
            [*HERE, ("ffff0000aaaa", "us-east-1")],
        ),
        (f"{SENTENCE}\nuser: other", HERE),
        (f"authorization id: {'a' * 256}", [("a" * 256, "")]),
        (f"authorization id: {'a' * 257}", []),
        ("no authorization id is in this text", []),
        ("the authorization identity: abcdefghijkl", []),
        ("an authorization id", []),
        ("User: a is not authorized to perform: s3:GetObject", []),
        (7, []),
    ],
)
def test_an_id_is_found_with_its_region_and_nothing_else_is(
    message: Any, found: list[tuple[str, str]]
) -> None:
    assert [(one.text, one.region) for one in authorization_ids(message)] == found


@for_each(range(60, 121))
def test_an_id_is_whole_however_a_terminal_breaks_its_lines(width: int) -> None:
    message = f"User: arn:aws:iam::111122223333:user/a is not authorized to perform: s3:GetObject. {SENTENCE}"
    pasted = "\n".join(message[at : at + width] for at in range(0, len(message), width))
    assert [(one.text, one.region) for one in authorization_ids(pasted)] == HERE


def test_only_digits_and_lower_case_letters_are_sent() -> None:
    # The User Guide's example has capital letters, which no ID of AWS has.
    (example,) = authorization_ids("authorization id: EXAMPLE1a2b3c4d5e6f7g8h9i0j")
    (own,) = authorization_ids(SENTENCE)
    assert (example.is_well_formed, own.is_well_formed) == (False, True)


def test_of_very_many_ids_the_first_are_taken() -> None:
    text = "".join(f"authorization id: 1a2b3c4d5e{number:05}\n" for number in range(7_000))
    found = authorization_ids(text)
    assert len(found) == 50
    assert found[0].text == "1a2b3c4d5e00000"
