#!/usr/bin/env bash
# Run it in the folder of these files; the secret exists.
set -euo pipefail
# The function's role.
aws iam create-role --role-name {{Role}} --assume-role-policy-document file://lambda-trust.json
aws iam put-role-policy --role-name {{Role}} --policy-name RotateSecret --policy-document file://rotation-role.json
aws iam attach-role-policy --role-name {{Role}} --policy-arn arn:{{Partition}}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole
aws iam wait role-exists --role-name {{Role}}
# Lambda may take a new role only some seconds later.
sleep 15
# The function. The settings are samples: put yours there.
python3 -m zipfile -c rotation_function.zip rotation_function.py
aws lambda create-function --region {{Region}} --function-name {{Function}} --runtime python3.13 --handler rotation_function.lambda_handler --timeout 60 --role arn:{{Partition}}:iam::{{Account}}:role/{{Role}} --environment {{ShellSettings}} --zip-file fileb://rotation_function.zip
aws lambda wait function-active-v2 --region {{Region}} --function-name {{Function}}
# Allow Secrets Manager to call it, for this account only.
aws lambda add-permission --region {{Region}} --function-name {{Function}} --statement-id SecretsManagerMayRotate --action lambda:InvokeFunction --principal secretsmanager.amazonaws.com --source-account {{Account}}
# Nothing is rotated now; `testSecret` runs once.
aws secretsmanager rotate-secret --region {{Region}} --secret-id {{Name}} --no-rotate-immediately --rotation-lambda-arn arn:{{Partition}}:lambda:{{Region}}:{{Account}}:function:{{Function}} --rotation-rules '{{Rules}}'
