"""One fact as its collector reads it from scripted answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.catalogue import COLLECTORS
from helpers.rich_account import RICH
from helpers.scripted_aws import Script

if TYPE_CHECKING:
    from aws_iam.account.collect.fact import Fact


def read_fact(fact: Fact[Any], answers: dict[str, Any], *regions: str) -> tuple[Any, Script]:
    script = Script(answers)
    aws = script.aws(*regions)
    value = aws.fact_or_miss(fact, "us-east-1" if COLLECTORS[fact.name].regional else "")
    aws.close()
    return value, script


def rich_fact(fact: Fact[Any], **changed: Any) -> Any:
    """The fact in the rich account, with some answers changed (`service__Operation`)."""
    changes = {
        name.replace("__", ":").replace("_", "-"): answer for name, answer in changed.items()
    }
    return read_fact(fact, RICH | changes)[0]
