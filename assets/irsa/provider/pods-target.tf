
# The target role is created in its account with target-trust-policy.json.
resource "aws_iam_role_policy" "target" {
  name   = "AssumeTargetRole"
  role   = aws_iam_role.workload.id
  policy = jsonencode(
    {{Policy}}
  )
}
