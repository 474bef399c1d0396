"""The checks of workload identity: their examples, traps that tell neighbours apart, and what missing data becomes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from aws_iam.account.collect.fact import Miss, MissKind
from aws_iam.account.collect.identity.authorization import AUTHORIZATION
from aws_iam.answer import Severity, Status
from aws_iam.engine.language.document import Kind
from aws_iam.engine.sources.gather import one_policy
from aws_iam.rules.check import Check, check, checks_in
from aws_iam.tools.irsa import check as irsa_check
from aws_iam.tools.irsa import checks
from aws_iam.tools.irsa.checks.catalogue import CHECKS, FAMILIES, NEEDS, ON_ACCOUNT, ON_TRUST
from aws_iam.tools.irsa.checks.samples import (
    RECENTLY,
    association,
    cluster,
    for_github,
    for_pod_identity,
    role,
    roles,
    service_account,
    workloads,
)
from aws_iam.tools.irsa.checks.subject import Trust, Workloads
from helpers.cis_snapshots import denied, empty, refused
from helpers.families import declaring
from helpers.folders import TESTS
from helpers.provider_cases import cases
from helpers.tables.each import for_each

CASES = [
    *json.loads((TESTS / "cases/irsa/trust-checks.json").read_text(encoding="utf-8")),
    *cases("trust_checks"),
]
GITHUB = "token.actions.githubusercontent.com"
BUILT_IN = ("cognito-identity.amazonaws.com",)


def subject(example: Any) -> Trust | Workloads:
    """What a check of its kind judges in an example."""
    if isinstance(example, Workloads):
        return example
    statement, known = example if isinstance(example, tuple) else (example, {})
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    return Trust(policy=one_policy(policy, Kind.TRUST), **known)


EXAMPLES = {
    f"{check.code}-{'bad' if is_bad else 'good'}-{number}": (check, example, is_bad)
    for check in CHECKS
    for is_bad, examples in ((True, check.bad), (False, check.good))
    for number, example in enumerate(examples)
}


@for_each(EXAMPLES)
def test_a_check_finds_its_bad_examples_and_no_good_one(name: str) -> None:
    check, example, is_bad = EXAMPLES[name]
    found = check.findings(subject(example))
    assert bool(found) is is_bad, found
    for finding in found:
        assert (finding.code, finding.status) == (check.code, Status.FAIL)
        assert finding.message
        assert not finding.message.endswith(".")
        assert finding.fix
        assert finding.where or finding.resource


@for_each(CHECKS, name=lambda check: check.code)
def test_a_check_is_declared_in_full(check: Check[Any]) -> None:
    assert check.why
    assert not check.title.endswith(".")
    assert check.source.startswith("https://")
    assert check.severity in set(list(Severity)[4:])
    assert check.needs


def statement(case: dict[str, Any]) -> dict[str, Any]:
    host = case.get("host", GITHUB)
    condition = case.get("condition")
    if condition is None:
        operator, value = case["sub"]
        condition = {"StringEquals": {"$:aud": "sts.amazonaws.com"}}
        condition = condition | {operator: {**condition.get(operator, {}), "$:sub": value}}
    condition = json.loads(json.dumps(condition).replace("$:", f"{host}:"))
    federated = host if host in BUILT_IN else f"arn:aws:iam::111122223333:oidc-provider/{host}"
    return {
        "Effect": "Allow",
        "Principal": case.get("principal", {"Federated": federated}),
        **(
            {"NotAction": case["not_action"]}
            if "not_action" in case
            else {"Action": case.get("action", "sts:AssumeRoleWithWebIdentity")}
        ),
        **({"Condition": condition} if condition else {}),
    }


@for_each(CASES, name=lambda case: case["name"])
def test_a_trust_policy_gets_exactly_its_verdicts(case: dict[str, Any]) -> None:
    statements = [statement(case)]
    if "deny" in case:
        denial = statement({**case, "condition": case["deny"]})
        statements.append({**denial, "Effect": "Deny"})
    answer = irsa_check.of_document({"Version": "2012-10-17", "Statement": statements})
    assert {finding.code: finding.severity.value for finding in answer.findings} == case["codes"]
    told = [(finding.code, finding.where, finding.message) for finding in answer.findings]
    assert [finding for finding in told if told.count(finding) > 1] == []
    for finding in answer.findings:
        assert finding.where
        assert finding.where.pointer.startswith("/Statement/0")


EKS = "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE"


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ({"host": EKS, "sub": ["StringEquals", "system:serviceaccount:Payments:api"]}, "only in upper and lower case"),
        ({"sub": ["StringEquals", "REPO:octo/app:ref:refs/heads/main"]}, "only in upper and lower case"),
        ({"sub": ["StringEquals", "repo:octo/app:main"]}, "never matches: subjects of GitHub Actions have the form"),
        ({"host": f"https://{GITHUB}", "sub": ["StringEquals", "repo:octo/app:ref:refs/heads/main"]}, "without `https://`"),
        ({"sub": ["StringLike", "repo:octo/app:ref:refs/heads/*"]}, "matches every branch that fits"),
        ({"host": "api.pulumi.com/oidc", "sub": ["StringEquals", "pulumi:deploy:org:acme:project:p:stack:s:operation:update"]}, "have the form `pulumi:deploy:org:"),
        ({"host": "login.microsoftonline.com/contoso.onmicrosoft.com/v2.0", "sub": ["StringEquals", "11111111-2222-3333-4444-555555555555"]}, "must name the tenant's GUID"),
        ({"sub": ["StringLike", "repo:octo/app:ref:refs/tags/*"]}, "matches every tag that fits"),
        ({"host": "login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0", "sub": ["StringLike", "cccc*"]}, "matches every subject that begins with `cccc`"),
        ({"host": "login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0", "sub": ["StringLike", "*cc"]}, "matches every subject that fits"),
        ({"condition": {"StringEquals": {"$:aud": "sts.amazonaws.com"}, "StringNotEquals": {"https://$:sub": "x"}}}, "begins with `https://`, which no request's key does"),
    ],
)  # fmt: skip
def test_a_finding_says_what_is_wrong_with_this_value(case: dict[str, Any], says: str) -> None:
    document = {"Version": "2012-10-17", "Statement": [statement(case)]}
    messages = [finding.message for finding in irsa_check.of_document(document).findings]
    assert any(says in message for message in messages), messages
    assert not any("another issuer" in message for message in messages)


@pytest.mark.parametrize(
    ("host", "subject", "message", "fix"),
    [
        (GITHUB, "repo:octo@1/app@2:ref:refs/tags/*", "matches every tag that fits", "`repo:octo@1/app@2:ref:refs/tags/TAG` under"),
        (GITHUB, "repo:octo@1/app@2:ref:*", "that fits: branches, tags and refs of ", "refs/heads/BRANCH`"),
        (GITHUB, "repo:octo@1/app@2:*", "branches, tags, environments, ", "refs/heads/BRANCH`"),
        ("vstoken.dev.azure.com/11111111-2222-3333-4444-555555555555", "sc://o/p/c*", "every service connection", "`sc://o/p/SERVICE_CONNECTION`"),
        ("app.terraform.io", "organization:o:project:p:stack:s:*", "every deployment of the stack", "s:deployment:DEPLOYMENT:operation:OPERATION`"),
        ("api.pulumi.com/oidc", "pulumi:deploy:org:octo:project:shop:*", "of any stack, operation and scope", "stack:STACK:operation:OPERATION:scope:write`"),
        (GITHUB, "repo:octo@1/app@2:ref:refs/heads/v?", "such as `vx`", "fits `v?`"),
        (GITHUB, "repo:octo@1/app@2:ref:refs/pull/*", "refs of pull requests", "refs/pull/NUMBER/merge`"),
        ("app.terraform.io", "organization:o:project:p:stack:*:deployment:d:operation:plan", "including ones created later", "stack:STACK:deployment:DEPLOYMENT:operation:OPERATION`"),
        ("app.terraform.io", "organization:o:project:p:stack:s:deployment:d:operation:*", "plan and apply", "reads for operation:plan"),
        ("app.terraform.io", "organization:o:project:p:workspace:w:run_phase:*", "plan and apply", "reads for run_phase:plan"),
        ("gitlab.com", "project_path:octo/app:ref_type:tag:ref:*", "every tag", "`project_path:octo/app:ref_type:tag:ref:TAG`"),
        ("agent.buildkite.com", "organization:octo:pipeline:app:ref:refs/tags/*", "every tag", "refs/tags/TAG:commit:*`"),
        ("octo.app.spacelift.io", "space:prod:stack:net:*", "every run that fits, of any kind", "scope:write`"),
        ("oidc.vercel.com/octo", "owner:octo:project:shop:*", "every run that fits, of any kind", "environment:production`"),
    ],
)  # fmt: skip
def test_a_wide_pattern_gets_the_words_and_the_form_of_its_issuer(
    host: str, subject: str, message: str, fix: str
) -> None:
    case = {"host": host, "sub": ["StringLike", subject]}
    document = {"Version": "2012-10-17", "Statement": [statement(case)]}
    found = irsa_check.of_document(document).findings[0]
    assert message in found.message
    assert fix in (found.fix or "")
    assert host == GITHUB or "pull request" not in found.message


def test_the_cases_meet_every_check_that_a_document_alone_can_fail() -> None:
    met = {code for case in CASES for code in case["codes"]}
    needing_more = {"OIDC-PRIV", "OIDC-AUD-UNREGISTERED", "PID-NO-TAGSESSION"}
    assert {check.code for check in ON_TRUST} - needing_more == met


def test_every_family_of_the_folder_is_in_the_catalogue() -> None:
    assert declaring(checks) == {module for _, module in FAMILIES}


def test_a_code_is_declared_once() -> None:
    with pytest.raises(TypeError, match="declared twice"):
        checks_in(FAMILIES[0][1], FAMILIES[0][1])


def test_a_check_without_reason_or_example_is_refused() -> None:
    def silent(_: Trust) -> Any:
        yield from ()

    declare = check(
        "X", on=Trust, severity=Severity.LOW, title="x", fix="y.", source="https://x", bad=[1], good=[1]
    )  # fmt: skip
    with pytest.raises(TypeError, match="docstring"):
        declare(silent)


def test_an_account_that_refuses_everything_is_unknown_and_never_clean() -> None:
    answer = irsa_check.of_account(refused(regions=("eu-west-1",)))
    assert {finding.status for finding in answer.findings} == {Status.UNKNOWN}
    assert all("allow " in (finding.reason or "") for finding in answer.findings)
    assert "could not be judged" in answer.summary
    assert answer.summary.startswith("Nothing could be evaluated in account")
    assert answer.facts["nothing_evaluated"] is True
    told = {finding.code for finding in answer.findings}
    # Without service accounts there is nothing to hold against the account.
    assert {check.code for check in ON_ACCOUNT} - told == {"IRSA-ANNOT-MISMATCH", "IRSA-DANGLING", "IRSA-STATIC-KEYS", "OIDC-WORKFLOW", "PID-DUAL"}  # fmt: skip
    assert "TRUST-UNREAD" in told


def test_an_account_with_nothing_in_it_is_clean() -> None:
    answer = irsa_check.of_account(empty(regions=("eu-west-1",)))
    assert answer.findings == ()
    assert answer.summary.startswith("No problem found in account 111122223333")


def without(at: Workloads, *missing: str) -> Workloads:
    """The same workloads with these facts refused."""
    miss = denied("service:Operation")
    facts = {key: miss if key[0] in missing else fact for key, fact in at.account.facts.items()}
    return replace(at, account=replace(at.account, facts=facts))


@pytest.mark.parametrize("check", ON_ACCOUNT, ids=lambda check: check.code)
def test_a_check_reads_the_facts_that_it_declares_and_no_others(check: Check[Workloads]) -> None:
    declared = {fact.name for fact in check.needs}
    read = set()
    for example in (*check.bad, *check.good):
        in_example = {name for name, _ in example.account.facts}
        others = without(example, *(in_example - declared))
        assert check.findings(others) == check.findings(example)
        for name in in_example & declared:
            if any(f.status is Status.UNKNOWN for f in check.findings(without(example, name))):
                read.add(name)
    assert read == declared


# Which checks turn unknown when a fact is refused in an account that has one of everything.
@pytest.mark.parametrize("fact", NEEDS, ids=lambda fact: fact.name)
def test_a_refused_fact_makes_unknown_what_needs_it_and_hides_no_failure(fact: Any) -> None:
    full = workloads(
        roles(
            role("deploy", for_github(), last_used=RECENTLY),
            role("cart", for_pod_identity(), last_used=RECENTLY),
        ),
        cluster(association("shop", "cart", "cart")),
        accounts=[service_account("shop", "cart", {})],
    )
    account = empty(regions=("eu-west-1",))
    facts = {**account.facts, **full.account.facts}
    region = "eu-west-1" if (fact.name, "eu-west-1") in facts else ""
    miss = denied("service:Operation")
    changed = replace(account, facts={**facts, (fact.name, region): miss})
    found = irsa_check.of_account(changed).findings
    unknown = [finding for finding in found if finding.status is Status.UNKNOWN]
    assert unknown
    assert all("service:Operation" in (finding.reason or "") for finding in unknown)


@pytest.mark.parametrize(("kind", "verb"), [("denied", "allow"), ("throttled", "needs")])
def test_roles_that_were_not_read_need_a_permission_only_where_it_was_refused(
    kind: str, verb: str
) -> None:
    missed = Miss(kind=MissKind(kind), call="iam:GetX", permission="iam:GetX")
    found = irsa_check.of_account(workloads(AUTHORIZATION.held(missed)).account).findings
    (told,) = (finding for finding in found if finding.code == "TRUST-UNREAD")
    assert told.reason == f"iam:GetX: {kind}; {verb} iam:GetX"


def test_a_role_of_which_the_snapshot_lacks_every_date_is_not_said_to_be_in_use() -> None:
    found = irsa_check.of_account(workloads(roles(role("deploy", for_github()))).account).findings
    (told,) = (finding for finding in found if finding.code == "OIDC-ROLE-STALE")
    assert told.status is Status.UNKNOWN
    assert "neither `created` nor `last_used` of `deploy`" in told.message
    assert told.reason == "iam:GetAccountAuthorizationDetails: no value"


def test_one_association_that_cannot_be_read_is_unknown_and_the_others_are_judged() -> None:
    unread = replace(
        association("shop", "cart", "cart"), details=denied("eks:DescribePodIdentityAssociation")
    )
    at = workloads(roles(), cluster(unread, association("bank", "app", "gone", 2)))
    bad = next(check for check in CHECKS if check.code == "PID-ROLE-BAD")
    assert sorted(finding.status.value for finding in bad.findings(at)) == ["fail", "unknown"]


def test_the_policy_of_a_target_in_another_account_is_unknown_with_what_to_ask_for() -> None:
    abroad = association(
        "shop", "cart", "cart", target_role="arn:aws:iam::999999999999:role/x", external_id="e/1"
    )
    at = workloads(roles(role("cart", for_pod_identity())), cluster(abroad))
    checked = next(check for check in CHECKS if check.code == "PID-TARGET-NOEXTID")
    (finding,) = checked.findings(at)
    assert finding.status is Status.UNKNOWN
    assert '{"StringEquals": {"sts:ExternalId": "e/1"}}' in finding.message


def test_a_cluster_of_a_region_that_was_not_read_is_unknown_not_dead() -> None:
    checked = next(check for check in CHECKS if check.code == "OIDC-PROV-DEADCLUSTER")
    elsewhere = replace(checked.bad[0].account, facts={
        key: value for key, value in checked.bad[0].account.facts.items() if key[0] != "eks.clusters"
    })  # fmt: skip
    (finding,) = checked.findings(Workloads(account=elsewhere))
    assert finding.status is Status.UNKNOWN


@pytest.mark.parametrize(
    ("allows", "severity", "confidence"),
    [
        ([{"Action": "s3:GetObject", "Resource": "*"}], "low", None),
        ([{"Action": "s3:PutObject", "Resource": "*"}], "high", None),
    ],
)
def test_pull_requests_are_graded_by_what_the_role_may_do(
    allows: Any, severity: str, confidence: str | None
) -> None:
    trust = statement({"sub": ["StringEquals", "repo:octo@1/app@2:pull_request"]})
    at = workloads(roles(role("ci", trust, allows=allows)))
    found = [
        finding
        for finding in irsa_check.of_account(at.account).findings
        if finding.code == "OIDC-PR"
    ]
    assert [(told.severity.value, told.confidence) for told in found] == [(severity, confidence)]


def test_an_open_trust_of_a_role_that_can_become_administrator_is_critical() -> None:
    trust = statement({"sub": ["StringLike", "repo:octo/*"]})
    for allows, wanted in (
        ([{"Action": "*", "Resource": "*"}], True),
        ([{"Action": "iam:CreateAccessKey", "Resource": "*"}], True),
        ([{"Action": "s3:*", "Resource": "*"}], False),
    ):
        at = workloads(roles(role("ci", trust, allows=allows)))
        codes = {finding.code for finding in irsa_check.of_account(at.account).findings}
        assert ("OIDC-PRIV" in codes) is wanted, allows


def test_a_role_of_another_account_is_unknown_and_no_alarm() -> None:
    abroad = service_account("shop", "cart", {"eks.amazonaws.com/role-arn": "arn:aws:iam::999999999999:role/x"})  # fmt: skip
    mismatch = next(check for check in CHECKS if check.code == "IRSA-ANNOT-MISMATCH")
    (finding,) = mismatch.findings(workloads(roles(), accounts=[abroad]))
    assert finding.status is Status.UNKNOWN
    assert finding.resource == "shop/cart"


def test_a_trust_policy_that_cannot_be_read_is_unknown() -> None:
    broken = replace(role("ci"), trust='{"Statement": [{"Principal": {"Federated": ')
    found = irsa_check.of_account(workloads(roles(broken)).account).findings
    assert any(
        finding.code == "TRUST-UNREAD" and finding.resource == broken.arn and finding.status is Status.UNKNOWN
        for finding in found
    )  # fmt: skip


def test_hostile_names_stay_on_one_line_and_in_their_quotes() -> None:
    hostile = service_account(
        "shop", "cart`\x1b[2J\n# x", {"eks.amazonaws.com/role_arn": "\u202ex"}
    )
    at = workloads(roles(), accounts=[hostile])
    for declared in ON_ACCOUNT:
        for finding in declared.findings(at):
            text = " ".join(filter(None, (finding.message, finding.resource, finding.fix)))
            assert not any(word in text for word in ("\x1b", "\n", "\u202e"))


def test_misses_are_no_values() -> None:
    assert all(isinstance(fact, Miss) for fact in refused().facts.values())
