# Who hands the role to which pods. It reaches new pods only, after a few seconds: restart the others.
aws eks create-pod-identity-association \
  --region {{Region}} \
  --target-role-arn {{TargetRole}} \
  --cluster-name {{Cluster}} --namespace {{Namespace}} --service-account {{ServiceAccount}} --role-arn {{RoleArn}}
