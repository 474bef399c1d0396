resource "aws_organizations_policy" "guardrail" {
  for_each = fileset("${path.module}/policies", "*.json")
  name     = trimsuffix(each.value, ".json")
  content  = file("${path.module}/policies/${each.value}")
}

resource "aws_organizations_policy" "data" {
  name    = "data"
  type    = "RESOURCE_CONTROL_POLICY"
  content = <<-POLICY
    {
      "Version": "2012-10-17",
      "Statement": [
        {
          "Effect": "Deny",
          "Principal": "*",
          "Action": "s3:*",
          "Resource": "*",
          "Condition": {
            "StringNotEqualsIfExists": {"aws:PrincipalOrgID": "${var.organization}"},
            "BoolIfExists": {"aws:PrincipalIsAWSService": "false"}
          }
        }
      ]
    }
  POLICY
}

resource "aws_organizations_policy" "tags" {
  name    = "tags"
  type    = "TAG_POLICY"
  content = jsonencode({ tags = {} })
}

variable "organization" {}
