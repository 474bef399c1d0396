"""Which policies of two documents belong together: a list is one union, the policies of a larger file pair by their names.

policy_pairs(document, baseline)             →   one pair of unions, or a pair for each name
policy_pairs(document, baseline, "Role")     →   only the policies of that logical id, address or name
separate_policies(document)                  →   each named policy by itself, or a list as one union
"""

from __future__ import annotations

import re
from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING

from aws_iam.engine.comparison.clauses import is_principaled
from aws_iam.engine.comparison.permissive_policies import empty_policy
from aws_iam.engine.comparison.sides.root_names import root_of
from aws_iam.engine.language.cases import ALWAYS, Cases
from aws_iam.engine.language.document import Kind, Policy, Syntax
from aws_iam.engine.language.usable import refuse_unusable
from aws_iam.errors import InputError, closest
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.wording import counted, joined

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from typing import Literal

    from aws_iam.engine.comparison.sides.policy_limit import PolicyLimit
    from aws_iam.engine.language.document import Source

    Change = Literal["added", "removed", "changed", "renamed", "same"]

_NAMED = 10
# An index of a list in a name that ends with the name of the policy, as in `Role.Policies[0] (inline)`.
_INDEX = re.compile(r"\[\d+\](?=.* \([^()]+\)$)")


@slotted
class PolicyPair:
    """The policies of both sides to compare, as unions; `name` is empty where the documents are compared as a whole."""

    name: str
    change: Change
    document: tuple[Policy, ...]
    baseline: tuple[Policy, ...]
    # The name on the baseline's side, where it is another one.
    was: str = ""
    # Whether it is a permissions boundary, which limits other policies.
    is_limit: bool = False
    # The names of the policies of a principal, where these are they, and the name is the principal's.
    parts: tuple[str, ...] = ()
    # The names in each of several root folders of Terraform, where the same changes there.
    namesakes: tuple[str, ...] = ()
    # The cases in which the policies are so.
    cases: Cases = ALWAYS
    # The permissions boundaries of all who have the policies, after the change and before it.
    limit: PolicyLimit | None = None
    former_limit: PolicyLimit | None = None
    # The policies that a permissions boundary limits.
    limited: tuple[Policy, ...] = ()


@slotted
class JudgedPolicies:
    """Policies that are judged as one; `name` is empty where the document is judged as a whole."""

    name: str
    policies: tuple[Policy, ...]


def separate_policies(
    document: Sequence[Source], policy: str | None = None
) -> tuple[JudgedPolicies, ...]:
    """The policies that nothing joins; those of a list are one union, apart from those with principals."""
    if policy is not None:
        document, _ = _picked(document, (), policy)
    if is_named(document):
        return tuple(JudgedPolicies(name=s.name, policies=(_policy(s, s.name),)) for s in document)
    policies = policies_of(document, "document")
    apart: dict[bool, list[int]] = {}
    for number, own in enumerate(policies):
        apart.setdefault(is_principaled((own,)), []).append(number)
    if len(apart) <= 1:
        return (JudgedPolicies(name="", policies=policies),)
    return tuple(
        JudgedPolicies(
            name=joined([document[number].name for number in numbers], shown=_NAMED),
            policies=tuple(policies[number] for number in numbers),
        )
        for numbers in apart.values()
    )


def policy_pairs(
    document: Sequence[Source],
    baseline: Sequence[Source],
    policy: str | None = None,
    renamed: Mapping[str, str] = MappingProxyType({}),
    roots: Collection[str] = (),
) -> tuple[PolicyPair, ...]:
    """The pairs, those of both sides first; `renamed` has the former names of the baseline's policies.

    Of different `roots`, the root folders of Terraform on both sides, no two policies are the same one.
    """
    if policy is not None:
        document, baseline = _picked(document, baseline, policy)
    named = [is_named(sources) for sources in (document, baseline)]
    if not any(named) or (not renamed and _are_alone(document, baseline, roots)):
        was = baseline[0].name if all(named) and baseline[0].name != document[0].name else ""
        own, other = policies_of(document, "document"), policies_of(baseline, "baseline")
        return (
            PolicyPair(
                name="",
                change="same" if own == other and not was else "changed",
                was=was,
                document=own,
                baseline=other,
                is_limit=all(map(_is_limit, (*document, *baseline))),
            ),
        )
    if not all(named):
        alone, several = ("baseline", "document") if named[0] else ("document", "baseline")
        held = document if named[0] else baseline
        raise InputError(
            f"`{alone}` is a policy, and `{several}` holds {counted(len(held), 'policy')}",
            hint=f"pick one with `policy`: {_names(held)}",
        )
    return tuple(_by_name(document, baseline, renamed))


def _are_alone(
    document: Sequence[Source], baseline: Sequence[Source], roots: Collection[str]
) -> bool:
    """Whether each side is one policy, of the same principals."""
    if len(document) != 1 or len(baseline) != 1:
        return False
    if root_of(document[0].name, roots)[0] != root_of(baseline[0].name, roots)[0]:
        return False
    if not (is_named(document) and is_named(baseline)):
        # Nothing says whose the policy by itself is.
        return True
    return document[0].holder.attached_to == baseline[0].holder.attached_to


def policies_of(sources: Sequence[Source], side: str) -> tuple[Policy, ...]:
    """The policies; InputError for text that is no JSON and for what no request can be evaluated with."""
    return tuple(_policy(source, side) for source in sources)


def _policy(source: Source, side: str) -> Policy:
    content = source.content
    if isinstance(content, Syntax):
        where = f"line {content.where.line}:{content.where.column}"
        raise InputError(
            f"{quoted(place_of(source) or side)} is not valid JSON: {where}: {content.message}",
            hint=content.hint,
        )
    refuse_unusable(content, place_of(source) or side)
    return content


def place_of(source: Source) -> str:
    """What a reader finds the policy by: its name or its file; empty for a policy alone."""
    return source.name or source.file or ""


def is_named(sources: Sequence[Source]) -> bool:
    """Whether each policy has a name of its own; the places of a list are none."""
    return all(source.name and source.name[0] != "/" for source in sources)


def _by_name(
    document: Sequence[Source], baseline: Sequence[Source], renamed: Mapping[str, str]
) -> Iterator[PolicyPair]:
    new, old = map(by_key, (document, baseline))
    for key in dict.fromkeys((*(n for n in new if n in old), *new, *old)):
        mine, theirs = new.get(key), old.get(key)
        name = (mine or theirs or document[0]).name
        was = renamed.get(theirs.name, "") if mine and theirs else ""
        own = (_policy(mine, name),) if mine else ()
        other = (_policy(theirs, name),) if theirs else ()
        both: Change = "renamed" if was else "same" if own == other else "changed"
        change: Change = both if mine and theirs else "added" if mine else "removed"
        is_limit = all(_is_limit(own) for own in (mine, theirs) if own)
        # Without it there is no limit, not one that stops everything: that is told where it is attached.
        nothing = (own or other) if is_limit else (empty_policy(),)
        yield PolicyPair(
            name=name,
            change=change,
            document=own or nothing,
            baseline=other or nothing,
            was=was,
            is_limit=is_limit,
            cases=(mine or theirs or document[0]).cases,
        )


def _is_limit(source: Source) -> bool:
    return isinstance(source.content, Policy) and source.content.kind is Kind.BOUNDARY


def by_key(sources: Sequence[Source]) -> Mapping[str, Source]:
    """The policies by what stays the same when their order changes: the name in brackets, where there is one."""
    without = Counter(_INDEX.sub("", source.name) for source in sources)
    return {
        key if without[key := _INDEX.sub("", source.name)] == 1 else source.name: source
        for source in sources
    }


def _picked(
    document: Sequence[Source], baseline: Sequence[Source], policy: str
) -> tuple[Sequence[Source], Sequence[Source]]:
    """The policies of that name; a side that is a single policy has no choice."""
    if not any(is_called(source.name, policy) for source in (*document, *baseline)):
        raise _unknown(policy, (*document, *baseline))
    new, old = (
        sources
        if len(sources) == 1 and not is_named(sources)
        else [source for source in sources if is_called(source.name, policy)]
        for sources in (document, baseline)
    )
    return new, old


def is_called(name: str, wanted: str | None) -> bool:
    """Whether it is the policy's place, its logical id or address, or its name in brackets; without a wish it is."""
    if wanted is None:
        return True
    begins = name.startswith(wanted) and name[len(wanted) : len(wanted) + 1] in {"", ".", " ", "["}
    return begins or f"({wanted})" in name


def _unknown(policy: str, sources: Sequence[Source]) -> InputError:
    names = [place_of(source) for source in sources]
    near = closest(policy, [name.partition(".")[0] for name in names] + names)
    hint = f"there are {_names(sources)}" if any(names) else "the document is one policy"
    return InputError(
        f"no policy is called {quoted(policy)}",
        hint=f"did you mean {quoted(near)}?" if near else hint,
    )


def _names(sources: Sequence[Source]) -> str:
    names = dict.fromkeys(place_of(source) for source in sources)
    return joined([quoted(name) for name in names if name], shown=_NAMED)
