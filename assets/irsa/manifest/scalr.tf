# Give the workspace this provider configuration; Scalr exchanges the token by itself.
resource "scalr_provider_configuration" "aws" {
  name         = "aws"
  environments = ["ENVIRONMENT_ID"]

  aws {
    credentials_type = "oidc"
    role_arn         = "{{RoleArn}}"
    audience         = "{{Audience}}"
  }
}
