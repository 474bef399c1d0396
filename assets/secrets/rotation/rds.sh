#!/usr/bin/env bash
set -euo pipefail
# RDS generates a new master password now, stores it in its own secret and rotates it, without a Lambda function.
aws rds modify-db-instance --region {{Region}} --db-instance-identifier {{Database}} --manage-master-user-password --apply-immediately
