#!/usr/bin/env bash
set -euo pipefail
# Aurora generates a new master password now, stores it in its own secret and rotates it, without a Lambda function.
aws rds modify-db-cluster --region {{Region}} --db-cluster-identifier {{Database}} --manage-master-user-password --apply-immediately
