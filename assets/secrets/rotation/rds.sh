# RDS makes a new master password now, keeps it in a secret of its own and rotates it; no Lambda function takes part.
aws rds modify-db-instance --region {{Region}} --db-instance-identifier {{Database}} --manage-master-user-password --apply-immediately
