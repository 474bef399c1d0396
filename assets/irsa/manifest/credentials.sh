#!/bin/sh
# Prints credentials of the role for the profile that runs this script: exchanges a token of the identity that is signed in.
set -eu
token=$(az account get-access-token --resource {{Application}} --query accessToken --output tsv)
token=$(gcloud auth print-identity-token --audiences {{Asked}})
# The exchange needs no credentials: without these lines the AWS CLI could run the profile, and this script, again.
unset AWS_PROFILE AWS_DEFAULT_PROFILE
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true
# The token goes through standard input: arguments are visible to other processes.
# shellcheck disable=SC2016 # the backticks are JMESPath's
printf '%s' "$token" | aws sts assume-role-with-web-identity \
  --region {{Region}} \
  --role-arn {{RoleArn}} \
  --role-session-name workload \
  --web-identity-token file:///dev/stdin \
  --query '{Version: `1`, AccessKeyId: Credentials.AccessKeyId, SecretAccessKey: Credentials.SecretAccessKey, SessionToken: Credentials.SessionToken, Expiration: Credentials.Expiration}' \
  --output json
