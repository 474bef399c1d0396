# Once per cluster. EKS Auto Mode has the agent built in: leave this out there.
aws eks create-addon \
  --region {{Region}} \
  --cluster-name {{Cluster}} --addon-name eks-pod-identity-agent
# The role. It may do nothing yet: attach what the workload needs.
aws iam create-role --role-name {{Role}} --assume-role-policy-document file://trust-policy.json
# It reaches {{TargetRole}}, which is created in its account with target-trust-policy.json.
aws iam put-role-policy --role-name {{RoleWithTarget}} --policy-name AssumeTargetRole --policy-document file://assume-target-role.json
# Who hands it to which pods. It reaches new pods only: restart the others.
aws eks create-pod-identity-association \
  --region {{Region}} \
  --target-role-arn {{TargetRole}} \
  --cluster-name {{Cluster}} --namespace {{Namespace}} --service-account {{ServiceAccount}} --role-arn {{RoleArn}}
