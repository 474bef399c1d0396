#!/usr/bin/env bash
set -euo pipefail
# The role that Secrets Manager assumes to rotate the secret at the partner.
aws iam create-role --role-name {{Role}} --assume-role-policy-document file://external-trust.json
aws iam put-role-policy --role-name {{Role}} --policy-name RotateSecret --policy-document file://external-role.json
# The value is in a file to keep it out of the shell history; the partner defines its fields. Delete the file afterwards.
aws secretsmanager create-secret --region {{Region}} --name {{Name}} --type {{Partner}} --secret-string file://secret.json
# Nothing is rotated now.
aws secretsmanager rotate-secret --region {{Region}} --secret-id {{Name}} --no-rotate-immediately --external-secret-rotation-role-arn arn:{{Partition}}:iam::{{Account}}:role/{{Role}} --external-secret-rotation-metadata '{{Metadata}}' --rotation-rules '{{Rules}}'
