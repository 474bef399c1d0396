#!/usr/bin/env bash
# Once per cluster; not on EKS Auto Mode, which has the agent built in.
aws eks create-addon \
  --region {{Region}} \
  --cluster-name {{Cluster}} --addon-name eks-pod-identity-agent
# The role has no permissions yet: attach the policies that the workload needs.
aws iam create-role --role-name {{Role}} --assume-role-policy-document file://trust-policy.json
# It may assume {{TargetRole}}: create that role in its account with target-trust-policy.json.
aws iam put-role-policy --role-name {{RoleWithTarget}} --policy-name AssumeTargetRole --policy-document file://assume-target-role.json
# The association gives it to the pods of the ServiceAccount. Pods that run already need a restart.
aws eks create-pod-identity-association \
  --region {{Region}} \
  --target-role-arn {{TargetRole}} \
  --cluster-name {{Cluster}} --namespace {{Namespace}} --service-account {{ServiceAccount}} --role-arn {{RoleArn}}
