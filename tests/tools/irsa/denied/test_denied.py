"""`irsa denied`: the cause for each refusal, and the exact policy with its proof."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_iam import evaluate
from aws_iam.engine.repair.edits import Edit, replayed
from aws_iam.engine.tokens.claims import claims_of
from aws_iam.errors import InputError
from aws_iam.tools.irsa import check
from aws_iam.tools.irsa.actions import tool
from helpers.folders import ROOT, TESTS
from helpers.provider_cases import cases
from helpers.tables.each import for_each
from helpers.trust_of_issuers import CLAIMS, GITHUB, OPEN, ask, trust

pytestmark = pytest.mark.process

CASES = [
    *json.loads((TESTS / "cases/irsa/denied.json").read_text(encoding="utf-8")),
    *cases("denied"),
]


# What an edit cannot be proved for.
WITHOUT_EDITS = (
    "an operator that AWS does not have",
    "a network that the policy demands besides",
)


def claims_for(case: dict[str, Any]) -> dict[str, Any]:
    merged = {**CLAIMS, **case.get("claims", {})}
    return {name: value for name, value in merged.items() if value is not None}


@for_each(CASES, name=lambda case: case["name"])
def test_a_refusal_has_its_cause_and_its_edit(case: dict[str, Any]) -> None:
    more = {key: case[key] for key in ("action", "deny", "partition") if key in case}
    answer = ask(
        trust(case["condition"], case.get("host", GITHUB), **more), claims=claims_for(case)
    )
    assert [finding.code for finding in answer.findings] == case["codes"]
    text = " ".join(f"{finding.message} {finding.where}" for finding in answer.findings)
    assert all(words in text for words in case.get("says", ())), text
    assert case.get("fix", "") in " ".join(finding.fix for finding in answer.findings)
    assert case.get("summary", "") in answer.summary
    wanted = case.get("outcome", "ImplicitlyDenied" if case["codes"] else "Allowed")
    assert answer.decision.outcome == wanted
    assert answer.summary.startswith("The trust policy lets" if wanted == "Allowed" else "Refused")


@for_each([case for case in CASES if case.get("exact", True)], name=lambda case: case["name"])
def test_the_policy_it_writes_lets_in_this_caller_and_no_neighbour(case: dict[str, Any]) -> None:
    claims, more = claims_for(case), {"partition": case.get("partition", "aws")}
    answer = ask(trust(case["condition"], case.get("host", GITHUB), **more), claims=claims)
    (artifact,) = answer.artifacts
    statement = json.loads(artifact.content)["Statement"][0]
    host = claims["iss"].removeprefix("https://")

    def decided(**changed: str) -> str:
        keys = claims_of({**claims, **changed}).keys(host)
        request = {
            "principal": statement["Principal"]["Federated"],
            "action": "sts:AssumeRoleWithWebIdentity",
            "resource": f"arn:{case.get('partition', 'aws')}:iam::111122223333:role/x",
            "context": {key: list(value) for key, value in keys.items()} | case.get("request", {}),
        }
        return evaluate(request, {"resource": artifact.content}).outcome

    assert decided() == "Allowed"
    assert decided(sub="x" + claims["sub"]) == "ImplicitlyDenied"
    assert decided(aud="other", azp="other") == "ImplicitlyDenied"
    for claim in case.get("tested", ()):
        assert decided(**{claim: f"x{claims[claim]}"}) == "ImplicitlyDenied"
    if "subject" in case:
        assert statement["Condition"]["StringLike"] == {f"{host}:sub": case["subject"]}
    assert {row["outcome"] for row in answer.facts["proof"]} == {"Allowed", "ImplicitlyDenied"}
    codes = {finding.code for finding in check.of_document(artifact.content).findings}
    assert codes <= {"OIDC-MUTABLE", "OIDC-PR"}


@for_each([case for case in CASES if case.get("exact", True)], name=lambda case: case["name"])
def test_the_edits_let_in_this_caller_and_keep_every_statement(case: dict[str, Any]) -> None:
    claims, more = claims_for(case), {"partition": case.get("partition", "aws")}
    policy = trust(case["condition"], case.get("host", GITHUB), **more)
    answer = ask(policy, claims=claims)
    rows = answer.facts.get("edits", [])
    edits = [
        Edit(pointer=row["pointer"], change=row["change"], after=row.get("after")) for row in rows
    ]
    new = replayed(policy, edits)
    if rows:
        assert ask(new, claims=claims).decision.outcome == "Allowed"
    elif answer.decision.outcome != "Allowed":
        assert case["name"] in WITHOUT_EDITS
    other = {**claims, "sub": "x"}
    assert ask(new, claims=other).decision.outcome == ask(policy, claims=other).decision.outcome


@given(
    st.dictionaries(
        st.sampled_from(["sub", "aud", "azp", "email", "ref"]), st.text(min_size=1, max_size=40)
    )
)
def test_any_claims_give_a_policy_that_lets_them_in_or_a_clear_error(
    claims: dict[str, str],
) -> None:
    answer = ask(claims={"iss": f"https://{GITHUB}", **claims})
    for artifact in answer.artifacts:
        assert answer.facts["proof"][0]["outcome"] == "Allowed"
        assert json.loads(artifact.content)["Version"] == "2012-10-17"


def test_a_deny_of_other_callers_stays_in_the_policy() -> None:
    policy = trust({"StringEquals": {"$:sub": "repo:octo/app:ref:refs/heads/dev"}})
    fork = {"StringEquals": {f"{GITHUB}:ref": "refs/heads/old"}}
    plain = {"Bool": {"aws:SecureTransport": "false"}}
    policy["Statement"] += [
        {"Effect": "Deny", "Principal": "*", "Action": "sts:*", "Condition": only}
        for only in (fork, plain)
    ]
    (artifact,) = ask(policy, claims=CLAIMS).artifacts
    assert json.loads(artifact.content)["Statement"][1:] == policy["Statement"][1:]


def test_a_tested_claim_of_several_values_gives_no_policy() -> None:
    policy = trust({"ForAnyValue:StringEquals": {"$:actor": "octo"}})
    answer = ask(policy, claims={**CLAIMS, "actor": ["octo", "cat"]})
    assert answer.artifacts == ()


def test_ids_of_the_repository_are_pinned_where_the_token_has_them() -> None:
    answer = ask(claims={**CLAIMS, "repository_id": "7", "repository_owner_id": 9})
    tested = json.loads(answer.artifacts[0].content)["Statement"][0]["Condition"]["StringEquals"]
    assert tested[f"{GITHUB}:repository_id"] == "7"
    assert tested[f"{GITHUB}:repository_owner_id"] == "9"


def test_several_audiences_are_compared_with_a_note_that_aws_does_not_document_it() -> None:
    answer = ask(claims={**CLAIMS, "aud": ["sts.amazonaws.com", "other"]})
    assert answer.decision.outcome == "Allowed"
    assert answer.artifacts == ()
    assert "does not document" in answer.facts["notes"][0]["note"]


def test_every_cause_has_a_case_and_a_row_on_the_page() -> None:
    root = ROOT
    files = [
        *(root / "server/aws_iam/engine/tokens").glob("*.py"),
        root / "server/aws_iam/tools/irsa/denied/denied.py",
    ]
    codes = {
        code
        for file in files
        for code in re.findall(r'"(TOKEN-[A-Z-]+)"', file.read_text(encoding="utf-8"))
    }
    page = (root / "references/irsa-oidc.md").read_text(encoding="utf-8")
    assert {code for code in codes if f"`{code}`" not in page} == set()
    # These need a token, or a policy without any Allow.
    met = {code for case in CASES for code in case["codes"]}
    assert codes - met == {"TOKEN-ALGORITHM", "TOKEN-SIGNATURE", "TOKEN-NO-ALLOW"}


def test_a_policy_that_allows_nothing_says_so() -> None:
    deny = {**OPEN, "Statement": [{**OPEN["Statement"][0], "Effect": "Deny"}]}
    codes = [finding.code for finding in ask(deny, claims={**CLAIMS, "sub": "x"}).findings]
    assert codes == ["TOKEN-NO-ALLOW"]


def test_without_an_account_no_policy_is_made_up() -> None:
    pods = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "pods.eks.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    answer = ask(pods, claims=CLAIMS)
    assert answer.artifacts == ()
    assert "`account`" in answer.summary
    written = ask(pods, claims=CLAIMS, account="444455556666").artifacts[0].content
    assert "arn:aws:iam::444455556666:oidc-provider/" in written


def test_several_policies_and_policies_of_identities_are_refused() -> None:
    with pytest.raises(InputError, match="2 trust policies, and only one"):
        ask([OPEN, OPEN], claims=CLAIMS)
    identity = {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"},
    }
    with pytest.raises(InputError, match="not a trust policy"):
        ask(identity, claims=CLAIMS)
    with pytest.raises(InputError, match="not JSON at line"):
        ask('{"Statement": [', claims=CLAIMS)


@pytest.mark.parametrize(
    ("subject", "says"),
    [
        ("repo:octo/app:pull_request", "before anybody has reviewed it"),
        ("repo:evil/app:ref:refs/heads/main", "The token is of `evil`, and the given policy trusts `octo`"),
        ("repo:octo/app:ref:refs/heads/dev", "none of those that the given policy lets in"),
    ],
)  # fmt: skip
def test_the_exact_policy_comes_with_what_speaks_against_it(subject: str, says: str) -> None:
    document = trust({"StringEquals": {"$:aud": "sts.amazonaws.com", "$:sub": CLAIMS["sub"]}})
    answer = tool.run(
        {"action": "denied", "document": document, "claims": {**CLAIMS, "sub": subject}}
    )
    assert says in answer.summary
    assert ("is of `evil`" in answer.summary) is ("evil" in subject)
