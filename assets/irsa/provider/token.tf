# An account has one provider for each issuer; if it exists already, import it:
#   terraform import aws_iam_openid_connect_provider.issuer {{ProviderArn}}
resource "aws_iam_openid_connect_provider" "issuer" {
  url            = "{{Url}}"
  client_id_list = ["{{Audience}}"]
}

# The role has no permissions yet: attach the policies that the workload needs.
resource "aws_iam_role" "workload" {
  name                 = "{{Role}}"
  assume_role_policy   = jsonencode(
    {{Trust}}
  )
  max_session_duration = 3600

  depends_on = [aws_iam_openid_connect_provider.issuer]
}

output "role_arn" {
  value = aws_iam_role.workload.arn
}
