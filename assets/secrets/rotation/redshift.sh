#!/usr/bin/env bash
set -euo pipefail
# Redshift generates a new admin password now, stores it in its own secret and rotates it, without a Lambda function.
aws redshift modify-cluster --region {{Region}} --cluster-identifier {{Database}} --manage-master-password
