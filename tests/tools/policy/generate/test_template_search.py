"""Templates found by words and kind: which they mean, and what is said where none has them all."""

from __future__ import annotations

import pytest

from aws_iam import templates
from aws_iam.errors import InputError
from aws_iam.tools.policy.generate.template import template
from aws_iam.tools.policy.generate.template_search import found

EVERY = templates.listed()
ONE = {
    "org only": "rcp-data-perimeter",
    "boundary identity": "permission-boundary-delegation",
    "rcp org only": "rcp-data-perimeter",
    "RCP": "rcp-data-perimeter",
    "resource control policy": "rcp-data-perimeter",
    "resource control policy only my org": "rcp-data-perimeter",
    "data perimeter": "rcp-data-perimeter",
    "cross account": "cross-account-role",
    "lambda execution role": "lambda-execution",
    "pod identity": "pod-identity-trust",
    "gitlab": "gitlab-trust",
    "scp baseline policy": "scp-baseline",
    "deny leaving organization": "scp-baseline",
    "boundary for developers": "developer-boundary",
    "deny regions": "region-restriction",
    "s3 per user": "s3-prefix-per-user",
    "read secret": "secret-read",
    "require MFA": "mfa-required",
}
SEVERAL = {
    "github trust": {one.name for one in EVERY if one.name.startswith("github-")},
    "trust policy github": {one.name for one in EVERY if one.name.startswith("github-")},
    "github branch": {"github-branch-trust", "github-immutable-branch-trust"},
    "service control policy": {one.name for one in EVERY if one.kind == "scp"},
    "trust policies": {one.name for one in EVERY if one.kind == "trust"},
    "permissions boundary": {"developer-boundary", "permission-boundary-delegation"},
    "kms key policy": {"key-policy-admins-and-users", "key-policy-for-service"},
    "eks": {"irsa-role-trust-policy", "pod-identity-trust"},
}
LACKING = {
    "bucket policy": {"key-policy-admins-and-users", "key-policy-for-service"},
    "scp for mfa": {"region-restriction", "scp-baseline"},
    "ip restriction": {"region-restriction"},
}


def names(words: str) -> set[str]:
    return {one.name for one in found(words, EVERY).templates}


@pytest.mark.parametrize(("words", "name"), ONE.items())
def test_words_that_mean_one_template_show_it(words: str, name: str) -> None:
    answer = template(words)
    assert answer.artifacts[0].name == f"{name}.json"
    assert answer.facts["understood"] == [f"`name` `{words}` as `{name}`"]


@pytest.mark.parametrize(("words", "expected"), SEVERAL.items())
def test_words_that_mean_several_list_them_all(words: str, expected: set[str]) -> None:
    assert names(words) == expected
    assert f"{len(expected)} templates for" in template(words).summary


@pytest.mark.parametrize(("words", "nearest"), LACKING.items())
def test_what_no_template_is_about_is_said_beside_the_nearest(
    words: str, nearest: set[str]
) -> None:
    assert names(words) == nearest
    assert f"is about all of `{words}`; the nearest: " in template(words).summary


@pytest.mark.parametrize("chosen", EVERY, ids=lambda one: one.name)
def test_every_keyword_and_title_finds_its_template(chosen: templates.Template) -> None:
    for words in (*chosen.keywords, chosen.title, chosen.name.replace("-", " ")):
        assert chosen.name in names(words), words


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("githb-branch-trust", "did you mean `github-branch-trust`?"),
        ("zebra", "leave out `name` to list them"),
    ],
)
def test_a_misspelt_name_is_no_word(words: str, says: str) -> None:
    with pytest.raises(InputError, match=f"there is no template `{words}`; {says}"):
        template(words)


def test_values_need_words_that_mean_one_template() -> None:
    filled = template("s3 read only", {"Bucket": "example-reports"})
    assert filled.artifacts[0].checked_by == "policy validate"
    with pytest.raises(
        InputError, match="does not name one template; give `name` as one of `gith"
    ):
        template("github trust", {"Owner": "octo"})
