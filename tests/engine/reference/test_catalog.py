"""The catalogue answers what AWS's reference says, and is honest about what it does not know."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_iam import resources
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.pattern import matches
from aws_iam.engine.reference import catalog as module
from aws_iam.engine.reference import catalog_file, catalog_rows, facts, global_keys
from aws_iam.engine.reference.catalog import ASSET, Catalog, catalog
from aws_iam.engine.reference.catalog_file import BrokenFile
from aws_iam.engine.reference.operations import operations
from aws_iam.tools.catalog_command import show
from helpers.folders import TESTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

GOLDEN = json.loads((TESTS / "cases/catalog/golden.json").read_text())


@pytest.fixture(scope="module")
def known() -> Catalog:
    return module.shipped()


@pytest.mark.parametrize("fact", GOLDEN, ids=[fact["action"] for fact in GOLDEN])
def test_golden_facts_hold(known: Catalog, fact: dict[str, Any]) -> None:
    action = known.action(fact["action"])
    assert action is not None
    service = known.service(action.service)
    assert service is not None
    types = [service.resource_types[name.lower()] for name in action.resource_types]
    keys = {*action.condition_keys, *(key for type_ in types for key in type_.condition_keys)}
    keys |= {key for names in action.type_condition_keys.values() for key in names}
    assert action.full_name == fact["action"]
    assert action.level == fact.get("level", action.level)
    assert list(action.resource_types) == fact.get("types", list(action.resource_types))
    assert set(fact.get("among_types", ())) <= set(action.resource_types)
    assert list(action.required) == fact.get("required", list(action.required))
    assert set(fact.get("keys", ())) <= keys
    assert set(fact.get("dependents", ())) <= set(action.dependents)


def test_the_file_is_small_and_dated(known: Catalog) -> None:
    assert resources.path(ASSET).stat().st_size <= 500_000
    assert known.as_of == known.provenance["sources"][0]["date"]
    assert known.origin == "shipped"


def test_the_file_is_what_its_own_facts_give(known: Catalog) -> None:
    again = catalog_rows.pack(
        dict(known.rows()),
        known.rcp_services,
        {k: v for k, v in known.provenance.items() if k not in {"counts", "sha256", "format"}},
    )
    assert again == resources.path(ASSET).read_bytes()


def test_every_fact_is_well_formed(known: Catalog) -> None:
    for prefix in known.services:
        service = known.service(prefix)
        assert service is not None
        for type_ in service.resource_types.values():
            assert all(Arn.of(text) and ", " not in text for text in type_.arn_formats)
        types = {key.type for key in service.condition_keys.values()}
        assert types <= catalog_file.KEY_TYPES | {""}
        for action in service.actions.values():
            assert set(map(str.lower, action.resource_types)) <= set(service.resource_types)
            assert set(action.required) <= set(action.resource_types)
            assert all(known.tier(name) == "known" for name in action.dependents)


def test_names_ignore_case(known: Catalog) -> None:
    assert known.action("S3:getobject") == known.action("s3:GetObject")
    assert known.tier("IAM:PASSROLE") == "known"


@pytest.mark.parametrize(
    ("name", "tier"),
    [
        ("s3:GetObject", "known"),
        ("s3", "known"),
        ("codestar:CreateProject", "retired"),
        ("codestar", "retired"),
        ("budgets:UpdateBudget", "undocumented"),
        ("s3:GetObjcet", "unknown"),
        ("nothing:AtAll", "unknown"),
        ("", "unknown"),
    ],
)
def test_tiers_of_knowledge(known: Catalog, name: str, tier: str) -> None:
    assert known.tier(name) == tier


def test_a_retired_service_is_no_current_one(known: Catalog) -> None:
    assert known.service("codestar") is None
    assert known.action("codestar:CreateProject") is None
    assert "codestar" not in known.services


def test_wildcards_expand_to_current_actions(known: Catalog) -> None:
    assert known.expand("s3:getobjecttag*") == ("s3:GetObjectTagging",)
    assert "s3:GetBucketAcl" in known.expand("s3:Get*Acl")
    assert set(known.expand("iam:*")) > set(known.expand("iam:Get*"))
    assert len(known.expand("*")) == known.provenance["counts"]["actions"]
    assert known.expand("*:*") == known.expand("*")
    assert known.expand("s3") == known.expand("s3*") == known.expand("nothing:*") == ()
    assert known.expand("kms:Decrypt") == ("kms:Decrypt",)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("s3:GetObjcet", "s3:GetObject"),
        ("s3:GetObjectt", "s3:GetObject"),
        ("ec2:RunInstance", "ec2:RunInstances"),
        ("iam:PassRoles", "iam:PassRole"),
        ("secretsmanager:GetSecretsValue", "secretsmanager:GetSecretValue"),
        ("logs:PutLogEvent", "logs:PutLogEvents"),
        ("s4:GetObject", "s3:GetObject"),
        ("kms:PutObject", "s3:PutObject"),
        ("stepfunctions:StartExecution", "states:StartExecution"),
        ("s3:ListObjectsV2", "s3:ListBucket"),
        ("lambda:Invoke", "lambda:InvokeFunction"),
        ("sqs:SendMessageBatch", "sqs:SendMessage"),
    ],
)
def test_a_misspelled_action_has_a_suggestion(known: Catalog, wrong: str, right: str) -> None:
    assert known.tier(wrong) == "unknown"
    assert known.suggest_action(wrong)[0] == right


def test_no_longer_name_is_suggested_for_beginning_the_same(known: Catalog) -> None:
    assert not any(name.startswith("s3:") for name in known.suggest_action("s3:Get"))
    assert "s3:GetObjectAcl" not in known.suggest_action("s3:GetObj")
    assert known.suggest_action("") == known.suggest_action("x" * 10_000) == ()


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("s33", "s3"),
        ("amazons3", "s3"),
        ("aws-s3", "s3"),
        ("lamda", "lambda"),
        ("secretmanager", "secretsmanager"),
        ("stepfunctions", "states"),
        ("eventbridge", "events"),
    ],
)
def test_a_misspelled_service_has_a_suggestion(known: Catalog, wrong: str, right: str) -> None:
    assert known.suggest_service(wrong)[0] == right


def test_every_other_name_of_a_service_means_a_current_one(known: Catalog) -> None:
    assert set(resources.data("sdk-clients.json")["nicknames"].values()) <= known.services


def test_every_operation_is_authorised_by_known_actions(known: Catalog) -> None:
    for name, operation in operations().items():
        assert known.tier(name) != "known", name
        assert all(known.tier(action) == "known" for action in operation.actions), name


@pytest.mark.parametrize(
    ("name", "found", "type_"),
    [
        ("aws:SourceIp", "aws:SourceIp", "IPAddress"),
        ("AWS:sourceip", "aws:SourceIp", "IPAddress"),
        ("aws:ResourceTag/Team", "aws:ResourceTag/${TagKey}", "String"),
        ("aws:TagKeys", "aws:TagKeys", "ArrayOfString"),
        ("s3:prefix", "s3:prefix", "String"),
        ("s3:ExistingObjectTag/a/b", "s3:ExistingObjectTag/${key}", "String"),
        ("kms:EncryptionContext:App", "kms:EncryptionContext:${EncryptionContextKey}", "String"),
        (
            "codebuild:environment.environmentVariables/X.value",
            "codebuild:environment.environmentVariables/${name}.value",
            "String",
        ),
        ("lambda:SourceFunctionArn", "lambda:SourceFunctionArn", "ARN"),
        ("saml:aud", "saml:aud", "String"),
        (
            "token.actions.githubusercontent.com:actor",
            "token.actions.githubusercontent.com:actor",
            "String",
        ),
        (
            "token.actions.githubusercontent.com:sub",
            "token.actions.githubusercontent.com:sub",
            "String",
        ),
        ("idp.example.com/tenant:amr", "idp.example.com/tenant:amr", "ArrayOfString"),
        ("token.actions.corp.ghe.com:ref", "token.actions.${Domain}.ghe.com:ref", "String"),
        ("identitycenter:ApplicationArn", "identitycenter:ApplicationArn", "ARN"),
    ],
)
def test_condition_keys_are_found(known: Catalog, name: str, found: str, type_: str) -> None:
    key = known.condition_key(name)
    assert key is not None
    assert (key.name, key.type) == (found, type_)
    assert key.multivalued is type_.startswith("ArrayOf")
    assert key.value_type == type_.removeprefix("ArrayOf")


@pytest.mark.parametrize(
    "name",
    [
        "aws:Nothing",
        "s3:nothing",
        "aws:ResourceTag/",
        "noColon",
        "idp.example.com:color",
        "a:",
        "",
    ],
)
def test_an_unknown_condition_key_is_none(known: Catalog, name: str) -> None:
    assert known.condition_key(name) is None


def test_keys_say_when_they_are_present(known: Catalog) -> None:
    ip, external = known.condition_key("aws:SourceIp"), known.condition_key("sts:ExternalId")
    assert ip is not None
    assert external is not None
    assert "never through a VPC endpoint" in ip.presence
    assert "external id" in external.presence
    assert external.source.startswith("https://")


def test_global_keys_are_of_known_types_and_every_rule_is_used() -> None:
    keys = global_keys.global_keys().values()
    data = json.loads(resources.text("assets/data/global-condition-keys.json"))
    assert {key.type for key in keys} <= catalog_file.KEY_TYPES
    assert {key.presence_rule for key in keys} == set(data["rules"])
    assert not set(global_keys.legacy_keys()) & set(global_keys.global_keys())


def test_a_misspelled_condition_key_has_a_suggestion(known: Catalog) -> None:
    assert known.suggest_condition_key("aws:SourceIpp")[0] == "aws:SourceIp"
    assert known.suggest_condition_key("s3:Prefixx")[0] == "s3:prefix"


def test_services_of_resource_control_policies(known: Catalog) -> None:
    assert {"s3", "kms", "sts", "sqs", "secretsmanager"} <= known.rcp_services
    assert known.rcp_services <= known.services


def test_formats_of_a_service(known: Catalog) -> None:
    assert "arn:${Partition}:s3:::${BucketName}" in known.arn_formats("S3")
    assert known.arn_formats("nothing") == ()


def test_a_name_in_several_services(known: Catalog) -> None:
    assert {"s3:GetObject", "mediastore:GetObject"} <= set(known.having("getobject"))
    assert known.having('x"]') == known.having("") == ()
    assert {"s3", "ssm"} <= {type_.service for type_ in known.types_named("bucket")}
    on = {support.action for support in known.supporting("aws:ResourceTag/${TagKey}")}
    assert {"ec2:TerminateInstances", "kms:Decrypt"} <= on


@pytest.fixture
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = tmp_path / "aws-iam"
    folder.mkdir()
    catalog.cache_clear()
    yield folder
    catalog.cache_clear()


def small_file(as_of: str, form: int = catalog_file.FORMAT) -> bytes:
    row = catalog_rows.ServiceRow(actions={"Do": catalog_rows.ActionRow(level="Read")})
    whole = catalog_rows.pack(
        {"tiny": row}, (), {"as_of": as_of, "sources": [], "dependents": "nothing"}
    )
    return whole if form == catalog_file.FORMAT else whole.replace(b"PK", b"XX")


@pytest.mark.parametrize(
    ("content", "origin"),
    [
        (small_file("2999-01-01"), "refreshed"),
        (small_file("2001-01-01"), "shipped"),
        (b"no zip file", "shipped"),
        (b"", "shipped"),
        (small_file("2999-01-01", form=0), "shipped"),
    ],
    ids=["newer", "older", "text", "empty", "damaged"],
)
def test_a_newer_file_in_the_cache_wins(cache_folder: Path, content: bytes, origin: str) -> None:
    (cache_folder / "service-authorization.zip").write_bytes(content)
    assert catalog().origin == origin
    assert (catalog().tier("tiny:Do") == "known") is (origin == "refreshed")


def changed(**members: bytes | None) -> bytes:
    """The shipped file, of a later date, with some members replaced or left out."""
    with zipfile.ZipFile(resources.path(ASSET)) as file:
        texts: dict[str, bytes | None] = {name: file.read(name) for name in file.namelist()}
    texts["provenance.json"] = later({})
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in (texts | members).items():
            if text is not None:
                file.writestr(name, text)
    return out.getvalue()


def later(fields: dict[str, Any]) -> bytes:
    kept = module.shipped().provenance | {"as_of": "2999-01-01"} | fields
    return json.dumps({name: value for name, value in kept.items() if value is not None}).encode()


def flipped(name: str) -> bytes:
    """The changed file with some bytes of one member's packed text turned over."""
    whole = bytearray(changed())
    with zipfile.ZipFile(io.BytesIO(whole)) as file:
        start = file.getinfo(name).header_offset + 60
    whole[start : start + 40] = bytes(byte ^ 0xFF for byte in whole[start : start + 40])
    return bytes(whole)


DAMAGED: dict[str, Callable[[], bytes]] = {
    "cut off": lambda: changed()[:5000],
    "provenance is a list": lambda: changed(**{"provenance.json": b"[]"}),
    "provenance is deep": lambda: changed(**{"provenance.json": b"[" * 100_000}),
    "no date": lambda: changed(**{"provenance.json": later({"as_of": None})}),
    "date is a number": lambda: changed(**{"provenance.json": later({"as_of": 29990101})}),
    "no sources": lambda: changed(**{"provenance.json": later({"sources": None})}),
    "sources are texts": lambda: changed(**{"provenance.json": later({"sources": ["x"]})}),
    "no counts": lambda: changed(**{"provenance.json": later({"counts": {}})}),
    "another sum": lambda: changed(**{"provenance.json": later({"sha256": "0" * 64})}),
    "index is a list": lambda: changed(**{"index.json": b"[]"}),
    "index is empty": lambda: changed(**{"index.json": b"{}"}),
    "service is a list": lambda: changed(**{"s/s3.json": b"[1]"}),
    "service is deep": lambda: changed(**{"s/s3.json": b"[" * 100_000}),
    "service of another form": lambda: changed(**{"s/s3.json": b'{"a":{"GetObject":["Z",3]}}'}),
    "no service": lambda: changed(**{"s/s3.json": None}),
    "one member more": lambda: changed(**{"s/s33.json": b"{}"}),
    "service is flipped": lambda: flipped("s/s3.json"),
    "provenance is flipped": lambda: flipped("provenance.json"),
    "index is flipped": lambda: flipped("index.json"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_in_the_cache_takes_no_answer_away(cache_folder: Path, name: str) -> None:
    (cache_folder / "service-authorization.zip").write_bytes(DAMAGED[name]())
    with pytest.raises(BrokenFile):
        module.refreshed()
    assert catalog().origin == "shipped"
    assert catalog().action("s3:GetObject")
    assert "cannot be read and is ignored" in show().summary


def test_the_changed_file_is_sound_when_nothing_is_changed(cache_folder: Path) -> None:
    (cache_folder / "service-authorization.zip").write_bytes(changed())
    assert catalog().origin == "refreshed"


@pytest.mark.parametrize("text", [b"[1]", b'{"a":[]}', b'{"n":7}', b"{", b"[" * 100_000])
def test_a_service_of_another_form_is_a_broken_file(text: bytes) -> None:
    broken = Catalog(changed(**{"s/s3.json": text}), origin="refreshed")
    with pytest.raises(BrokenFile):
        broken.action("s3:GetObject")


def test_a_resource_type_without_formats_and_keys_is_kept() -> None:
    row = catalog_rows.ServiceRow(types={"bare": catalog_rows.TypeRow()})
    row.actions["Do"] = catalog_rows.ActionRow(level="Read", types=["bare"])
    fields = {"as_of": "2999-01-01", "sources": [], "dependents": "nothing"}
    tiny = Catalog(catalog_rows.pack({"tiny": row}, (), fields), origin="refreshed")
    service = tiny.service("tiny")
    assert service is not None
    assert service.resource_types["bare"].arn_formats == ()
    assert dict(tiny.rows())["tiny"] == row


def test_a_file_is_opened_without_reading_its_services(
    known: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = known.action("s3:GetObject")
    read: list[str] = []
    whole = catalog_file.member_bytes

    def member_bytes(file: zipfile.ZipFile, name: str) -> bytes:
        read.append(name)
        return whole(file, name)

    monkeypatch.setattr(catalog_file, "member_bytes", member_bytes)
    assert module.shipped().action("s3:GetObject") == expected
    assert read == ["provenance.json", "index.json", "s/s3.json"]


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The templates that names are compared with."""
    seen: list[str] = []

    def counting(pattern: str, text: str) -> bool:
        seen.append(pattern)
        return matches(pattern, text)

    monkeypatch.setattr(facts, "matches", counting)
    return seen


@pytest.mark.parametrize("form", ["s3:no{}", "aws:no{}", "idp{}.example.com:no", "no{}:no", "{}"])
def test_an_unknown_condition_key_is_compared_with_no_template(
    compared: list[str], form: str
) -> None:
    fresh = module.shipped()
    assert not any(fresh.condition_key(form.format(number)) for number in range(2_000))
    assert not compared


def test_a_condition_key_is_resolved_once(compared: list[str]) -> None:
    fresh = module.shipped()
    first = fresh.condition_key("s3:ExistingObjectTag/Team")
    assert len(compared) == 1
    assert fresh.condition_key("s3:ExistingObjectTag/Team") is first is not None
    assert len(compared) == 1


def test_what_is_kept_of_condition_keys_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_KEPT", 3)
    fresh = module.shipped()
    for number in range(9):
        assert fresh.condition_key(f"s3:no{number}") is None
    assert fresh.condition_key("s3:no" + "x" * 1_000) is None
    assert list(fresh._keys) == ["s3:no0", "s3:no1", "s3:no2"]  # noqa: SLF001 - only the inside shows it


def test_a_suggestion_reads_the_services_once(monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = module.shipped()
    fresh.suggest_action("s3:Frobnicate")
    monkeypatch.setattr(catalog_file, "member_bytes", no_reading)
    for number in range(20):
        assert fresh.suggest_action(f"s3:Frobnicate{number}") == ()


def no_reading(*_: object) -> bytes:
    raise AssertionError


@given(st.sampled_from(["s3", "sts", "kms", "codebuild"]), st.text("aT/:.{$}", max_size=12))
def test_templates_find_what_a_search_through_all_finds(prefix: str, text: str) -> None:
    service = catalog().service(prefix)
    assert service is not None
    for template in list(service.condition_keys.values())[::7]:
        name = template.name.replace("${", text)
        exact = service.condition_keys.get(name.lower())
        open_ = (
            key
            for key in service.condition_keys.values()
            if "${" in key.name
            and matches(facts.template_pattern(key.name), name, ignore_case=True)
        )
        assert service.condition_key(name) == (exact or next(open_, None))


def test_a_prefix_that_was_only_begun_has_a_suggestion(known: Catalog) -> None:
    assert "dynamodb" in known.suggest_service("dynamo")
    # Three letters begin too many names.
    assert "dynamodb" not in known.suggest_service("dyn")


def test_a_file_of_another_format_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog_file, "FORMAT", 99)
    whole = small_file("2999-01-01", form=99)
    monkeypatch.undo()
    with pytest.raises(BrokenFile, match="another format"):
        Catalog(whole, origin="refreshed")


def test_a_user_without_a_home_has_the_shipped_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "relative/is/ignored")
    monkeypatch.setattr(Path, "home", no_home)
    assert module.user_file() is None
    catalog.cache_clear()
    assert catalog().origin == "shipped"
    catalog.cache_clear()


def no_home() -> Path:
    raise RuntimeError
