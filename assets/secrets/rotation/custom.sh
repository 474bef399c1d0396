# The function's role.
aws iam create-role --role-name {{Role}} --assume-role-policy-document file://lambda-trust.json
aws iam put-role-policy --role-name {{Role}} --policy-name RotateSecret --policy-document file://rotation-role.json
aws iam attach-role-policy --role-name {{Role}} --policy-arn arn:{{Partition}}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole
# The function: implement `accepts` and `change` in rotation_function.py and zip it first.
aws lambda create-function --region {{Region}} --function-name {{Function}} --runtime python3.13 --handler rotation_function.lambda_handler --timeout 60 --role arn:{{Partition}}:iam::{{Account}}:role/{{Role}} --zip-file fileb://rotation_function.zip
# Allow Secrets Manager to call it, for this account only.
aws lambda add-permission --region {{Region}} --function-name {{Function}} --statement-id SecretsManagerMayRotate --action lambda:InvokeFunction --principal secretsmanager.amazonaws.com --source-account {{Account}}
# Nothing is rotated now; `testSecret` runs once.
aws secretsmanager rotate-secret --region {{Region}} --secret-id {{Name}} --no-rotate-immediately --rotation-lambda-arn arn:{{Partition}}:lambda:{{Region}}:{{Account}}:function:{{Function}} --rotation-rules '{{Rules}}'
