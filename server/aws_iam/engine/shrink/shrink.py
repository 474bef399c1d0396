"""A policy in fewer characters, in one document or in several that fit and together allow the same, proved by a comparison.

    shrink(policies, limit)   →   Shrunk(documents=({…},), steps=(…), equal=True)

The gentlest way that fits is taken: what is exact for ever, then without Sids, then with wildcards in place of names, then
several policies. A step that cannot be proved is taken back.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from aws_iam.engine.language.document import Form as Shape
from aws_iam.engine.language.document import Kind, policy_of
from aws_iam.engine.language.plain_policy import plain
from aws_iam.engine.language.usable import refuse_unusable
from aws_iam.engine.parsing.json_value import from_value
from aws_iam.engine.reference.policy_quotas import Quota, characters, compact
from aws_iam.engine.shrink.entries import Work
from aws_iam.engine.shrink.proof import are_equal
from aws_iam.engine.shrink.splitting import split
from aws_iam.engine.shrink.statement_lists import element, statement_lists
from aws_iam.engine.shrink.tidying import Form, Step, tidied
from aws_iam.engine.shrink.wildcards import Wildcard, exact_wildcards, with_wildcards
from aws_iam.errors import InputError
from aws_iam.frozen import slotted
from aws_iam.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from aws_iam.engine.language.document import Policy
    from aws_iam.engine.shrink.statement_lists import StatementLists

    Statements = tuple[StatementLists, ...]

_FEW_TOO_LONG = 2
_SPLITTABLE = frozenset({Kind.IDENTITY, Kind.SCP, Kind.RCP})


@slotted
class Limit:
    """How long each document may be, counted as the quota counts; `most` is None where no limit is known."""

    most: int | None
    quota: Quota
    # Whether the policy may become several, and whether names may become wildcards.
    may_split: bool = True
    may_use_wildcards: bool = True

    @property
    def room(self) -> int | None:
        """The most characters of a document beside the line break that ends its file, which counts where white space does."""
        return None if self.most is None else self.most - self.quota.counts_space


@slotted
class Documents:
    """A form of the policy, written: in one document, or in several that belong together."""

    documents: tuple[Mapping[str, Any], ...]
    sizes: tuple[int, ...]
    fits: bool
    form: Form
    # The statements of each document.
    groups: tuple[Statements, ...]
    wildcards: tuple[Wildcard, ...] = ()

    @property
    def steps(self) -> tuple[Step, ...]:
        """What was done to the policy before it was written."""
        return self.form.steps

    @property
    def need(self) -> tuple[bool, int]:
        """Whether it does not fit, and how many documents it takes: less is better."""
        return not self.fits, len(self.documents)


@slotted
class Shrunk:
    """The proved result; `without_wildcards` where it has some, `shortest` where nothing fits."""

    before: int
    result: Documents
    without_wildcards: Documents | None = None
    shortest: int | None = None
    # What was taken back because no comparison proved it.
    undone: tuple[str, ...] = ()
    # Whether all entries were compared with each other.
    is_finished: bool = True


def may_be_split(kind: Kind) -> bool:
    """Whether several policies of the kind can be attached together."""
    return kind in _SPLITTABLE


def shrink(policies: Sequence[Policy], limit: Limit) -> Shrunk:
    """The union of the policies in as few characters as the limit asks for, proved to allow the same."""
    for policy in policies:
        refuse_unusable(policy, "document")
    return _Shrinking(tuple(policies), limit).result()


class _Shrinking:
    """The forms of a policy: as it is, tidied, without Sids, with wildcards; and each in documents that fit."""

    def __init__(self, policies: tuple[Policy, ...], limit: Limit) -> None:
        self.policies = policies
        self.limit = limit
        self.kind = policies[0].kind
        self.head = _head(policies)
        self.work = Work()
        body = policies[0].node.member("Statement")
        # A policy may have its only statement without a list.
        self.bare = len(policies) == 1 and body is not None and body.form is Shape.OBJECT

    def result(self) -> Shrunk:
        """The gentlest form that fits and is proved; what cannot be proved is taken back, the last step first."""
        before = sum(_size(policy, self.limit.quota) for policy in self.policies)
        start = Form(
            statements=tuple(s for policy in self.policies for s in statement_lists(policy))
        )
        forms = [start, *self._tidied(start)]
        undone: list[str] = []
        while forms:
            form = forms[-1]
            # Parted statements have shorter lists, for which there may be fewer wildcards.
            unparted = next(own for own in reversed(forms) if not own.has_parted_statements)
            bases = tuple(dict.fromkeys((form, unparted)))
            plain_form, found = self._ways(bases)
            for way in (found, plain_form, self._whole(form)):
                if way is None:
                    continue
                if self._is_proved(way, forms):
                    beside = (
                        plain_form if way is found and self._is_proved(plain_form, forms) else None
                    )
                    return Shrunk(
                        before=before,
                        result=way,
                        without_wildcards=beside,
                        shortest=None if way.fits else min(map(self._shortest, bases)),
                        undone=tuple(dict.fromkeys(undone)),
                        is_finished=self.work.is_done,
                    )
                if way.wildcards:
                    undone.append("wildcards")
                elif len(way.documents) > 1:
                    undone.append("splitting")
            undone += [step.name for step in forms.pop().steps[-1:]]
        raise InputError(
            "the policy cannot be shrunk: no comparison proves that it stays the same"
        )

    def _ways(self, forms: Sequence[Form]) -> tuple[Documents, Documents | None]:
        """The first of the forms that needs least without wildcards, and one with wildcards where that fits in fewer documents."""
        kept = map(self._parted, forms)
        unnamed = [self._parted(_without_sids(form)) for form in forms]
        plain_form = min(*kept, *unnamed, key=lambda own: own.need)
        if not self.limit.may_use_wildcards or plain_form.need == (False, 1):
            return plain_form, None
        ways = (self._with_wildcards(form, plain_form.need) for form in forms)
        found = [way for way in ways if way is not None]
        return plain_form, min(found, key=lambda own: own.need, default=None)

    def _with_wildcards(self, form: Form, need: tuple[bool, int]) -> Documents | None:
        """The form with as few wildcards as it needs to fit in the fewest documents; None where that is no less than `need`."""
        unnamed = _without_sids(form)
        found = exact_wildcards(unnamed.statements)
        best = self._parted(self._with(unnamed, found))
        if best.need >= need:
            return None
        fewest = _first(
            lambda number: self._parted(self._with(unnamed, found[:number])).need <= best.need,
            len(found),
        )
        used = found[:fewest]
        # Where the wildcards made room enough, the Sids may stay.
        named = self._with(form, used)
        fits_named = self._parted(named).need <= best.need
        shorter = named if fits_named else self._with(unnamed, used)
        *_, last = (shorter, *self._tidied(shorter))
        return self._parted(last, used)

    def _tidied(self, form: Form) -> Iterator[Form]:
        most_actions = self.limit.quota.most_actions
        return tidied(form, self.head, self.kind, self.work, most_actions)

    def _with(self, form: Form, found: Sequence[Wildcard]) -> Form:
        if not found:
            return form
        done = tuple(
            f"{own.pattern} for {counted(len(own.stands_for), 'action')}" for own in found
        )
        name = "names as wildcards that match no other action today"
        return form.after(name, with_wildcards(form.statements, found), done)

    def _parted(self, form: Form, wildcards: tuple[Wildcard, ...] = ()) -> Documents:
        """The form in one document if that fits or nothing else is possible, else in several."""
        whole = self._whole(form, wildcards)
        most = self.limit.room
        if whole.fits or most is None or not self.limit.may_split or not may_be_split(self.kind):
            return whole
        around = characters(compact({**self.head, "Statement": []}), self.limit.quota)
        # A list of n statements has n - 1 commas.
        groups = split(form.statements, most - around + 1)
        parts = self._documents(groups, form, wildcards)
        # Of parts most of which fit, only the other one has to be mended by hand.
        return parts if sum(size > most for size in parts.sizes) < _FEW_TOO_LONG else whole

    def _whole(self, form: Form, wildcards: tuple[Wildcard, ...] = ()) -> Documents:
        return self._documents((form.statements,), form, wildcards)

    def _documents(
        self, groups: Sequence[Statements], form: Form, wildcards: tuple[Wildcard, ...]
    ) -> Documents:
        documents = tuple(self._document(group) for group in groups)
        sizes = tuple(characters(compact(own), self.limit.quota) for own in documents)
        most = self.limit.room
        return Documents(
            documents=documents,
            sizes=sizes,
            fits=most is None or max(sizes) <= most,
            form=form,
            groups=tuple(groups),
            wildcards=wildcards,
        )

    def _document(self, statements: Iterable[StatementLists]) -> dict[str, Any]:
        named = _with_unique_sids(statements)
        written = [element(statement) for statement in named]
        alone = self.bare and len(written) == 1
        return {**self.head, "Statement": written[0] if alone else written}

    def _is_proved(self, way: Documents, forms: Sequence[Form]) -> bool:
        """Whether the documents allow what the policies do: compared at once, or step by step through the forms that they are made of."""
        if are_equal(tuple(map(self._policy, way.documents)), self.policies):
            return True
        groups, number = way.groups, len(forms) - 1
        if groups == (forms[-1].statements,):
            number -= 1
        if number < 0 or not self._are_same_by_effect(groups, forms[number]):
            return False
        return self._is_proved(self._whole(forms[number]), forms[: number + 1])

    def _are_same_by_effect(self, groups: Sequence[Statements], form: Form) -> bool:
        """Whether those statements that only one of them has apply, for each effect, to the same requests.

        Then all statements together decide alike. The question is smaller than that about whole policies.
        """
        before, after = (
            dict.fromkeys(own.named("") for own in statements)
            for statements in (form.statements, chain.from_iterable(groups))
        )
        for effect in ("Allow", "Deny"):
            old, new = (
                [own for own in mine if own.effect == effect and own not in other]
                for mine, other in ((before, after), (after, before))
            )
            compared = [(self._policy(self._document(own)),) for own in (new, old)]
            if (old or new) and not are_equal(compared[0], compared[1]):
                return False
        return True

    def _policy(self, document: Mapping[str, Any]) -> Policy:
        return policy_of(from_value(document), self.kind, None)

    def _shortest(self, form: Form) -> int:
        """The characters of the shortest form in one document."""
        unnamed = _without_sids(form)
        shorter = self._with(unnamed, exact_wildcards(unnamed.statements))
        *_, last = (shorter, *self._tidied(shorter))
        return self._whole(last).sizes[0]


def _head(policies: Sequence[Policy]) -> dict[str, Any]:
    """The elements beside the statements."""
    heads = [{k: v for k, v in plain(own).items() if k != "Statement"} for own in policies]
    if len({head.get("Version") for head in heads}) > 1:
        raise InputError(
            "the policies have different versions, so they cannot become one",
            hint="`${…}` is a variable only in version 2012-10-17: give policies of one version",
        )
    if len(heads) > 1:
        return {name: value for name, value in heads[0].items() if name == "Version"}
    return heads[0]


def _size(policy: Policy, quota: Quota) -> int:
    text = policy.text if policy.text is not None else compact(plain(policy))
    return characters(text, quota)


def _without_sids(form: Form) -> Form:
    names = [statement.sid for statement in form.statements if statement.sid]
    if not names:
        return form
    return form.after("Sids left out", tuple(own.named("") for own in form.statements), names)


def _with_unique_sids(statements: Iterable[StatementLists]) -> Iterator[StatementLists]:
    """The statements, a Sid that is there twice only with the first."""
    seen: set[str] = set()
    for statement in statements:
        yield statement.named("") if statement.sid in seen else statement
        seen.add(statement.sid)


def _first(holds: Callable[[int], bool], most: int) -> int:
    """The least number up to `most` for which it holds, as it does for all above."""
    low, high = 0, most
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low
