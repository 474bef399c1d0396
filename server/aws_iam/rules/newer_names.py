"""Names that AWS may have added after the day of the service data: what a finding about one says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.reference.catalog import catalog
from aws_iam.rules.outcomes import Fail

if TYPE_CHECKING:
    from aws_iam.answer import Where


def possibly_new(where: Where, message: str) -> Fail:
    """A name that is not in the data and like none that is; the message says what it is not."""
    return Fail(
        where,
        f"{message} in the service data of {catalog().as_of}, and no known name is similar;"
        " AWS may have added it since",
        fix=f"Correct the name. {refreshing()}",
        severity=Severity.WARNING,
        low_confidence=True,
    )


def refreshing() -> str:
    """How to refresh data that may lack a name."""
    return f"If AWS added it after {catalog().as_of}, refresh the service data where aws-iam runs and validate again."
