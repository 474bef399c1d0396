"""One resource that took part in an event, and the reasons why it is wider than one where it is."""

from __future__ import annotations

from aws_iam.engine.language.frozen import slotted
from aws_iam.engine.trail.event_details import exact, is_foreign

NO_TYPES = "no resource types: AWS authorises it on `*` only"
MADE = "the call makes it, and its id did not exist before: AWS authorises on the pattern"
FOREIGN = "IAM takes some of its characters in no policy: `?` stands for each"
UNNAMED = "the record names no resource of a type that the action works on"
OPTIONAL = "the action goes without a resource of its types, too, and the record names none"


@slotted
class Spot:
    """One resource that took part, as a pattern, and why it is no single one where it is wider."""

    resource: str
    why: str = ""
    type: str = ""
    # The texts that the format's own placeholders were filled with, and whether all of them were.
    used: frozenset[str] = frozenset()
    whole: bool = True

    @classmethod
    def of(cls, text: str, type_: str = "") -> Spot:
        """The resource with this ARN, and no other."""
        return cls(resource=exact(text), type=type_, why=FOREIGN if is_foreign(text) else "")
