"""How sentences name principals: by kind and name, with the account where two accounts have the same.

Names.of_all(entities).of("arn:aws:iam::111122223333:role/adm")   →   "`role/adm`", or "`role/adm` of account 111122223333"
"""

from __future__ import annotations

from collections import Counter
from dataclasses import field
from typing import TYPE_CHECKING

from aws_iam.engine.language.arn import Arn
from aws_iam.escape import quoted
from aws_iam.frozen import positional
from aws_iam.tools.audit.paths.outsiders import EVERYONE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.tools.audit.paths.entities import Entities


@positional
class Names:
    """The names that several accounts have, and the roles of sessions by what limits them."""

    shared: frozenset[str] = frozenset()
    roles: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_all(cls, entities: Entities) -> Names:
        """Those of an estate."""
        arns = entities.arns
        counts = Counter(arn.rpartition(":")[2] for arn in arns)
        return cls(
            frozenset(name for name, count in counts.items() if count > 1),
            {arns[session]: arns[role] for session, role in entities.role_of.items()},
        )

    def of(self, text: str) -> str:
        """A principal as a sentence names it."""
        if text == EVERYONE:
            return "everyone"
        arn = Arn.of(text)
        if arn is None:
            return quoted(text)
        if arn.resource == "root":
            return f"account {arn.account}"
        if text in self.roles:
            return f"a session of {self.of(self.roles[text])} limited by {quoted(arn.resource)}"
        account = f" of account {arn.account}" if arn.resource in self.shared else ""
        return f"{quoted(arn.resource)}{account}"
