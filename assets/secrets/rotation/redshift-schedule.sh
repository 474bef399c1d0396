# This sets only the schedule. Nothing is rotated now.
SECRET=$(aws redshift describe-clusters --region {{Region}} --cluster-identifier {{Database}} --query 'Clusters[0].MasterPasswordSecretArn' --output text)
aws secretsmanager rotate-secret --region {{Region}} --secret-id "$SECRET" --no-rotate-immediately --rotation-rules '{{Rules}}'
