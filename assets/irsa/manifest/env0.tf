# Assign these credentials to the projects that are to use them: every environment of the organization has the same subject.
resource "env0_aws_oidc_credentials" "aws" {
  name     = "aws"
  role_arn = "{{RoleArn}}"
}
