#!/usr/bin/env bash
# AWS knows this issuer without a provider in the account.
# The role has no permissions yet: attach the policies that the workload needs.
aws iam create-role --role-name {{Role}} --assume-role-policy-document file://trust-policy.json --max-session-duration 3600
