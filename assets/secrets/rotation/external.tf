data "aws_caller_identity" "current" {}

# Create the secret with its type and value beforehand: a value in the configuration would be stored in the state.
data "aws_secretsmanager_secret" "external" {
  name = "{{Name}}"
}

resource "aws_iam_role" "rotation" {
  name = "{{Role}}"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "secretsmanager.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id }
        ArnLike      = { "aws:SourceArn" = data.aws_secretsmanager_secret.external.arn }
      }
    }]
  })
}

resource "aws_iam_role_policy" "rotation" {
  name = "RotateSecret"
  role = aws_iam_role.rotation.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "RotateOneSecret"
        Effect = "Allow"
        Action = [
          "secretsmanager:DescribeSecret",
          "secretsmanager:GetSecretValue",
          "secretsmanager:PutSecretValue",
          "secretsmanager:UpdateSecretVersionStage",
        ]
        Resource  = data.aws_secretsmanager_secret.external.arn
        Condition = { StringEquals = { "secretsmanager:resource/Type" = "{{Partner}}" } }
      },
      {
        Sid      = "MakePasswords"
        Effect   = "Allow"
        Action   = "secretsmanager:GetRandomPassword"
        Resource = "*"
      },
    ]
  })
}

resource "aws_secretsmanager_secret_rotation" "external" {
  secret_id                         = data.aws_secretsmanager_secret.external.id
  rotate_immediately                = false
  external_secret_rotation_role_arn = aws_iam_role.rotation.arn
{{Metadata}}
  rotation_rules {
{{Rules}}
  }

  depends_on = [aws_iam_role_policy.rotation]
}
