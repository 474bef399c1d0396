# The functions get credentials with the package @vercel/oidc-aws-credentials-provider, which reads this variable.
resource "vercel_project_environment_variable" "role" {
  project_id = "PROJECT_ID"
  key        = "AWS_ROLE_ARN"
  value      = "{{RoleArn}}"
  target     = ["{{Environment}}"]
  sensitive  = false
}
