"""The hierarchical keyring: branch keys in a DynamoDB table, cached, so that most messages need no call to KMS.

Pass its keyring to `seal` and `unseal` of envelope.py. The table has the partition key `branch-key-id` and the sort key
`type`, both strings; losing the table is losing the data.

pip install "aws-encryption-sdk[MPL]>=4" boto3
"""

import boto3
from aws_cryptographic_material_providers.keystore import KeyStore
from aws_cryptographic_material_providers.keystore.config import KeyStoreConfig
from aws_cryptographic_material_providers.keystore.models import (
    CreateKeyInput,
    KMSConfigurationKmsKeyArn,
    VersionKeyInput,
)
from aws_cryptographic_material_providers.mpl import AwsCryptographicMaterialProviders
from aws_cryptographic_material_providers.mpl.config import MaterialProvidersConfig
from aws_cryptographic_material_providers.mpl.models import (
    CacheTypeDefault,
    CreateAwsKmsHierarchicalKeyringInput,
    DefaultCache,
)

# For this long a role that lost its rights on the KMS key still works.
LIFETIME_SECONDS = 300
CACHED_BRANCH_KEYS = 100
PROVIDERS = AwsCryptographicMaterialProviders(config=MaterialProvidersConfig())


def key_store(table, key):
    """The branch keys in the table, protected by the KMS key (its ARN); the table's name is bound to them."""
    return KeyStore(
        config=KeyStoreConfig(
            ddb_client=boto3.client("dynamodb"),
            ddb_table_name=table,
            logical_key_store_name=table,
            kms_client=boto3.client("kms"),
            kms_configuration=KMSConfigurationKmsKeyArn(value=key),
        )
    )


def create(store, name, context):
    """Create a branch key, such as one for each tenant; an administrator does this once, not the application."""
    key_input = CreateKeyInput(branch_key_identifier=name, encryption_context=context)
    return store.create_key(input=key_input).branch_key_identifier


def rotate(store, name):
    """Give the branch key a new version; the older ones still decrypt. For the administrator too."""
    store.version_key(input=VersionKeyInput(branch_key_identifier=name))


def keyring(store, name):
    """The keyring of one branch key: it cannot decrypt what another branch key encrypted."""
    keyring_input = CreateAwsKmsHierarchicalKeyringInput(
        key_store=store,
        branch_key_id=name,
        ttl_seconds=LIFETIME_SECONDS,
        cache=CacheTypeDefault(value=DefaultCache(entry_capacity=CACHED_BRANCH_KEYS)),
    )
    return PROVIDERS.create_aws_kms_hierarchical_keyring(input=keyring_input)
