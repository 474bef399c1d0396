"""What the permissions boundaries of those who have a policy leave of it.

PolicyLimit(names=("aws_iam_policy.b",), policies=(…,))
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.engine.language.document import Policy


@slotted
class PolicyLimit:
    """The boundaries by whose leave alone a policy grants anything: it grants no more than the `policies` allow.

    `why` says what is not known of them; without `policies` they may allow everything.
    """

    names: tuple[str, ...]
    policies: tuple[Policy, ...] = ()
    why: str = ""
