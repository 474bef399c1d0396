# The secret exists and holds the user's password (secret.json shows its fields): a value in the configuration would be
# stored in the state.
data "aws_secretsmanager_secret" "app" {
  name = "{{Name}}"
}

data "aws_region" "current" {}

data "aws_partition" "current" {}

variable "vpc_id" {
  description = "The VPC of the database"
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets of the VPC, from which the database and Secrets Manager can be reached"
  type        = list(string)
}

variable "database_security_group_id" {
  description = "The security group of the database; it will let the function in"
  type        = string
}

resource "aws_security_group" "function" {
  name_prefix = "{{Function}}-"
  description = "The function that rotates the password"
  vpc_id      = var.vpc_id

  egress {
    description = "Secrets Manager"
    protocol    = "tcp"
    from_port   = 443
    to_port     = 443
    cidr_blocks = ["0.0.0.0/0"]
  }

  egress {
    description     = "The database"
    protocol        = "tcp"
    from_port       = {{Port}}
    to_port         = {{Port}}
    security_groups = [var.database_security_group_id]
  }
}

resource "aws_security_group_rule" "database" {
  type                     = "ingress"
  description              = "The function that rotates the password"
  security_group_id        = var.database_security_group_id
  source_security_group_id = aws_security_group.function.id
  protocol                 = "tcp"
  from_port                = {{Port}}
  to_port                  = {{Port}}
}

resource "aws_serverlessapplicationrepository_cloudformation_stack" "rotation" {
  name           = "{{Function}}"
  application_id = "{{Application}}"
  capabilities   = ["CAPABILITY_IAM", "CAPABILITY_RESOURCE_POLICY"]

  parameters = {
    endpoint            = "https://secretsmanager.${data.aws_region.current.name}.${data.aws_partition.current.dns_suffix}"
    functionName        = "{{Function}}"
    vpcSubnetIds        = join(",", var.subnet_ids)
    vpcSecurityGroupIds = aws_security_group.function.id
    excludeCharacters   = {{TerraformExcluded}}
{{Superuser}}
  }
}

resource "aws_secretsmanager_secret_rotation" "app" {
  secret_id           = data.aws_secretsmanager_secret.app.id
  rotation_lambda_arn = aws_serverlessapplicationrepository_cloudformation_stack.rotation.outputs["RotationLambdaARN"]
  rotate_immediately  = false

  rotation_rules {
{{Rules}}
  }

  depends_on = [aws_security_group_rule.database]
}
