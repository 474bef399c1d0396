"""Tags of users and roles as `GetAccountAuthorizationDetails` sends them."""

from __future__ import annotations

from aws_iam.account.collect.identity.authorization import AUTHORIZATION, Tag
from helpers.rich_account import rich_fact


def test_tags_are_kept_and_a_list_that_was_not_sent_is_not_an_empty_one() -> None:
    found = rich_fact(AUTHORIZATION)
    assert found.users[0].tags == (Tag(key="cost", value=""), Tag(key="team", value="red"))
    assert found.roles[0].tags is None
