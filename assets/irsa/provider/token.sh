#!/usr/bin/env bash
# Once per account; `aws iam list-open-id-connect-providers` lists the existing ones. No thumbprint is needed.
# The same with eksctl: eksctl utils associate-iam-oidc-provider --cluster {{Cluster}} --region {{Region}} --approve
aws iam create-open-id-connect-provider --url {{Url}} --client-id-list {{Audiences}}
# If the provider exists already, it may lack the audience:
#   aws iam add-client-id-to-open-id-connect-provider --cli-input-json {{AddAudience}}
# The role has no permissions yet: attach the policies that the workload needs.
aws iam create-role --role-name {{Role}} --assume-role-policy-document file://trust-policy.json --max-session-duration 3600
