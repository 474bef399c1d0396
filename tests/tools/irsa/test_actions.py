"""`irsa trust_policy`: for every provider exactly the requested workload, and errors that say why."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from aws_iam import templates
from aws_iam.answer import Status, to_json
from aws_iam.engine.reference import issuers
from aws_iam.engine.reference.catalog import catalog
from aws_iam.errors import InputError
from aws_iam.rules.policy.run import validate
from aws_iam.tools.irsa.actions import tool
from aws_iam.tools.irsa.names import Names
from aws_iam.tools.irsa.provider_catalogue import PROVIDERS
from aws_iam.tools.policy import actions
from helpers.provider_cases import PROVIDERS_WITH_CASES, cases
from helpers.tables.each import for_each

GOOD = cases("trust_policies")
BAD = cases("refusals")
ACCOUNT = "111122223333"
SAMPLE = {"provider": "github", "owner": "octo", "repository": "app", "account": ACCOUNT}


def ask(**arguments: Any) -> Any:
    return tool.run({"action": "trust_policy", "account": ACCOUNT, **arguments})


@for_each(GOOD, name=lambda case: case["name"])
def test_the_trust_policy_lets_in_exactly_the_workload(case: dict[str, Any]) -> None:
    answer = ask(**case["arguments"])
    written = json.loads(answer.artifacts[0].content)
    (statement,) = written["Statement"]
    assert written["Version"] == "2012-10-17"
    assert statement["Effect"] == "Allow"
    assert statement["Principal"] == case["principal"]
    assert statement["Action"] == case["action"]
    assert statement["Condition"] == case["condition"]
    notes = "\n".join(row["note"] for row in answer.facts.get("notes", ()))
    assert all(words in notes for words in case.get("notes", ()))
    assert case.get("creates", "") in answer.artifacts[1].content


@for_each(GOOD, name=lambda case: case["name"])
def test_the_trust_policy_validates_clean(case: dict[str, Any]) -> None:
    answer = ask(**case["arguments"])
    assert answer.artifacts[0].checked_by == "policy validate, evaluate"
    chosen = case.get("findings", [])
    assert [f.code for f in answer.findings if f.status is Status.FAIL] == chosen
    assert [f.code for f in validate(answer.artifacts[0].content, "trust")] == chosen


@for_each(GOOD, name=lambda case: case["name"])
def test_wildcards_stand_under_like_and_nothing_is_vacuous(case: dict[str, Any]) -> None:
    (statement,) = json.loads(ask(**case["arguments"]).artifacts[0].content)["Statement"]
    assert set(statement["Condition"]) <= {"StringEquals", "StringLike"}
    for operator, block in statement["Condition"].items():
        for value in block.values():
            assert ("*" in value) is (operator == "StringLike")
            # The subjects of Buildkite end in commit and step, behind the ref.
            assert value.removesuffix(":commit:*").rstrip("*").count("*") == 0


@for_each(GOOD, name=lambda case: case["name"])
def test_every_tested_claim_is_one_that_aws_maps(case: dict[str, Any]) -> None:
    answer = ask(**case["arguments"])
    if "issuer" not in answer.facts:
        return
    host = answer.facts["issuer"].removeprefix("https://")
    (statement,) = json.loads(answer.artifacts[0].content)["Statement"]
    keys = [key for block in statement["Condition"].values() for key in block]
    assert all(key.startswith(f"{host}:") for key in keys)
    claims = {key.removeprefix(f"{host}:") for key in keys}
    assert {"sub", "aud"} <= claims <= issuers.mapped_claims(host)
    known = issuers.issuer_of(host)
    assert known is None or known.requires in (None, *claims)


@pytest.mark.parametrize(
    "case", [case for case in GOOD if "template" in case], ids=lambda case: case["template"]
)
def test_the_template_of_a_provider_says_the_same(case: dict[str, Any]) -> None:
    chosen = templates.template(case["template"])
    filled = json.loads(templates.fill(chosen, chosen.samples))
    (statement,) = filled["Statement"]
    assert statement["Principal"] == case["principal"]
    assert statement["Action"] == case["action"]
    assert statement["Condition"] == case["condition"]


def test_every_trust_template_of_a_token_has_its_case() -> None:
    trusts = {template.name for template in templates.listed() if template.kind == "trust"}
    assert {case.get("template") for case in GOOD} - {None} == trusts - {"cross-account-role"}


@for_each(BAD, name=lambda case: case["name"])
def test_arguments_that_contradict_each_other_are_refused_by_name(case: dict[str, Any]) -> None:
    with pytest.raises(InputError) as refused:
        ask(**case["arguments"])
    text = str(refused.value)
    assert all(words in text for words in case["says"]), text
    assert "\n" not in text


def test_every_provider_is_a_choice_and_has_cases_and_facts() -> None:
    (choices,) = (
        a.choices for a in tool.actions["trust_policy"].arguments if a.name == "provider"
    )
    assert list(choices) == list(PROVIDERS) == list(PROVIDERS_WITH_CASES)
    assert {case["arguments"]["provider"] for case in GOOD} == set(PROVIDERS)
    # Pods with Pod Identity have no token, and so no issuer; stacks have the issuer of HCP Terraform.
    with_token = set(PROVIDERS) - {"pod_identity", "hcp_stack"}
    assert {issuer.provider for issuer in issuers.issuers()} == with_token


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_provider_names_what_it_takes(name: str) -> None:
    provider = PROVIDERS[name]
    known = set(Names.__dataclass_fields__)
    assert {*provider.needs, *provider.takes, *provider.reasons} <= known
    assert not set(provider.needs) & set(provider.takes)
    assert provider.source.startswith("https://")
    assert tool.run({"action": "guide", "topic": provider.section}).artifacts


@given(
    name=st.sampled_from(["owner", "repository", "branch", "environment", "owner_id"]),
    text=st.text(max_size=40),
)
def test_no_name_opens_the_policy(name: str, text: str) -> None:
    arguments = {**SAMPLE, "branch": "main", name: text}
    if name == "environment":
        del arguments["branch"]
    # A folder of branches is the one pattern that a caller may ask for.
    assume(not text.endswith("/*"))
    try:
        answer = ask(**arguments)
    except InputError as refused:
        assert "\n" not in str(refused)  # noqa: PT017 - most drawn names are refused
        return
    content = answer.artifacts[0].content
    assert "*" not in content
    assert "${" not in content
    assert len(json.loads(content)["Statement"]) == 1


def test_the_answer_carries_its_facts_and_their_date() -> None:
    answer = ask(**SAMPLE, branch="main")
    assert (
        answer.facts["provider_arn"]
        == f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
    )
    assert answer.facts["subject_is"] == "exact"
    assert answer.as_of == min(issuers.as_of(), catalog().as_of)
    assert answer.sources[0].startswith("https://docs.github.com/")
    assert answer.next[0].arguments == {"action": "guide", "topic": "github-actions-trust"}


def test_the_complete_answer_can_be_passed_to_validate() -> None:
    answer = to_json(ask(**SAMPLE, branch="main"))
    verdict = actions.tool.run({"action": "validate", "document": answer, "kind": "trust"})
    assert verdict.findings == ()
    assert [row["kind"] for row in verdict.facts["policies"]] == ["trust"]


def test_guide_lists_the_reference() -> None:
    assert tool.run({}).action == "guide"


@for_each(issuers.issuers(), name=lambda issuer: issuer.id)
def test_an_issuer_is_sourced_and_found_by_its_own_name(issuer: issuers.Issuer) -> None:
    assert issuer.sources
    assert all(source.startswith("https://") for source in issuer.sources)
    assert issuer.kind == "private" or issuer.requires, (
        "a shared issuer has a claim that tells tenants apart"
    )
    if issuer.issuer.islower():
        host = issuer.issuer.partition(" ")[0]
        # One alone: the order of the files decides nothing.
        assert [other.id for other in issuers.issuers() if other.pattern.fullmatch(host)] == [
            issuer.id
        ]


@pytest.mark.parametrize(
    "issuer",
    [issuer for issuer in issuers.issuers() if issuer.grammar.form],
    ids=lambda issuer: issuer.id,
)
def test_a_grammar_reads_the_subjects_of_its_issuer(issuer: issuers.Issuer) -> None:
    complete = issuer.grammar.read(issuer.grammar.form)
    assert complete is not None
    assert complete.names_project
    assert complete.run
    for subject in issuer.subject:
        parts = issuer.grammar.read(subject)
        assert parts is not None
        assert subject.startswith(issuer.grammar.before_tenant)


def test_issuer_ids_are_unique() -> None:
    ids = [issuer.id for issuer in issuers.issuers()]
    assert ids == list(dict.fromkeys(ids))


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("token.actions.githubusercontent.com", "github"),
        ("token.actions.githubusercontent.com/octo-corp", "github_enterprise"),
        ("token.actions.octo.ghe.com", "github_data_residency"),
        ("github.example.com/_services/token", "github_server"),
        ("gitlab.com", "gitlab"),
        ("oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE", "eks"),
        ("oidc-eks.eu-west-1.api.aws/id/EXAMPLED539D4633E53DE1B71EXAMPLE", "eks"),
        ("oidc.circleci.com/org/11111111-2222-3333-4444-555555555555", "circleci"),
        ("gitlab.example.com", None),
        ("gitlab.com.example.net", None),
        ("token.actions.githubusercontent.com.example.net", None),
    ],
)
def test_an_issuer_is_recognised_by_its_full_host(host: str, known: str | None) -> None:
    found = issuers.issuer_of(host)
    assert (found and found.id) == known


def test_claims_that_aws_does_not_map_are_not_keys() -> None:
    github = issuers.mapped_claims("token.actions.githubusercontent.com")
    assert {"sub", "aud", "repository_id", "job_workflow_ref"} <= github
    assert not {"event_name", "repository_owner", "workflow_ref"} & github
    assert issuers.mapped_claims("gitlab.example.com") == {"amr", "aud", "email", "oaud", "sub"}
    assert issuers.mapped_claims("graph.facebook.com") == {"app_id", "id"}


T = "bbbbbbbb-1111-2222-3333-444444444444"
MAIN = {"owner": "octo", "repository": "app", "branch": "main"}
ENTRA = {"tenant": T, "application": "api://x", "subject": T}
DEVOPS = {"owner": "octo", "owner_id": T, "project": "shop", "application": "aws"}
EKS_HOST = "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE"
POD = {"namespace": "n", "service_account": "s"}


@pytest.mark.parametrize(
    ("provider", "natural", "exact"),
    [
        ("github", {"repository": "octo/app", "branch": "main"}, MAIN),
        ("github", {"owner": "octo/app", "branch": "main"}, MAIN),
        ("github", {**MAIN, "repository": "octo/app"}, MAIN),
        ("github", {"repository": "https://github.com/octo/app.git", "branch": "main"}, MAIN),
        ("github", {**MAIN, "issuer": "https://github.com"}, MAIN),
        ("github", {**MAIN, "issuer": "https://Octo.ghe.com/"}, {**MAIN, "issuer": "token.actions.octo.ghe.com"}),
        ("github", {**MAIN, "issuer": "ghe.example.com"}, {**MAIN, "issuer": "https://ghe.example.com/_services/token"}),
        ("gitlab", {"project": "group/sub/app", "branch": "main"}, {**MAIN, "owner": "group/sub"}),
        ("gitlab", {"repository": "https://gitlab.com/octo/app", "branch": "main"}, MAIN),
        ("buildkite", {"repository": "octo/app", "branch": "main"}, MAIN),
        ("vercel", {"project": "octo/web", "environment": "production"}, {"owner": "octo", "project": "web", "environment": "production"}),
        ("pulumi", {"project": "octo/shop", "environment": "prod"}, {"owner": "octo", "project": "shop", "environment": "prod"}),
        ("fly", {"repository": "octo/web"}, {"owner": "octo", "application": "web"}),
        ("circleci", {"owner_id": T.upper(), "project": T}, {"owner_id": T, "repository_id": T}),
        ("entra", {**ENTRA, "tenant": T.upper(), "subject": T.upper()}, ENTRA),
        ("entra", {**ENTRA, "tenant": None, "issuer": f"https://sts.windows.net/{T.upper()}"}, ENTRA),
        ("azure_devops", {**DEVOPS, "owner_id": None, "issuer": f"https://vstoken.dev.azure.com/{T}/"}, DEVOPS),
        ("spacelift", {"issuer": "https://octo.app.spacelift.io/", "space": "root", "stack": "i", "run_phase": "plan"}, {"owner": "octo", "space": "root", "stack": "i", "run_phase": "plan"}),
        ("google", {"service_account": "113355779911335577991"}, {"subject": "113355779911335577991"}),
        ("eks", {**POD, "issuer": f"https://{EKS_HOST.lower()}/"}, {**POD, "issuer": EKS_HOST}),
    ],
)  # fmt: skip
def test_what_has_one_meaning_is_taken(
    provider: str, natural: dict[str, Any], exact: dict[str, Any]
) -> None:
    given = {name: value for name, value in natural.items() if value is not None}
    written, wanted = ask(provider=provider, **given), ask(provider=provider, **exact)
    assert written.artifacts[0].content == wanted.artifacts[0].content


@pytest.mark.parametrize(
    ("provider", "arguments", "says"),
    [
        ("github", {"repository": "https://ghe.example.com/octo/app", "branch": "main"}, "`owner`"),
        ("github", {**MAIN, "repository": "evil/app"}, "`repository`"),
        ("github", {**MAIN, "issuer": "gitlab.com"}, "is not a GitHub issuer"),
        ("gitlab", {"repository": "https://github.com/octo/app", "branch": "main"}, "`owner`"),
        ("entra", {"application": "api://x", "subject": T}, "needs `tenant`"),
        ("entra", {**ENTRA, "tenant": None, "issuer": "https://sts.windows.net/common/"}, "needs `tenant`"),
        ("azure_devops", {**DEVOPS, "owner_id": None}, "needs `owner_id` or `issuer`"),
        ("azure_devops", {**DEVOPS, "issuer": f"https://login.microsoftonline.com/{T}/v2.0"}, "is not of the form"),
        ("spacelift", {"space": "root", "stack": "i", "run_phase": "plan"}, "needs `owner` or `issuer`"),
        ("env0", {"subject": "auth0|1"}, "needs `audience`"),
    ],
)  # fmt: skip
def test_what_has_several_meanings_is_refused(
    provider: str, arguments: dict[str, Any], says: str
) -> None:
    given = {name: value for name, value in arguments.items() if value is not None}
    with pytest.raises(InputError, match=says):
        ask(provider=provider, **given)
