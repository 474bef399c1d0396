"""What a resource of a template holds, read in each combination of the conditions that decide about it.

A document that several combinations have is there once, with all cases in which it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from aws_iam.engine.language.cases import cases_of
from aws_iam.engine.parsing.json_nodes import Form, Node
from aws_iam.engine.sources.containers.attachments import PolicyAttachment
from aws_iam.engine.sources.containers.cloudformation_candidates import read_candidate
from aws_iam.engine.sources.containers.policy_places import FoundPolicy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.language.alternatives import Alternative
    from aws_iam.engine.language.cases import Case
    from aws_iam.engine.sources.containers.access_settings import AccessSetting
    from aws_iam.engine.sources.containers.cloudformation_candidates import Candidate
    from aws_iam.engine.sources.containers.placeholders import Placeholders
    from aws_iam.engine.sources.containers.policy_places import FoundResource, SkippedPlace

    Found = FoundPolicy | SkippedPlace | PolicyAttachment | FoundResource | AccessSetting


@dataclass(slots=True, kw_only=True)
class CaseReadings:
    """Collects what is found; `several`: there are several combinations, `absent` are cases without the resource."""

    several: bool
    absent: frozenset[Case] = frozenset()
    label: str = ""
    _every: list[Case] = field(default_factory=list)
    # The documents at each place, as positions in `_found`.
    _known: dict[tuple[str, Node], list[int]] = field(default_factory=dict)
    _found: list[Found] = field(default_factory=list)
    _cases: dict[int, list[Case]] = field(default_factory=dict)
    _beside: dict[Found, list[Case]] = field(default_factory=dict)

    def begin(self, case: Case, label: str) -> None:
        """What is found from now on is so in this case; `label` calls it beside the names of policies."""
        self._every.append(case)
        self.label = label

    @property
    def any(self) -> bool:
        """Whether anything was found."""
        return bool(self._known or self._beside)

    def is_new(self, place: str, value: Node) -> bool:
        """Whether no earlier combination has the same document there."""
        key = (place, value)
        if self.label and key in self._known:
            for number in self._known[key]:
                self._cases[number].append(self._every[-1])
            return False
        self._known.setdefault(key, [])
        return True

    def read(
        self, candidate: Candidate, placeholders: Placeholders, others: frozenset[Alternative]
    ) -> None:
        """Add the policy of a candidate, unless it was there in an earlier combination."""
        if self.several and _is_empty(candidate.value):
            return  # all statements are those of other combinations
        place = candidate.place.path or candidate.name
        if not self.is_new(place, candidate.value):
            return
        name = f"{candidate.name} ({self.label})" if self.label else candidate.name
        for found in read_candidate(replace(candidate, name=name), placeholders):
            if isinstance(found, FoundPolicy):
                self._known[place, candidate.value].append(len(self._found))
                self._cases[len(self._found)] = [self._every[-1]]
                other = candidate.name if self.label else ""
                self.add(replace(found, other_side_of=other, alternatives=others))
            else:
                self.add(found)

    def add(self, found: Found) -> None:
        """Add what is there in whatever case."""
        self._found.append(found)

    def add_beside(self, found: Found) -> None:
        """Add what stands beside the policies, once."""
        self._beside.setdefault(found, []).append(self._every[-1])

    def policies(self) -> Iterator[Found]:
        """What was found, each policy with its cases."""
        every = (*self._every, *self.absent)
        for number, found in enumerate(self._found):
            if isinstance(found, FoundPolicy) and number in self._cases:
                yield replace(found, cases=cases_of(self._cases[number], every))
            else:
                yield found

    def beside(self) -> Iterator[Found]:
        """What stands beside the policies, each attachment with its cases."""
        every = (*self._every, *self.absent)
        for found, own in self._beside.items():
            if isinstance(found, PolicyAttachment):
                yield replace(found, cases=cases_of(own, every))
            else:
                yield found


def _is_empty(document: Node) -> bool:
    body = document.member("Statement")
    return body is not None and body.form is Form.ARRAY and not body.count
