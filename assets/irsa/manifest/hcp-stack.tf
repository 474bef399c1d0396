# Declare role_arn and identity_token as variables of the stack, the token as ephemeral, and pass them to the AWS
# provider under assume_role_with_web_identity (role_arn, web_identity_token).
identity_token "aws" {
  audience = ["{{Audience}}"]
}

deployment "{{Deployment}}" {
  inputs = {
    region         = "{{Region}}"
    role_arn       = "{{RoleArn}}"
    identity_token = identity_token.aws.jwt
  }
}
