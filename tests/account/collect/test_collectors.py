from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.account.collect.catalogue import COLLECTORS, FACTS
from aws_iam.account.collect.detection.access_analyzer import ANALYZER_FINDINGS
from aws_iam.account.collect.detection.macie import MACIE
from aws_iam.account.collect.detection.security_hub import SECURITY_HUB
from aws_iam.account.collect.fact import Miss, MissKind
from aws_iam.account.collect.identity.account_contacts import CONTACT, SECURITY_CONTACT
from aws_iam.account.collect.identity.authorization import AUTHORIZATION
from aws_iam.account.collect.identity.last_accessed import LAST_ACCESSED
from aws_iam.account.collect.identity.mfa_devices import VIRTUAL_MFA, VirtualMfaDevice
from aws_iam.account.collect.identity.password_policy import PASSWORD_POLICY
from aws_iam.account.collect.identity.policy_entities import POLICY_ENTITIES
from aws_iam.account.collect.kms.keys import KMS_KEYS, KeyRotation
from aws_iam.account.collect.logging.alarms import ALARMS, TOPICS, Metric
from aws_iam.account.collect.logging.log_deliveries import BUCKET, DELIVERY
from aws_iam.account.collect.network.apis import HTTP_APIS, REST_APIS
from aws_iam.account.collect.network.distributions import DISTRIBUTIONS
from aws_iam.account.collect.network.load_balancers import LOAD_BALANCERS
from aws_iam.account.collect.network.network_acls import NETWORK_ACLS
from aws_iam.account.collect.network.security_groups import PREFIX_LISTS, SECURITY_GROUPS
from aws_iam.account.collect.network.vpcs import ROUTE_TABLES, Route
from aws_iam.account.collect.organization.organization import (
    ORG_DELEGATION,
    ORG_GUARDRAILS,
    ORG_SERVICES,
    ORG_TREE,
    ORGANIZATION,
    Tree,
)
from aws_iam.account.collect.organization.root_features import ROOT_FEATURES, RootFeatures
from aws_iam.account.collect.sharing.resource_policies import (
    BUS_POLICIES,
    FUNCTION_POLICIES,
    QUEUE_POLICIES,
    TOPIC_POLICIES,
    VAULT_POLICIES,
)
from aws_iam.account.collect.storage.buckets import (
    ACCOUNT_BLOCK,
    BUCKET_BLOCKS,
    BUCKET_POLICIES,
    PublicAccessBlock,
)
from aws_iam.account.collect.storage.databases import DB_CLUSTERS, DB_INSTANCES
from aws_iam.account.collect.storage.trail_buckets import TRAIL_BUCKET_ACCESS
from aws_iam.account.names.iam_actions import action_of
from aws_iam.account.reading import snapshot_codec as codec
from helpers.rich_account import ANALYZER, RICH, TOPIC, read_fact, rich_fact
from helpers.rich_estate import TRUST
from helpers.scripted_aws import ACCOUNT, Refusal, Script
from helpers.tables.each import for_each

if TYPE_CHECKING:
    from aws_iam.account.collect.fact import Fact

# Asked only when a trail's bucket refuses, to tell whose it is.
ONLY_AFTER_A_REFUSAL = {
    ("s3.trail_bucket_logging", "s3:ListBuckets"),
    ("s3.trail_bucket_access", "s3:ListBuckets"),
}


def _closure(name: str) -> set[str]:
    found = set(COLLECTORS[name].operations)
    for fact in COLLECTORS[name].after:
        found |= _closure(fact.name)
    return found


@for_each(sorted(COLLECTORS))
def test_a_collector_calls_exactly_what_it_declares(name: str) -> None:
    value, script = read_fact(FACTS[name], RICH)
    assert not isinstance(value, Miss), value
    unasked = {operation for fact, operation in ONLY_AFTER_A_REFUSAL if fact == name}
    assert set(script.operations) == _closure(name) - unasked


@for_each(sorted(COLLECTORS))
def test_what_is_read_loads_as_it_was_saved(name: str) -> None:
    value, _ = read_fact(FACTS[name], RICH)
    assert codec.load(FACTS[name].of, codec.dump(value), "") == value


PAIRS = [
    (name, operation)
    for name in sorted(COLLECTORS)
    for operation in sorted(_closure(name))
    if (name, operation) not in ONLY_AFTER_A_REFUSAL
]


def _misses(data: Any) -> list[dict[str, Any]]:
    if isinstance(data, dict):
        if set(data) == {"missing"}:
            return [data["missing"]]
        return [miss for value in data.values() for miss in _misses(value)]
    if isinstance(data, list):
        return [miss for item in data for miss in _misses(item)]
    return []


@for_each(PAIRS)
def test_a_refused_call_becomes_a_miss_that_names_the_action(row: tuple[str, str]) -> None:
    name, operation = row
    value, _ = read_fact(FACTS[name], RICH | {operation: Refusal()})
    told = {(miss["permission"], miss["call"]) for miss in _misses(codec.dump(value))}
    tolerated = name in _TOLERANT.get(operation, ())
    assert told == (set() if tolerated else {(action_of(operation), operation)})


# Refusals that do not keep a fact from being read: a report that is there is read though no new one may be made, the
# bucket level is asked where the account level is refused, a trail names its bucket whatever else it refuses; and what
# hangs on alarms or trails that could not be listed is empty, because the list itself is the miss.
_OF_TRAILS = ("cloudtrail.insights", "s3.trail_bucket_logging", "s3.trail_bucket_access")
# Their values may be names of secrets, which makes them references.
_NAME_SECRETS = (
    "lambda.functions",
    "ecs.task_definitions",
    "codebuild.projects",
    "cloudformation.stacks",
    "glue.jobs",
)
_TOLERANT = {
    # The keys that the other store names are known all the same.
    "secretsmanager:ListSecrets": ("kms.secret_keys", *_NAME_SECRETS),
    "ssm:DescribeParameters": ("kms.secret_keys", *_NAME_SECRETS),
    "iam:GenerateCredentialReport": ("iam.credential_report",),
    "s3control:GetPublicAccessBlock": ("s3.bucket_public_access_blocks",),
    "cloudwatch:DescribeAlarms": ("sns.alarm_topics",),
    "cloudtrail:DescribeTrails": _OF_TRAILS,
    "cloudtrail:GetEventSelectors": _OF_TRAILS,
    "cloudtrail:GetTrailStatus": _OF_TRAILS,
    # A key that cannot be described has a policy and grants all the same.
    "kms:DescribeKey": ("kms.policies", "kms.other_policies", "kms.grants"),
    "kms:GetKeyRotationStatus": (
        "kms.policies",
        "kms.other_policies",
        "kms.grants",
        "kms.materials",
        "kms.uses",
    ),
}


@pytest.mark.parametrize(
    ("fact", "operation", "code", "message"),
    [
        (PASSWORD_POLICY, "iam:GetAccountPasswordPolicy", "NoSuchEntity", ""),
        (SECURITY_CONTACT, "account:GetAlternateContact", "ResourceNotFoundException", ""),
        (ROOT_FEATURES, "iam:ListOrganizationsFeatures", "OrganizationNotFoundException", ""),
        (SECURITY_HUB, "securityhub:DescribeHub", "InvalidAccessException",
         "Account 111122223333 is not subscribed to AWS Security Hub"),
        (SECURITY_HUB, "securityhub:DescribeHub", "ResourceNotFoundException", ""),
        (MACIE, "macie2:GetMacieSession", "AccessDeniedException", "Macie is not enabled"),
        (ORGANIZATION, "organizations:DescribeOrganization", "AWSOrganizationsNotInUseException", ""),
        (ORG_DELEGATION, "organizations:DescribeResourcePolicy", "ResourcePolicyNotFoundException", ""),
    ],
)  # fmt: skip
def test_some_errors_are_the_answer_that_there_is_none(
    fact: Fact[Any], operation: str, code: str, message: str
) -> None:
    value, _ = read_fact(fact, RICH | {operation: Refusal(code, message)})
    assert value is None


def test_a_refusal_of_macie_does_not_mean_that_it_is_off() -> None:
    refusal = Refusal("AccessDeniedException", "User is not authorized")
    assert rich_fact(MACIE, macie2__GetMacieSession=refusal).kind is MissKind.DENIED


def test_a_refusal_of_security_hub_does_not_mean_that_it_is_off() -> None:
    refusal = Refusal("InvalidAccessException", "The account has no permission for this", 401)
    hub = rich_fact(SECURITY_HUB, securityhub__DescribeHub=refusal)
    assert (hub.code, hub.permission) == ("InvalidAccessException", "securityhub:DescribeHub")


@pytest.mark.parametrize(
    "code", ["ServiceAccessNotEnabledException", "OrganizationNotInAllFeaturesModeException"]
)
def test_trusted_access_that_is_off_is_an_answer(code: str) -> None:
    refusal = Refusal(code, "off", 400)
    features = rich_fact(ROOT_FEATURES, iam__ListOrganizationsFeatures=refusal)
    assert features == RootFeatures(trusted_access=False)


def test_a_member_account_learns_where_the_organization_can_be_read() -> None:
    organization = {"Organization": {"Id": "o-1", "MasterAccountId": "999999999999"}}
    tree = rich_fact(
        ORG_TREE,
        organizations__DescribeOrganization=organization,
        organizations__ListRoots=Refusal("AccessDeniedException"),
    )
    assert (tree.kind, tree.message) == (MissKind.ELSEWHERE, "account 999999999999")


def test_an_account_in_no_organization_has_an_empty_one() -> None:
    alone = Refusal("AWSOrganizationsNotInUseException", "", 400)
    for fact, empty in (
        (ORG_TREE, Tree()),
        (ORG_SERVICES, ()),
        (ORG_GUARDRAILS, ()),
        (ORG_DELEGATION, None),
    ):
        value, script = read_fact(fact, RICH | {"organizations:DescribeOrganization": alone})
        assert value == empty
        assert script.operations == ["organizations:DescribeOrganization"]


def test_the_organization_is_walked_to_its_leaves() -> None:
    tree = rich_fact(ORG_TREE)
    assert [(unit.id, unit.parent) for unit in tree.units] == [("ou-1", "r-1"), ("r-1", None)]
    assert [(member.id, member.parent) for member in tree.members] == [("222222222222", "ou-1")]
    (service,) = rich_fact(ORG_SERVICES)
    assert service.administrators == ("222222222222",)
    assert [guardrail.id for guardrail in rich_fact(ORG_GUARDRAILS)] == ["p-R", "p-S"]


def test_a_guardrail_that_cannot_be_read_makes_all_of_them_a_miss() -> None:
    found = rich_fact(ORG_GUARDRAILS, organizations__ListPolicies={"Policies": [{"Name": "x"}]})
    assert isinstance(found, Miss)
    assert found.kind is MissKind.BROKEN


def test_a_bucket_without_a_policy_is_not_public_by_policy() -> None:
    none = Refusal("NoSuchBucketPolicy", "", 404)
    access = rich_fact(
        TRAIL_BUCKET_ACCESS, s3__GetBucketPolicy=none, s3__GetBucketPolicyStatus=none
    )
    assert (access[0].document, access[0].policy_public) == (None, False)


def test_buckets_are_asked_in_their_own_region() -> None:
    _, script = read_fact(BUCKET_POLICIES, RICH)
    assert ("s3:GetBucketPolicy", "eu-west-1") in [(op, region) for op, region, _ in script.calls]


def test_a_complete_account_level_block_saves_the_calls_for_each_bucket() -> None:
    flags = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    complete = {"PublicAccessBlockConfiguration": dict.fromkeys(flags, True)}
    value, script = read_fact(BUCKET_BLOCKS, RICH | {"s3control:GetPublicAccessBlock": complete})
    assert value[0].block.kind is MissKind.UNASKED
    assert "s3:GetPublicAccessBlock" not in script.operations


def test_no_block_configured_means_that_all_four_flags_are_off() -> None:
    none = Refusal("NoSuchPublicAccessBlockConfiguration", "", 404)
    block = rich_fact(ACCOUNT_BLOCK, s3control__GetPublicAccessBlock=none)
    assert len(block.off) == 4
    assert block.union(PublicAccessBlock(block_public_acls=True)).off[0] == "IgnorePublicAcls"


def test_keys_of_aws_are_left_out_and_only_keys_that_can_rotate_are_asked() -> None:
    value, script = read_fact(KMS_KEYS, RICH)
    assert [(key.id, key.rotates) for key in value] == [("k-own", True), ("k-rsa", False)]
    assert value[0].rotation == KeyRotation(enabled=True, period_days=365)
    assert value[0].aliases == ("alias/shop",)
    assert script.operations.count("kms:GetKeyRotationStatus") == 1


def test_a_key_that_refuses_leaves_the_others_readable() -> None:
    def described(given: dict[str, Any], region: str) -> Any:
        return Refusal() if given["KeyId"] == "k-own" else RICH["kms:DescribeKey"](given, region)

    own, rsa = rich_fact(KMS_KEYS, kms__DescribeKey=described)
    assert own.details.kind is MissKind.DENIED
    assert rsa.details.spec == "RSA_2048"


def test_an_alarm_on_an_expression_shows_its_metric() -> None:
    (alarm,) = rich_fact(ALARMS)
    assert alarm.metrics == (Metric(name="root", namespace="CIS"),)


def test_only_topics_have_subscriptions_which_are_read_without_addresses() -> None:
    (topic,) = rich_fact(TOPICS)
    assert topic.arn == TOPIC
    assert not topic.subscriptions[0].confirmed
    assert "example.com" not in str(topic)


def test_a_policy_that_is_attached_but_not_sent_is_kept() -> None:
    found = rich_fact(AUTHORIZATION)
    assert found.roles[0].trust == TRUST
    assert found.roles[0].profiles == (f"arn:aws:iam::{ACCOUNT}:instance-profile/web",)
    assert found.users[0].inline[0].document == TRUST
    documents = {policy.name: policy.document for policy in found.policies}
    assert documents == {"mine": "{}", "AdministratorAccess": TRUST, "Unsent": None}


def test_the_other_versions_of_the_account_s_own_policies_are_kept() -> None:
    versions = {policy.name: policy.versions for policy in rich_fact(AUTHORIZATION).policies}
    (older,) = versions["mine"]
    assert (older.id, older.document) == ("v1", TRUST)
    # Nobody switches those of AWS; of a policy that AWS did not send nothing is known.
    assert versions["AdministratorAccess"] is versions["Unsent"] is None


def test_a_policy_that_the_partition_lacks_is_attached_to_nobody() -> None:
    gone = Refusal("NoSuchEntity", "", 404)
    assert [
        entities.users for entities in rich_fact(POLICY_ENTITIES, iam__ListEntitiesForPolicy=gone)
    ] == [
        (),
        (),
    ]


def test_a_permissions_boundary_is_not_an_attachment() -> None:
    bounded = {"PolicyRoles": [{"RoleName": "bounded"}], "IsTruncated": False}
    nobody = {"PolicyRoles": [], "IsTruncated": False}

    def listed(given: dict[str, Any], _region: str) -> Any:
        return nobody if given.get("PolicyUsageFilter") == "PermissionsPolicy" else bounded

    found = rich_fact(POLICY_ENTITIES, iam__ListEntitiesForPolicy=listed)
    assert [entities.roles for entities in found] == [(), ()]


def test_how_storage_is_encrypted_is_read_beside_the_flag() -> None:
    told = {"StorageEncrypted": False, "StorageEncryptionType": "sse-rds"}
    instance = {"DBInstanceIdentifier": "i", "Engine": "aurora-postgresql", **told}
    cluster = {"DBClusterIdentifier": "c", "Engine": "aurora-postgresql", **told}
    for fact, answer in (
        (DB_INSTANCES, {"rds__DescribeDBInstances": {"DBInstances": [instance]}}),
        (DB_CLUSTERS, {"rds__DescribeDBClusters": {"DBClusters": [cluster]}}),
    ):
        (found,) = rich_fact(fact, **answer)
        assert (found.encrypted, found.encryption) == (False, "sse-rds")


def test_a_govcloud_account_has_no_distributions_and_none_are_read() -> None:
    script = Script(RICH)
    aws = script.aws()
    aws.partition = "aws-us-gov"
    assert aws.fact_or_miss(DISTRIBUTIONS, "") == ()
    assert not set(script.operations)
    aws.close()


def test_a_virtual_device_of_root_is_known_by_its_owner() -> None:
    assert rich_fact(VIRTUAL_MFA)[0].is_root
    assert VirtualMfaDevice(serial="arn:aws:iam::1:mfa/root-account-mfa-device").is_root


def test_contacts_are_cut_to_what_their_owner_recognises() -> None:
    contact = rich_fact(CONTACT)
    assert (contact.phone_end, contact.address_end, contact.full_name) == (
        "4567",
        "se 1",
        "Ada Example",
    )
    assert "security@example.com" not in str(rich_fact(SECURITY_CONTACT))


def test_network_acl_entries_are_in_the_order_of_their_evaluation() -> None:
    (acl,) = rich_fact(NETWORK_ACLS)
    assert [(entry.number, entry.allow) for entry in acl.entries] == [(100, False), (200, True)]


def test_the_networks_of_a_rule_are_sorted_and_its_prefix_lists_read() -> None:
    assert rich_fact(SECURITY_GROUPS)[0].inbound[0].ipv4 == ("0.0.0.0/1", "128.0.0.0/1")
    assert rich_fact(PREFIX_LISTS)[0].networks == ("0.0.0.0/0",)


def test_a_route_names_its_destination_and_target() -> None:
    (table,) = rich_fact(ROUTE_TABLES)
    assert (table.main, table.subnets) == (True, ("subnet-1",))
    assert table.routes == (Route(destination="10.1.0.0/16", target="pcx-1", state="active"),)


def test_a_database_that_does_not_say_whether_it_is_public_is_unknown() -> None:
    assert rich_fact(DB_INSTANCES)[0].public is None


def test_only_working_analyzers_are_asked_for_findings() -> None:
    assert rich_fact(ANALYZER_FINDINGS)[0].analyzer == ANALYZER
    idle = {
        "analyzers": [RICH["accessanalyzer:ListAnalyzers"]["analyzers"][0] | {"status": "FAILED"}]
    }
    assert rich_fact(ANALYZER_FINDINGS, accessanalyzer__ListAnalyzers=idle) == ()


def test_access_is_logged_to_a_bucket_or_by_a_delivery_that_leads_somewhere() -> None:
    found = {balancer.name: balancer for balancer in rich_fact(LOAD_BALANCERS)}
    assert found["web"].logs == (BUCKET,)
    # Its delivery source is there, and no delivery has it.
    assert (found["quiet"].logs, found["quiet"].can_log) == ((), True)
    assert (found["wire"].logs, found["wire"].can_log) == ((), False)
    (distribution,) = rich_fact(DISTRIBUTIONS)
    assert distribution.logs == (DELIVERY,)


def test_stages_have_the_destination_of_their_access_logs_except_for_websockets() -> None:
    (rest,) = rich_fact(REST_APIS)
    assert [(stage.name, stage.destination) for stage in rest.stages] == [
        ("v1", "arn:aws:logs:x"),
        ("v2", None),
    ]
    http, socket = rich_fact(HTTP_APIS)
    assert (len(http.stages), socket.stages) == (1, ())


def test_a_resource_without_a_policy_has_none_and_settings_are_dropped() -> None:
    none = Refusal("ResourceNotFoundException", "", 404)
    assert rich_fact(FUNCTION_POLICIES, lambda__GetPolicy=none)[0].document is None
    assert "never-kept" not in str(rich_fact(FUNCTION_POLICIES))
    assert rich_fact(QUEUE_POLICIES)[0].arn == f"arn:aws:sqs:us-east-1:{ACCOUNT}:jobs"
    assert rich_fact(QUEUE_POLICIES)[0].kms_key == "alias/jobs"
    assert rich_fact(TOPIC_POLICIES)[0].kms_key == ""


def test_a_customer_without_glacier_storage_has_no_vaults() -> None:
    new = Refusal("NoLongerSupportedException", "no longer supported for new customers", 400)
    assert rich_fact(VAULT_POLICIES, glacier__ListVaults=new) == ()
    value = rich_fact(VAULT_POLICIES, glacier__ListVaults=Refusal("Other", "", 400))
    assert isinstance(value, Miss)
    assert value.code == "Other"


def test_event_buses_are_read_to_the_last_page() -> None:
    first = RICH["events:ListEventBuses"]
    more = {"EventBuses": [{"Name": "b", "Arn": "arn:aws:events:us-east-1:1:event-bus/b"}]}

    def paged(given: dict[str, Any], _region: str) -> Any:
        return more if "NextToken" in given else first | {"NextToken": "t"}

    assert len(rich_fact(BUS_POLICIES, events__ListEventBuses=paged)) == 2


def test_what_an_identity_used_is_read_to_the_last_page_when_the_report_is_ready() -> None:
    states = iter(["IN_PROGRESS", "COMPLETED"])
    whole = RICH["iam:GetServiceLastAccessedDetails"]

    def report(given: dict[str, Any], _region: str) -> Any:
        if "Marker" in given:
            return whole | {
                "ServicesLastAccessed": [{"ServiceName": "SQS", "ServiceNamespace": "sqs"}]
            }
        state = next(states, "COMPLETED")
        return whole | {"JobStatus": state, "IsTruncated": True, "Marker": "m"}

    found = rich_fact(LAST_ACCESSED, iam__GetServiceLastAccessedDetails=report)
    assert [identity.arn.rpartition(":")[2] for identity in found.identities] == [
        "role/web",
        "user/ci",
    ]
    assert {s.service for s in found.identities[1].services} == {"ec2", "s3", "sqs"}


def test_actions_are_kept_of_services_that_were_used() -> None:
    unused = {"ActionName": "RunInstances"}
    whole = RICH["iam:GetServiceLastAccessedDetails"]
    s3, ec2 = whole["ServicesLastAccessed"]
    services = [s3, ec2 | {"TrackedActionsLastAccessed": [unused]}]
    found = rich_fact(
        LAST_ACCESSED,
        iam__GetServiceLastAccessedDetails=whole | {"ServicesLastAccessed": services},
    )
    of_ec2, of_s3 = found.identities[0].services
    assert of_ec2.actions == ()
    assert [(use.name, bool(use.last_used)) for use in of_s3.actions] == [
        ("CreateBucket", False),
        ("ListAllMyBuckets", True),
    ]


@pytest.mark.parametrize("name", ["web", "role/web", f"arn:aws:iam::{ACCOUNT}:role/web"])
def test_only_the_use_of_one_principal_is_read_where_one_is_asked_about(name: str) -> None:
    script = Script(RICH)
    aws = script.aws()
    aws.principal = name
    found = aws.fact_or_miss(LAST_ACCESSED, "")
    aws.close()
    assert [identity.arn.rpartition(":")[2] for identity in found.identities] == ["role/web"]
    asked = [given for name, _, given in script.calls if name.endswith("GenerateServiceLastAccessedDetails")]  # fmt: skip
    assert asked == [{"Arn": f"arn:aws:iam::{ACCOUNT}:role/web", "Granularity": "ACTION_LEVEL"}]


def test_all_reports_are_requested_before_the_first_is_fetched() -> None:
    _, script = read_fact(LAST_ACCESSED, RICH)
    operations = [name for name in script.operations if "ServiceLastAccessed" in name]
    assert operations == sorted(operations)


@pytest.mark.parametrize(
    ("state", "kind"), [("FAILED", MissKind.BROKEN), ("IN_PROGRESS", MissKind.TIMEOUT)]
)
def test_a_report_that_fails_or_is_never_ready_is_a_miss_of_its_identity(
    state: str, kind: MissKind
) -> None:
    answer = RICH["iam:GetServiceLastAccessedDetails"] | {"JobStatus": state}
    found = rich_fact(LAST_ACCESSED, iam__GetServiceLastAccessedDetails=answer)
    assert {identity.services.kind for identity in found.identities} == {kind}
