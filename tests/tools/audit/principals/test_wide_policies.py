"""Policies that are too wide whoever has them, and users whose MFA is an app."""

from __future__ import annotations

import json
from string import ascii_lowercase
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.account.reading import snapshot as snapshots
from aws_iam.answer import Status
from aws_iam.engine.reference.catalog import catalog
from aws_iam.tools.audit.actions import tool
from helpers.cis_snapshots import snapshot

if TYPE_CHECKING:
    from pathlib import Path

    from aws_iam.answer import Finding

OWN, AWS = "arn:aws:iam::111122223333", "arn:aws:iam::aws"
ALL = {"Action": "*", "Resource": "*"}
CODES = {
    "INLINE_ADMINISTRATOR",
    "UNATTACHED_ADMINISTRATOR",
    "FULL_SERVICE_ACCESS",
    "VIRTUAL_MFA",
    "POLICY_NOT_JUDGED",
}


def text(*statements: dict[str, Any]) -> str:
    return json.dumps({"Statement": [{"Effect": "Allow"} | statement for statement in statements]})


def found(folder: Path, mfa: Any = (), **authorization: Any) -> list[Finding]:
    file = folder / "account.json"
    facts = {
        "iam.authorization": authorization,
        "iam.last_accessed": {},
        "iam.virtual_mfa": mfa if isinstance(mfa, dict) else list(mfa),
        "organizations.organization": None,
    }
    snapshots.save(snapshot(facts), file)
    answer = tool.run({"action": "principals", "snapshot": str(file)}, cli=True)
    return [finding for finding in answer.findings if finding.code in CODES]


def managed(document: str | None, arn: str = f"{OWN}:policy/p", **more: Any) -> dict[str, Any]:
    return {"name": "p", "arn": arn, "document": document, **more}


@pytest.mark.parametrize(
    ("policy", "code", "severity"),
    [
        (managed(text(ALL)), "UNATTACHED_ADMINISTRATOR", "medium"),
        (managed(text({"NotAction": "s3:*", "Resource": "*"})), "UNATTACHED_ADMINISTRATOR", "medium"),
        (managed(text({"Action": "s3:*", "Resource": "*"})), "FULL_SERVICE_ACCESS", "low"),
        (managed(text({"Action": "S3:**", "Resource": "arn:*"}), attachments=1), "FULL_SERVICE_ACCESS", "low"),
        (managed(None), "POLICY_NOT_JUDGED", "medium"),
    ],
)  # fmt: skip
def test_a_policy_of_the_account_that_is_too_wide_is_a_finding(
    policy: dict[str, Any], code: str, severity: str, tmp_path: Path
) -> None:
    (finding,) = found(tmp_path, policies=[policy])
    assert (finding.code, finding.severity.value, finding.resource) == (
        code,
        severity,
        policy["arn"],
    )


@pytest.mark.parametrize(
    "policy",
    [
        # `no_full_admin_policies` has what is attached; a boundary gives nothing.
        managed(text(ALL), attachments=1),
        managed(text(ALL), boundary_uses=1),
        managed(text(ALL), arn=f"{AWS}:policy/AdministratorAccess"),
        managed(text({"Action": "s3:*", "Resource": "*"}), arn=f"{AWS}:policy/AmazonS3FullAccess"),
        managed(text({"Action": "s3:*", "Resource": "arn:aws:s3:::b/*"})),
        managed(text({"Action": "s3:Get*", "Resource": "*"})),
        managed(text({"Effect": "Deny", "Action": "s3:*", "Resource": "*"})),
        managed("not JSON"),
    ],
)
def test_what_is_no_finding_of_its_own(policy: dict[str, Any], tmp_path: Path) -> None:
    assert found(tmp_path, policies=[policy]) == []


def test_several_services_of_one_policy_are_one_finding(tmp_path: Path) -> None:
    wide = text({"Action": ["sqs:*", "s3:*", "ec2:Describe*"], "Resource": "*"})
    (finding,) = found(tmp_path, policies=[managed(wide)])
    assert "allows `s3:*` and `sqs:*` on every resource" in finding.message
    assert "attached to nobody" in finding.message


@pytest.mark.parametrize("kind", ["user", "group", "role"])
def test_an_inline_administrator_is_found_in_whoever_has_it(kind: str, tmp_path: Path) -> None:
    holder = {"name": "ops", "arn": f"{OWN}:{kind}/ops"}
    inline = [{"name": "most of it", "document": text({"NotAction": "ec2:*", "Resource": "*"})}]
    trust = {"trust": "{}", "last_used": "1 days ago"} if kind == "role" else {}
    (finding,) = found(tmp_path, **{f"{kind}s": [holder | {"inline": inline} | trust]})
    assert (finding.code, finding.status.value) == ("INLINE_ADMINISTRATOR", "fail")
    assert f"inline policy `most of it` of {kind} `ops` allows everything" in finding.message
    assert finding.fix is not None
    # The holder gets what it needs before it loses the rest.
    assert finding.fix.index("Attach") < finding.fix.index(
        f"aws iam delete-{kind}-policy --{kind}-name ops --policy-name 'most of it'"
    )


def test_a_virtual_device_is_a_finding_for_each_user_and_worse_for_an_administrator(
    tmp_path: Path,
) -> None:
    def device(user: str) -> dict[str, str]:
        return {"serial": f"{OWN}:mfa/{user}", "user_arn": f"{OWN}:user/{user}"}

    root = {"serial": f"{OWN}:mfa/root-account-mfa-device", "user_arn": f"{OWN}:root"}
    users = [
        {
            "name": "ann",
            "arn": f"{OWN}:user/ann",
            "inline": [{"name": "i", "document": text(ALL)}],
        },
        {"name": "ben", "arn": f"{OWN}:user/ben"},
        {"name": "hardware", "arn": f"{OWN}:user/hardware"},
    ]
    listed = [
        finding
        for finding in found(tmp_path, [device("ann"), device("ben"), root], users=users)
        if finding.code == "VIRTUAL_MFA"
    ]
    assert [(f.severity.value, f.message.partition(",")[0]) for f in listed] == [
        ("medium", "user `ann` uses a virtual MFA device"),
        ("low", "user `ben` uses a virtual MFA device"),
    ]
    assert all("register" in str(f.fix).partition("deactivate")[0] for f in listed)


def test_devices_that_could_not_be_listed_are_unknown(tmp_path: Path) -> None:
    call = "iam:ListVirtualMFADevices"
    (finding,) = found(tmp_path, {"denied": call})
    assert (finding.code, finding.status.value) == ("VIRTUAL_MFA", "unknown")
    assert call in (finding.reason or "")


def test_an_inline_policy_that_names_all_services_makes_an_administrator(tmp_path: Path) -> None:
    every = [f"{service}:*" for service in sorted(catalog().services)]
    for listed, codes in ((every, ["INLINE_ADMINISTRATOR"]), (every[1:], [])):
        inline = [{"name": "all", "document": text({"Action": listed, "Resource": "*"})}]
        role = {"name": "ops", "arn": f"{OWN}:role/ops", "inline": inline}
        assert [own.code for own in found(tmp_path, roles=[role])] == codes


def test_a_policy_with_too_many_wildcards_is_not_judged(tmp_path: Path) -> None:
    words = [f"*:{one}{two}?*" for one in ascii_lowercase for two in ascii_lowercase]
    attached = [{"name": "p", "arn": f"{OWN}:policy/p"}]
    role = {"name": "ops", "arn": f"{OWN}:role/ops", "attached": attached}
    wide = managed(text({"Action": words, "Resource": "*"}), attachments=1)
    assert found(tmp_path, roles=[role], policies=[wide]) == []
    asked = {"controls": ["no_full_admin_policies"], "snapshot": str(tmp_path / "account.json")}
    (finding,) = tool.run({"action": "run", **asked}, cli=True).findings
    assert finding.status is Status.UNKNOWN
    assert "too many wildcards" in (finding.reason or "")
