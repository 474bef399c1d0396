# Aurora makes a new master password now, keeps it in a secret of its own and rotates it; no Lambda function takes part.
aws rds modify-db-cluster --region {{Region}} --db-cluster-identifier {{Database}} --manage-master-user-password --apply-immediately
