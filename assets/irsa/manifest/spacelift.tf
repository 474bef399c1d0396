# In the code of the stack: Spacelift writes the token of each run into this file.
provider "aws" {
  region = "{{Region}}"

  assume_role_with_web_identity {
    role_arn                = "{{RoleArn}}"
    session_name            = "spacelift"
    web_identity_token_file = "/mnt/workspace/spacelift.oidc"
  }
}
