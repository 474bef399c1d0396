# AWS knows this issuer without a provider in the account.
# The role has no permissions yet: attach the policies that the workload needs.
resource "aws_iam_role" "workload" {
  name                 = "{{Role}}"
  assume_role_policy   = jsonencode(
    {{Trust}}
  )
  max_session_duration = 3600
}

output "role_arn" {
  value = aws_iam_role.workload.arn
}
