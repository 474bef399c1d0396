"""`policy shrink`: a policy in fewer characters that fits its limit, in one document or several, proved to allow the same."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Answer, Artifact, Finding, NextCall, Severity, Status, next_call
from aws_iam.engine.comparison.sides.policy_pairs import is_named
from aws_iam.engine.language.document import Kind, Policy
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.policy_quotas import (
    INLINE,
    MANAGED,
    MOST_ATTACHED,
    MOST_ATTACHED_TO_ROLE,
    RAISED_TRUST,
    Quota,
    compact,
    quota_of,
)
from aws_iam.engine.shrink.shrink import Limit, shrink
from aws_iam.engine.sources.gather import gathered
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.policy.kind_words import KINDS
from aws_iam.tools.policy.validate.validate import KIND_NAMES
from aws_iam.wording import counted, joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.engine.language.document import Source
    from aws_iam.engine.shrink.shrink import Documents, Shrunk

PAGE = "references/policy-design.md#shrink-a-policy"
# The frame of a policy with one short statement.
_LEAST_LIMIT = 150
_MOST_LIMIT = 2_000_000
_SHOWN = 5
# What stands beside a number of characters, or the word for whose inline policies.
_BESIDE_LIMIT = re.compile(
    r"\b(?:inline|policy|policies|characters?|chars?|bytes?)(?![a-z])|(?<=_)inline\b"
)
_LONGEST_LIMIT = 100


def shrink_policies(
    document: object,
    kind: Kind | str | None,
    resource_type: str | None,
    limit: str | None,
    *,
    split: bool,
) -> Answer:
    """The policy as short as its limit asks for, what was done, and that it is proved; `split` rather than use wildcards."""
    if kind is None and (meant := _kind_named(limit)):
        kind, limit = meant, None
    policies = _policies(document, kind, resource_type)
    bound = _limit(policies[0], limit, split=split)
    found = shrink(policies, bound)
    return Answer(
        summary=" ".join(_summary(policies, bound, found)),
        findings=tuple(_findings(bound, found)),
        artifacts=artifacts(found.result, bound.quota),
        facts=_facts(policies[0], bound, found),
        sources=(*((bound.quota.source,) if bound.quota.source else ()), PAGE),
        next=tuple(_next(found)),
        as_of=catalog().as_of,
    )


def _kind_named(limit: str | None) -> Kind | None:
    """The kind of policy whose limit is meant: `session`, `SCP`; None for a number, and for whose inline policies they are."""
    word = (limit or "")[:_LONGEST_LIMIT].strip().lower()
    name = KINDS.get(word, word)
    return Kind(name) if name in {*Kind} and name != Kind.IDENTITY else None


def _policies(
    document: object, kind: Kind | str | None, resource_type: str | None
) -> tuple[Policy, ...]:
    """The policies that are shrunk as one: a single one, or a list for one principal."""
    sources = gathered(document, kind, resource_type).sources
    if len(sources) > 1 and is_named(sources):
        names = joined([quoted(source.name) for source in sources], shown=_SHOWN)
        raise InputError(
            f"the document has {counted(len(sources), 'policy')}, each of its own: {names}",
            hint="give one of them, or a JSON list of policies that one principal has",
        )
    policies = tuple(map(_policy, sources))
    kinds = dict.fromkeys(policy.kind for policy in policies)
    if len(kinds) > 1:
        named = joined([KIND_NAMES[own] for own in kinds])
        raise InputError(
            f"the policies are of several kinds, so they cannot become one: {named}",
            hint="give `kind`, if they are all of one",
        )
    return policies


def _policy(source: Source) -> Policy:
    content = source.content
    if not isinstance(content, Policy):
        where = content.where
        raise InputError(
            f"the document is not JSON at line {where.line}:{where.column}: {content.message}",
            hint=content.hint,
        )
    if source.unresolved:
        raise InputError(
            f"{counted(len(source.unresolved), 'value')} of the policy {'is' if len(source.unresolved) == 1 else 'are'}"
            " known only at deployment, so its length is not known",
            hint="give the policy as IAM has it: `aws iam get-policy-version` or `aws iam get-role-policy` prints it",
        )
    return content


def _limit(policy: Policy, limit: str | None, *, split: bool) -> Limit:
    """The limit that the caller gives, as a number or as whose inline policies; else that of the policy's kind."""
    quota = quota_of(policy) or Quota(
        most=0, what="a resource policy", source="", counts_space=True, in_bytes=True
    )
    most: int | None = quota.most or None
    if limit is not None:
        word = _BESIDE_LIMIT.sub("", limit[:_LONGEST_LIMIT].lower()).strip(" _-")
        digits = word.replace(",", "").replace("_", "").removesuffix(".0")
        if word == "managed" and policy.kind is Kind.IDENTITY:
            most = MANAGED
        elif not word and policy.kind is Kind.IDENTITY:
            known = joined([f"{own} {most_:,}" for own, most_ in INLINE.items()])
            raise InputError(
                f"an inline policy has the limit of whose it is: {known} characters for all inline policies together",
                hint="give `limit` as `role`, `user` or `group`",
            )
        elif word in INLINE and policy.kind is Kind.IDENTITY:
            most = INLINE[word]
            quota = Quota(most=most, what=f"all inline policies of a {word}", source=quota.source)
        elif (
            digits.isascii()
            and digits.isdecimal()
            and len(digits) <= len(str(_MOST_LIMIT))
            and _LEAST_LIMIT <= int(digits) <= _MOST_LIMIT
        ):
            most = int(digits)
        else:
            raise InputError(
                f"`limit` {quoted(limit)} is no number of characters from {_LEAST_LIMIT} to {_MOST_LIMIT:,}",
                hint="give a number, or for inline policies `role`, `user` or `group`; other kinds by `kind`",
            )
    # All inline policies of an identity count together, so several help no more than one.
    may_split = quota.together > 1
    return Limit(most=most, quota=quota, may_split=may_split, may_use_wildcards=not split)


def artifacts(found: Documents, quota: Quota) -> tuple[Artifact, ...]:
    """The documents as files; on one line where white space counts."""
    several = len(found.documents) > 1
    return tuple(
        Artifact(
            name=f"policy-{number}.json" if several else "policy.json",
            language="json",
            content=compact(document) + "\n"
            if quota.counts_space
            else json.dumps(document, indent=2, ensure_ascii=False) + "\n",
            checked_by="policy compare: equal to the document",
        )
        for number, document in enumerate(found.documents, 1)
    )


def _summary(policies: Sequence[Policy], limit: Limit, found: Shrunk) -> Iterator[str]:
    policy = policies[0]
    if len(policies) > 1:
        yield f"The {counted(len(policies), 'policy')} are read as attached to one principal."
    if policy.kind_guessed:
        yield f"Read as {KIND_NAMES[policy.kind]}."
    yield _sizes(limit, found)
    result = found.result
    if len(result.documents) > 1:
        yield from _several(policy.kind, limit, result)
    if result.wildcards:
        yield _wildcards(found)
    if not result.fits and limit.most:
        yield from _too_long(policy.kind, limit, found)
    if found.undone:
        yield f"Not done, because no comparison proved it: {joined(found.undone)}."
    if not found.is_finished:
        yield "Not all entries were compared with each other: they are too many, so some may be superfluous."
    if policy.kind is Kind.SESSION and result.fits:
        yield "AWS limits its packed size as well, with managed ARNs and session tags: only STS tells that (`PackedPolicySize`)."
    if limit.most is None:
        yield "The limit of such a policy is not known: give `resource_type`, or `limit`, to see whether it fits."


def _unit(quota: Quota) -> str:
    return "byte" if quota.in_bytes else "character"


def _sizes(limit: Limit, found: Shrunk) -> str:
    sizes = found.result.sizes
    after, unit = sum(sizes), _unit(limit.quota)
    bound = f" of {limit.most:,}" if limit.most and len(sizes) == 1 else ""
    if not found.result.steps and len(sizes) == 1 and not _written_shorter(limit.quota, found):
        return (
            f"Nothing was found to shorten: the policy has {counted(after, unit)}{bound}"
            " and is given back as it was."
        )
    whole = (
        f"{counted(after, unit)}{bound}"
        if len(sizes) == 1
        else f"{len(sizes)} policies of {joined([f'{own:,}' for own in sizes])} {unit}s"
    )
    return f"{counted(found.before, unit)} became {whole}, proved to allow exactly the same."


def _written_shorter(quota: Quota, found: Shrunk) -> int:
    """What the writing alone saves: white space, escapes, lists of one entry, empty elements. The line break at the end is none."""
    if len(found.result.sizes) > 1:
        return 0
    steps = sum(own.saved for own in found.result.steps)
    saved = found.before - found.result.sizes[0] - steps
    return saved if saved > quota.counts_space else 0


def _several(kind: Kind, limit: Limit, found: Documents) -> Iterator[str]:
    number = len(found.documents)
    if kind is Kind.IDENTITY:
        yield "Attach all of them: an Allow of one and a Deny of any count for all."
        if number > MOST_ATTACHED:
            yield (
                f"A user or a group can have {MOST_ATTACHED} managed policies, a role {MOST_ATTACHED_TO_ROLE}:"
                f" {number} are more than {'any of them' if number > MOST_ATTACHED_TO_ROLE else 'a user or a group'} takes"
                " unless the quota is raised."
            )
        return
    if kind is Kind.SCP:
        yield (
            "Attach all of them to the same root, OU or account, where the policy was:"
            " what one of them allows there is allowed, and a Deny of any counts."
        )
    else:
        yield "Attach all of them to the same root, OU or account: a Deny of any counts."
    if number > limit.quota.together:
        yield f"{number} are more than the {limit.quota.together} that one can have."


def _wildcards(found: Shrunk) -> str:
    wildcards = found.result.wildcards
    names = sum(len(own.stands_for) for own in wildcards)
    without = found.without_wildcards
    beside = ""
    if without:
        several = len(without.sizes) > 1
        beside = (
            f" Without wildcards: {len(without.sizes)} policies, with `split`."
            if several
            else f" Without wildcards it has {without.sizes[0]:,}, with `split`."
        )
    verb = "stands" if len(wildcards) == 1 else "stand"
    return (
        f"{counted(len(wildcards), 'wildcard')} {verb} for {counted(names, 'name')}: of the actions of {catalog().as_of} no other"
        f" matches, but actions that AWS adds later may.{beside}"
    )


def _too_long(kind: Kind, limit: Limit, found: Shrunk) -> Iterator[str]:
    longest = max(found.result.sizes)
    most = limit.most or 0
    of_part = ""
    if len(found.result.sizes) > 1:
        of_part = f"`policy-{found.result.sizes.index(longest) + 1}.json` has "
    yield f"It does not fit: {of_part}{counted(longest - most, _unit(limit.quota))} too many."
    if not limit.may_split:
        why = "and all of them count together" if limit.quota.what.startswith("all") else ""
        yield (
            "Inline policies count together, so splitting does not help: make it a managed policy."
            if why
            else f"{limit.quota.what[0].upper()}{limit.quota.what[1:]} is one document, so it cannot be split."
        )
    else:
        yield "One statement alone is too long, in lists that cannot be parted."
    if kind is Kind.TRUST and longest <= RAISED_TRUST:
        yield f"AWS raises the quota of trust policies to up to {RAISED_TRUST:,} on request."
    if kind is Kind.SESSION:
        yield "Pass managed policies by ARN (`--policy-arns`, up to 10), of which only the ARNs count."
    if found.shortest is not None and found.shortest < longest:
        unproved = ", which no comparison proves to be the same" if found.undone else ""
        yield f"The shortest form, without Sids and with wildcards, has {found.shortest:,}{unproved}."


def _findings(limit: Limit, found: Shrunk) -> Iterator[Finding]:
    if found.result.fits:
        return
    longest = max(found.result.sizes)
    yield Finding(
        code="POLICY_DOES_NOT_FIT",
        title="The policy is too long, whatever is done without changing what it allows",
        severity=Severity.ERROR,
        status=Status.FAIL,
        message=f"it has {counted(longest, _unit(limit.quota))}; {limit.quota.what} can have {limit.most:,}",
        fix="Use ARN patterns for lists of ARNs, or take access out that nobody needs.",
        source=limit.quota.source or None,
    )


def _facts(policy: Policy, limit: Limit, found: Shrunk) -> Mapping[str, Any]:
    result = found.result
    files = artifacts(result, limit.quota)
    return {
        "kind": policy.kind.value,
        **({"limit": limit.most} if limit.most else {}),
        "before": found.before,
        "after": [
            {"policy": file.name, "characters": size}
            for file, size in zip(files, result.sizes, strict=True)
        ],
        "fits": result.fits,
        # Nothing that is not proved is given.
        "equal": True,
        **shrink_facts(result, _written_shorter(limit.quota, found)),
        **(
            {"without_wildcards": list(found.without_wildcards.sizes)}
            if found.without_wildcards
            else {}
        ),
    }


def shrink_facts(found: Documents, written: int = 0) -> dict[str, Any]:
    """What was done, step by step, what each wildcard stands for, and the characters that are `written` otherwise."""
    steps = [
        {"step": own.name, "saved": own.saved, "what": joined(own.done)} for own in found.steps
    ]
    if written:
        what = "white space, escapes, lists of one entry, empty or repeated names"
        steps.append({"step": "written in fewer characters", "saved": written, "what": what})
    facts = {
        "steps": steps,
        "wildcards": [
            {
                "wildcard": own.pattern,
                "saved": own.saved,
                "stands_for": ", ".join(own.stands_for),
            }
            for own in found.wildcards
        ],
    }
    return {name: rows for name, rows in facts.items() if rows}


def _next(found: Shrunk) -> Iterator[NextCall]:
    if found.result.wildcards and found.without_wildcards:
        number = counted(len(found.without_wildcards.sizes), "policy")
        why = f"the form without wildcards, {number}"
        yield next_call(
            "policy", "shrink", why, ("document", "kind", "resource_type", "limit"), split=True
        )
