"""A rule that its gates leave out has nothing to say: with and without gates the findings are the same."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.iam.aws_managed_policies import aws_managed_policies_data

from aws_iam.engine.language.document import Kind, Policy, Statement
from aws_iam.engine.sources.gather import sources_of
from aws_iam.rules.policy.catalogue import POLICY_RULES
from aws_iam.rules.policy.run import policy_findings

if TYPE_CHECKING:
    from aws_iam.answer import Finding

SAMPLE = 12
"""Each so-manieth of AWS's managed policies."""


def _statements(example: Any, *, of_statement: bool) -> list[Any]:
    inside = example if of_statement else example.get("Statement", [])
    return inside if isinstance(inside, list) else [inside]


STATEMENTS = [
    statement
    for rule in POLICY_RULES
    for example in (*rule.bad, *rule.good)
    if isinstance(example, dict) and len(json.dumps(example)) < 3_000
    for statement in _statements(example, of_statement=rule.on is Statement)
    if isinstance(statement, dict)
]
MANAGED = sorted(json.loads(aws_managed_policies_data).items())[::SAMPLE]


def by_every_rule(policy: Policy) -> list[Finding]:
    """The findings of all rules, each run on everything."""
    rules = (
        candidate
        for candidate in POLICY_RULES
        if candidate.on in {Policy, Statement}
        and (not candidate.kinds or policy.kind in candidate.kinds)
    )
    return [
        finding
        for rule in rules
        for finding in rule.findings(*((policy,) if rule.on is Policy else policy.statements))
    ]


def told(findings: list[Finding] | tuple[Finding, ...]) -> list[tuple[str, str, str]]:
    return sorted((finding.code, str(finding.where), finding.message) for finding in findings)


def policy_of(document: dict[str, Any], kind: Kind | None = None) -> Policy:
    content = sources_of(document, kind)[0].content
    assert isinstance(content, Policy)
    return content


@pytest.mark.parametrize("kind", [*Kind])
def test_no_gate_hides_what_a_rule_finds_in_an_example(kind: Kind) -> None:
    for statement in STATEMENTS:
        policy = policy_of({"Version": "2012-10-17", "Statement": [statement]}, kind)
        assert told(policy_findings(policy)) == told(by_every_rule(policy)), statement


@pytest.mark.parametrize(("name", "policy"), MANAGED, ids=[name for name, _ in MANAGED])
def test_no_gate_hides_what_a_rule_finds_in_a_managed_policy(
    name: str, policy: dict[str, Any]
) -> None:
    read_ = policy_of(policy["Document"], Kind.IDENTITY)
    assert told(policy_findings(read_)) == told(by_every_rule(read_)), name


ELEMENTS = sorted({name for statement in STATEMENTS for name in statement})


@given(
    st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                name: st.sampled_from([e[name] for e in STATEMENTS if name in e])
                for name in ELEMENTS
            },
        ),
        min_size=1,
        max_size=3,
    ),
    st.sampled_from([*Kind]),
    st.sampled_from(["2012-10-17", "2008-10-17", None]),
)
def test_no_gate_hides_what_a_rule_finds_in_a_mixture(
    statements: list[dict[str, Any]], kind: Kind, version: str | None
) -> None:
    head = {"Version": version} if version else {}
    policy = policy_of({**head, "Statement": statements}, kind)
    assert told(policy_findings(policy)) == told(by_every_rule(policy))
