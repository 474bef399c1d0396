"""Which properties of CloudFormation's resource types hold policy documents, by the resource schemas of its registry.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_iam.engine.language.kinds import Kind
from aws_iam.engine.sources.containers.found import Spot

if TYPE_CHECKING:
    from collections.abc import Mapping

_INLINE = Spot(path="Policies[].PolicyDocument", kind=Kind.IDENTITY, name="PolicyName")
_DOCUMENT = Spot(path="PolicyDocument", kind=Kind.IDENTITY)
_SAM = Spot(path="Policies[]", kind=Kind.IDENTITY, listed=True)
_SAM_TRUST = Spot(path="AssumeRolePolicyDocument", kind=Kind.TRUST)

# What the resource policy of a type is attached to, where that is another type than the one that carries it.
_RESOURCE: Final = {
    "AWS::APS::ResourcePolicy": ("PolicyDocument", "AWS::APS::Workspace"),
    "AWS::AIOps::InvestigationGroup": ("InvestigationGroupPolicy", ""),
    "AWS::ApiGateway::DomainNameV2": ("Policy", ""),
    "AWS::ApiGateway::RestApi": ("Policy", ""),
    "AWS::Backup::BackupVault": ("AccessPolicy", ""),
    "AWS::Backup::LogicallyAirGappedBackupVault": ("AccessPolicy", ""),
    "AWS::Bedrock::ResourcePolicy": ("PolicyDocument", ""),
    "AWS::BedrockAgentCore::ResourcePolicy": ("Policy", ""),
    "AWS::CloudTrail::ResourcePolicy": ("ResourcePolicy", ""),
    "AWS::CodeArtifact::Domain": ("PermissionsPolicyDocument", ""),
    "AWS::CodeArtifact::Repository": ("PermissionsPolicyDocument", ""),
    "AWS::Comprehend::DocumentClassifier": ("ModelPolicy", ""),
    "AWS::Comprehend::EntityRecognizer": ("ModelPolicy", ""),
    "AWS::DSQL::Cluster": ("PolicyDocument", ""),
    "AWS::EC2::VPCEndpoint": ("PolicyDocument", ""),
    "AWS::ECR::PublicRepository": ("RepositoryPolicyText", ""),
    "AWS::ECR::RegistryPolicy": ("PolicyText", "AWS::ECR::RegistryPolicy"),
    "AWS::ECR::Repository": ("RepositoryPolicyText", ""),
    "AWS::ECR::RepositoryCreationTemplate": ("RepositoryPolicy", "AWS::ECR::Repository"),
    "AWS::EFS::FileSystem": ("FileSystemPolicy", ""),
    "AWS::Elasticsearch::Domain": ("AccessPolicies", ""),
    "AWS::EventSchemas::RegistryPolicy": ("Policy", "AWS::EventSchemas::Registry"),
    "AWS::Events::EventBus": ("Policy", ""),
    "AWS::FSx::S3AccessPointAttachment": ("S3AccessPoint.Policy", "AWS::S3::AccessPoint"),
    "AWS::KMS::Key": ("KeyPolicy", ""),
    "AWS::KMS::ReplicaKey": ("KeyPolicy", "AWS::KMS::Key"),
    "AWS::Kinesis::ResourcePolicy": ("ResourcePolicy", ""),
    "AWS::Lambda::ResourcePolicy": ("PolicyDocument", ""),
    "AWS::Lex::ResourcePolicy": ("Policy", "AWS::Lex::Bot"),
    "AWS::Logs::Destination": ("DestinationPolicy", ""),
    "AWS::Logs::DeliveryDestination": ("DeliveryDestinationPolicy.DeliveryDestinationPolicy", ""),
    "AWS::Logs::LogGroup": ("ResourcePolicyDocument", ""),
    "AWS::Logs::ResourcePolicy": ("PolicyDocument", ""),
    "AWS::MSK::ClusterPolicy": ("Policy", "AWS::MSK::Cluster"),
    "AWS::MediaPackageV2::ChannelPolicy": ("Policy", "AWS::MediaPackageV2::Channel"),
    "AWS::MediaPackageV2::OriginEndpointPolicy": ("Policy", "AWS::MediaPackageV2::OriginEndpoint"),
    "AWS::MediaStore::Container": ("Policy", ""),
    "AWS::MediaTailor::ChannelPolicy": ("Policy", "AWS::MediaTailor::Channel"),
    "AWS::OSIS::Pipeline": ("ResourcePolicy.Policy", ""),
    "AWS::Oam::Sink": ("Policy", ""),
    "AWS::Omics::SequenceStore": ("S3AccessPolicy", ""),
    "AWS::OpenSearchService::Domain": ("AccessPolicies", ""),
    "AWS::PaymentCryptography::Key": ("Policy", ""),
    "AWS::RUM::AppMonitor": ("ResourcePolicy.PolicyDocument", ""),
    "AWS::Redshift::Cluster": ("NamespaceResourcePolicy", ""),
    "AWS::RedshiftServerless::Namespace": ("NamespaceResourcePolicy", ""),
    "AWS::S3::AccessPoint": ("Policy", ""),
    "AWS::S3::BucketPolicy": ("PolicyDocument", "AWS::S3::Bucket"),
    "AWS::S3::MultiRegionAccessPointPolicy": ("Policy", "AWS::S3::MultiRegionAccessPoint"),
    "AWS::S3Express::AccessPoint": ("Policy", ""),
    "AWS::S3Express::BucketPolicy": ("PolicyDocument", "AWS::S3Express::DirectoryBucket"),
    "AWS::S3Files::FileSystemPolicy": ("Policy", "AWS::S3Files::FileSystem"),
    "AWS::S3ObjectLambda::AccessPointPolicy": (
        "PolicyDocument",
        "AWS::S3ObjectLambda::AccessPoint",
    ),
    "AWS::S3Outposts::AccessPoint": ("Policy", ""),
    "AWS::S3Outposts::BucketPolicy": ("PolicyDocument", "AWS::S3Outposts::Bucket"),
    "AWS::S3Tables::TableBucketPolicy": ("ResourcePolicy", "AWS::S3Tables::TableBucket"),
    "AWS::S3Tables::TablePolicy": ("ResourcePolicy", "AWS::S3Tables::Table"),
    "AWS::S3Vectors::VectorBucketPolicy": ("Policy", "AWS::S3Vectors::VectorBucket"),
    "AWS::SMSVOICE::ResourcePolicy": ("PolicyDocument", ""),
    "AWS::SNS::TopicInlinePolicy": ("PolicyDocument", "AWS::SNS::Topic"),
    "AWS::SNS::TopicPolicy": ("PolicyDocument", "AWS::SNS::Topic"),
    "AWS::SQS::QueueInlinePolicy": ("PolicyDocument", "AWS::SQS::Queue"),
    "AWS::SQS::QueuePolicy": ("PolicyDocument", "AWS::SQS::Queue"),
    "AWS::SSM::ResourcePolicy": ("Policy", ""),
    "AWS::SageMaker::ModelPackageGroup": ("ModelPackageGroupPolicy", ""),
    "AWS::SecretsManager::ResourcePolicy": ("ResourcePolicy", "AWS::SecretsManager::Secret"),
    "AWS::VpcLattice::AuthPolicy": ("Policy", ""),
    "AWS::VpcLattice::ResourcePolicy": ("Policy", ""),
    "AWS::XRay::ResourcePolicy": ("PolicyDocument", ""),
}

_MANY: Final = {
    "AWS::DynamoDB::Table": (
        ("ResourcePolicy.PolicyDocument", "AWS::DynamoDB::Table"),
        ("StreamSpecification.ResourcePolicy.PolicyDocument", "AWS::DynamoDB::Stream"),
    ),
    "AWS::DynamoDB::GlobalTable": (
        ("Replicas[].ResourcePolicy.PolicyDocument", "AWS::DynamoDB::Table"),
        (
            "Replicas[].ReplicaStreamSpecification.ResourcePolicy.PolicyDocument",
            "AWS::DynamoDB::Stream",
        ),
    ),
}

_OTHERS: Final = {
    "AWS::IAM::Role": (Spot(path="AssumeRolePolicyDocument", kind=Kind.TRUST), _INLINE),
    "AWS::IAM::User": (_INLINE,),
    "AWS::IAM::Group": (_INLINE,),
    "AWS::IAM::Policy": (_DOCUMENT,),
    "AWS::IAM::ManagedPolicy": (_DOCUMENT,),
    "AWS::IAM::RolePolicy": (_DOCUMENT,),
    "AWS::IAM::UserPolicy": (_DOCUMENT,),
    "AWS::IAM::GroupPolicy": (_DOCUMENT,),
    "AWS::SSO::PermissionSet": (Spot(path="InlinePolicy", kind=Kind.IDENTITY),),
    "AWS::EKS::PodIdentityAssociation": (Spot(path="Policy", kind=Kind.SESSION),),
    "AWS::RolesAnywhere::Profile": (Spot(path="SessionPolicy", kind=Kind.SESSION),),
    "AWS::Transfer::User": (Spot(path="Policy", kind=Kind.SESSION),),
    "AWS::Serverless::Function": (_SAM, _SAM_TRUST),
    "AWS::Serverless::StateMachine": (_SAM,),
    "AWS::Events::EventBusPolicy": (
        Spot(
            path="Statement", kind=Kind.RESOURCE, resource_type="AWS::Events::EventBus", bare=True
        ),
    ),
    "AWS::Serverless::Api": (
        Spot(
            path="Auth.ResourcePolicy.CustomStatements",
            kind=Kind.RESOURCE,
            resource_type="AWS::ApiGateway::RestApi",
            bare=True,
        ),
        Spot(path="Policy", kind=Kind.RESOURCE, resource_type="AWS::ApiGateway::RestApi"),
    ),
    "AWS::IoT::Policy": (
        Spot(path="PolicyDocument", skip="an AWS IoT policy: another language than IAM's"),
    ),
    "AWS::NetworkManager::CoreNetwork": (
        Spot(path="PolicyDocument", skip="a core network policy: another language than IAM's"),
    ),
}

SPOTS: Final[Mapping[str, tuple[Spot, ...]]] = {
    **{
        name: (Spot(path=path, kind=Kind.RESOURCE, resource_type=owner or name),)
        for name, (path, owner) in _RESOURCE.items()
    },
    **{
        name: tuple(Spot(path=path, kind=Kind.RESOURCE, resource_type=owner) for path, owner in of)
        for name, of in _MANY.items()
    },
    **_OTHERS,
}

ORGANIZATION_KINDS: Final[Mapping[str, Kind]] = {
    "SERVICE_CONTROL_POLICY": Kind.SCP,
    "RESOURCE_CONTROL_POLICY": Kind.RCP,
}
"""The types of an organization's policies that are IAM policies; backup, tag and other policies are not."""
