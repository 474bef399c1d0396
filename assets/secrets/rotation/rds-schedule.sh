# This sets only the schedule. Nothing is rotated now.
SECRET=$(aws rds describe-db-instances --region {{Region}} --db-instance-identifier {{Database}} --query 'DBInstances[0].MasterUserSecret.SecretArn' --output text)
aws secretsmanager rotate-secret --region {{Region}} --secret-id "$SECRET" --no-rotate-immediately --rotation-rules '{{Rules}}'
