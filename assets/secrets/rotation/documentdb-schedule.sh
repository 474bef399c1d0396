# This sets only the schedule. Nothing is rotated now.
SECRET=$(aws docdb describe-db-clusters --region {{Region}} --db-cluster-identifier {{Database}} --query 'DBClusters[0].MasterUserSecret.SecretArn' --output text)
aws secretsmanager rotate-secret --region {{Region}} --secret-id "$SECRET" --no-rotate-immediately --rotation-rules '{{Rules}}'
