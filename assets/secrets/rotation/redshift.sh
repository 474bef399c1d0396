# Redshift makes a new admin password now, keeps it in a secret of its own and rotates it; no Lambda function takes part.
aws redshift modify-cluster --region {{Region}} --cluster-identifier {{Database}} --manage-master-password
