"""Which attributes of the Terraform AWS provider's resources hold policy documents, by the provider's reference.

https://registry.terraform.io/providers/hashicorp/aws/latest/docs
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_iam.engine.language.kinds import Kind
from aws_iam.engine.sources.containers.found import Spot

if TYPE_CHECKING:
    from collections.abc import Mapping

_POLICY = Spot(path="policy", kind=Kind.IDENTITY)

# The attribute is `policy` unless another is named.
_RESOURCE: Final = {
    "aws_api_gateway_rest_api": "AWS::ApiGateway::RestApi",
    "aws_api_gateway_rest_api_policy": "AWS::ApiGateway::RestApi",
    "aws_backup_vault_policy": "AWS::Backup::BackupVault",
    "aws_cloudwatch_event_bus_policy": "AWS::Events::EventBus",
    "aws_cloudwatch_log_destination_policy access_policy": "AWS::Logs::Destination",
    "aws_cloudwatch_log_delivery_destination_policy delivery_destination_policy": "AWS::Logs::DeliveryDestination",
    "aws_cloudwatch_log_resource_policy policy_document": "AWS::Logs::ResourcePolicy",
    "aws_codeartifact_domain_permissions_policy policy_document": "AWS::CodeArtifact::Domain",
    "aws_codeartifact_repository_permissions_policy policy_document": "AWS::CodeArtifact::Repository",
    "aws_dynamodb_resource_policy": "AWS::DynamoDB::Table",
    "aws_ecr_registry_policy": "AWS::ECR::RegistryPolicy",
    "aws_ecr_repository_policy": "AWS::ECR::Repository",
    "aws_ecrpublic_repository_policy": "AWS::ECR::PublicRepository",
    "aws_efs_file_system_policy": "AWS::EFS::FileSystem",
    "aws_elasticsearch_domain access_policies": "AWS::Elasticsearch::Domain",
    "aws_elasticsearch_domain_policy access_policies": "AWS::Elasticsearch::Domain",
    "aws_glacier_vault access_policy": "AWS::Glacier::Vault",
    "aws_glue_resource_policy": "AWS::Glue::DataCatalog",
    "aws_kinesis_resource_policy": "AWS::Kinesis::ResourcePolicy",
    "aws_kms_external_key": "AWS::KMS::Key",
    "aws_kms_key": "AWS::KMS::Key",
    "aws_kms_key_policy": "AWS::KMS::Key",
    "aws_kms_replica_external_key": "AWS::KMS::Key",
    "aws_kms_replica_key": "AWS::KMS::Key",
    "aws_media_store_container_policy": "AWS::MediaStore::Container",
    "aws_msk_cluster_policy": "AWS::MSK::Cluster",
    "aws_oam_sink_policy": "AWS::Oam::Sink",
    "aws_opensearch_domain access_policies": "AWS::OpenSearchService::Domain",
    "aws_opensearch_domain_policy access_policies": "AWS::OpenSearchService::Domain",
    "aws_redshift_resource_policy": "AWS::Redshift::Cluster",
    "aws_s3_access_point": "AWS::S3::AccessPoint",
    "aws_s3_bucket": "AWS::S3::Bucket",
    "aws_s3_bucket_policy": "AWS::S3::Bucket",
    "aws_s3_directory_access_point_policy": "AWS::S3Express::AccessPoint",
    "aws_s3control_access_point_policy": "AWS::S3::AccessPoint",
    "aws_s3control_bucket_policy": "AWS::S3Outposts::Bucket",
    "aws_s3control_multi_region_access_point_policy details[].policy": "AWS::S3::MultiRegionAccessPoint",
    "aws_s3control_object_lambda_access_point_policy": "AWS::S3ObjectLambda::AccessPoint",
    "aws_s3tables_table_bucket_policy resource_policy": "AWS::S3Tables::TableBucket",
    "aws_s3tables_table_policy resource_policy": "AWS::S3Tables::Table",
    "aws_sagemaker_model_package_group_policy resource_policy": "AWS::SageMaker::ModelPackageGroup",
    "aws_schemas_registry_policy": "AWS::EventSchemas::Registry",
    "aws_secretsmanager_secret": "AWS::SecretsManager::Secret",
    "aws_secretsmanager_secret_policy": "AWS::SecretsManager::Secret",
    "aws_ses_identity_policy": "AWS::SES::EmailIdentity",
    "aws_sesv2_email_identity_policy": "AWS::SES::EmailIdentity",
    "aws_sns_topic": "AWS::SNS::Topic",
    "aws_sns_topic_policy": "AWS::SNS::Topic",
    "aws_sqs_queue": "AWS::SQS::Queue",
    "aws_sqs_queue_policy": "AWS::SQS::Queue",
    "aws_vpc_endpoint": "AWS::EC2::VPCEndpoint",
    "aws_vpc_endpoint_policy": "AWS::EC2::VPCEndpoint",
    "aws_vpclattice_auth_policy": "AWS::VpcLattice::AuthPolicy",
    "aws_vpclattice_resource_policy": "AWS::VpcLattice::ResourcePolicy",
    "aws_xray_resource_policy policy_document": "AWS::XRay::ResourcePolicy",
}

_OTHERS: Final = {
    "aws_iam_policy": (_POLICY,),
    "aws_iam_role_policy": (_POLICY,),
    "aws_iam_user_policy": (_POLICY,),
    "aws_iam_group_policy": (_POLICY,),
    "aws_iam_role": (
        Spot(path="assume_role_policy", kind=Kind.TRUST),
        Spot(path="inline_policy[].policy", kind=Kind.IDENTITY, name="name"),
    ),
    "aws_ssoadmin_permission_set_inline_policy": (Spot(path="inline_policy", kind=Kind.IDENTITY),),
    "aws_eks_pod_identity_association": (Spot(path="policy", kind=Kind.SESSION),),
    "aws_transfer_user": (Spot(path="policy", kind=Kind.SESSION),),
    "aws_iam_policy_document": (Spot(path="json"),),
    "aws_iot_policy": (
        Spot(path="policy", skip="an AWS IoT policy: another language than IAM's"),
    ),
}

SPOTS: Final[Mapping[str, tuple[Spot, ...]]] = {
    **{
        (words := row.split())[0]: (
            Spot(path=(words[1:] or ["policy"])[0], kind=Kind.RESOURCE, resource_type=owner),
        )
        for row, owner in _RESOURCE.items()
    },
    **_OTHERS,
}
