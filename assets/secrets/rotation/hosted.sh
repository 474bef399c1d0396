#!/usr/bin/env bash
# Run it in the folder of these files; the template beside it holds the rotation.
set -euo pipefail
: "${VPC_ID:?the VPC of the database}"
: "${SUBNET_IDS:?private subnets of the VPC, separated by commas}"
: "${DATABASE_SECURITY_GROUP_ID:?the security group of the database}"
aws cloudformation deploy --region {{Region}} --stack-name {{Function}} --template-file {{Template}} --capabilities CAPABILITY_IAM CAPABILITY_AUTO_EXPAND --parameter-overrides VpcId="$VPC_ID" SubnetIds="$SUBNET_IDS" DatabaseSecurityGroupId="$DATABASE_SECURITY_GROUP_ID"
# Nothing is rotated now. Make the user with the secret's password, then rotate once to see that it works.
aws secretsmanager describe-secret --region {{Region}} --secret-id {{Name}}
