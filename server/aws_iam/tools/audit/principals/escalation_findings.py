"""What is told of a principal that is an administrator, can become one, gains more otherwise, or of whom that is not known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.answer import Finding, Severity, Status
from aws_iam.engine.explain.escalation_risks import (
    BEST_PRACTICES,
    FAMILIES,
    fix_of_family,
    source_of,
)
from aws_iam.escape import quoted
from aws_iam.tools.audit.paths.lesser_gains import MOST_NAMED
from aws_iam.tools.audit.paths.powers import catalogued
from aws_iam.tools.audit.paths.to_summary import path_in_words
from aws_iam.tools.audit.principals.admin_level import UNKNOWN
from aws_iam.tools.audit.principals.unused_access import UNUSED_PAGE
from aws_iam.wording import counted, joined

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.tools.audit.paths.hop import Hop, Path
    from aws_iam.tools.audit.paths.lesser_gains import Gained
    from aws_iam.tools.audit.paths.spoken_names import Names
    from aws_iam.tools.audit.principals.judged_principals import JudgedPrincipal, RoleChain

ESCALATION = "PRIVILEGE_ESCALATION"
_MOST_CHAINS = 5
_MOST_ROLES = 10
_BECOMES = "Privilege escalation: the caller can become an administrator"


def escalation_findings(principal: JudgedPrincipal, names: Names) -> Iterator[Finding]:
    """The findings on one principal."""
    if principal.reached and principal.reached.verdict == UNKNOWN:
        yield _not_known(principal, principal.reached.why)
    if principal.level and principal.level.finding:
        yield _administrator(principal, principal.level.finding)
    if principal.paths:
        yield _escalation(principal, names)
    if principal.chains:
        yield _assumes(principal)
    if principal.gains:
        yield _gains(principal, names)


def _not_known(principal: JudgedPrincipal, why: str) -> Finding:
    return Finding(
        code="PRINCIPAL_NOT_JUDGED",
        title="Whether a principal can become an administrator is not known",
        severity=Severity.MEDIUM,
        status=Status.UNKNOWN,
        message=f"{principal.name}: {why}",
        reason=f"{joined(principal.unread)}: {why}" if principal.unread else why,
        resource=principal.identity.arn,
        fix=(
            f"It is not among what {joined(principal.unread)} returned: save a new snapshot, or review it by hand."
            if principal.unread
            else "Correct what is named here, or decide about it by hand."
        ),
        source=UNUSED_PAGE,
    )


def _administrator(principal: JudgedPrincipal, finding: Finding) -> Finding:
    parts = [f"{principal.name}: {finding.message}"]
    removed = principal.level.actions_removed if principal.level else 0
    if removed:
        actions = counted(removed, "action")
        parts.append(f"service control policies deny {actions} that its own policies allow")
    parts.append("decide whether it should be an administrator")
    return Finding(
        code=finding.code,
        title=finding.title,
        severity=finding.severity,
        # Every account needs an administrator; only its owner knows whether it is this principal.
        status=Status.MANUAL,
        message="; ".join(parts),
        resource=principal.identity.arn,
        fix=finding.fix,
        source=finding.source,
    )


def _escalation(principal: JudgedPrincipal, names: Names) -> Finding:
    easiest = min(
        principal.paths,
        key=lambda path: (path.conditions, len(path.hops), not _is_alone(path)),
    )
    more = len(principal.paths) - 1
    rest = f"; and {counted(more, 'more path')}" if more else ""
    family = _family(easiest)
    return Finding(
        code=ESCALATION,
        title=_BECOMES,
        severity=_severity(easiest),
        status=Status.FAIL,
        message=f"{path_in_words(easiest, names)}, and so becomes an administrator{rest}",
        resource=principal.identity.arn,
        fix=fix_of_family(family),
        source=source_of(family),
    )


def _severity(path: Path) -> Severity:
    """Critical where it needs nobody and nothing else, medium where something must hold besides."""
    if path.conditions:
        return Severity.MEDIUM
    return Severity.CRITICAL if _is_alone(path) else Severity.HIGH


def _is_alone(path: Path) -> bool:
    return all(hop.start == hop.end for hop in path.hops)


def _family(path: Path) -> str:
    """What kind of path it is by its first step that is in the catalogue, but for assuming a role."""
    return next((own for hop in path.hops if (own := _family_of(hop))), "")


def _family_of(hop: Hop) -> str:
    known = catalogued().get(hop.technique)
    return known.family if known else ""


def _assumes(principal: JudgedPrincipal) -> Finding:
    chains = [_chain_words(chain) for chain in principal.chains]
    is_conditional = all(chain.conditions for chain in principal.chains)
    return Finding(
        code="TAKES_ADMINISTRATOR_ROLE",
        title="A principal can assume an administrator's role",
        severity=Severity.MEDIUM if is_conditional else Severity.HIGH,
        status=Status.MANUAL,
        message=(
            f"{principal.name} can assume {joined(chains, shown=_MOST_CHAINS)};"
            " decide whether it should be an administrator"
        ),
        resource=principal.identity.arn,
        fix="In the role's trust policy, name the principals that may assume it, with a condition on aws:MultiFactorAuthPresent.",
        source=BEST_PRACTICES,
    )


def _chain_words(chain: RoleChain) -> str:
    *on_the_way, last = (quoted(name) for name in chain.roles)
    last += " (which can become an administrator)" if chain.rises else ""
    through = joined(on_the_way, shown=_MOST_ROLES)
    words = f"{last} through {through}" if through else last
    # The caller may choose their values, as with an external id; a snapshot cannot know them.
    return f"{words}{f' (if {joined(chain.conditions)})' if chain.conditions else ''}"


def _gains(principal: JudgedPrincipal, names: Names) -> Finding:
    shown = [_gain_words(own, principal, names) for own in principal.gains[:MOST_NAMED]]
    more = len(principal.gains) - len(shown)
    rest = f"; and {counted(more, 'more way')}" if more else ""
    is_small = principal.has_boundary and not any(
        own.targets or own.sheds_boundary for own in principal.gains
    )
    known = catalogued().get(principal.gains[0].technique)
    family = known.family if known else ""
    return Finding(
        code=ESCALATION,
        title=f"Possible privilege escalation: {FAMILIES.get(family, 'the caller can give itself more')}",
        severity=Severity.LOW if is_small else Severity.MEDIUM,
        status=Status.FAIL,
        message=f"{principal.name}: {'; '.join(shown)}{rest}",
        resource=principal.identity.arn,
        fix=fix_of_family(family),
        source=source_of(family),
    )


def _gain_words(gained: Gained, principal: JudgedPrincipal, names: Names) -> str:
    actions = joined([quoted(own) for own in gained.actions], shown=len(gained.actions))
    if gained.targets:
        named = [names.of(own) for own in gained.targets]
        words = f"with {actions} it can act as others who have more, such as {joined(named)}"
    elif gained.sheds_boundary:
        words = f"with {actions} it gives itself what its permissions boundary keeps from it"
    else:
        limit = "its permissions boundary" if principal.has_boundary else "its organization"
        words = f"with {actions} it gives itself more, at most what {limit} allows and no Deny takes away"
    return f"{words}{f', assuming that {joined(gained.assuming)}' if gained.assuming else ''}"
