data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

# The secret exists and has a value: a value in the configuration would be stored in the state.
data "aws_secretsmanager_secret" "app" {
  name = "{{Name}}"
}

locals {
  partition = data.aws_partition.current.partition
  account   = data.aws_caller_identity.current.account_id
  region    = split(":", data.aws_secretsmanager_secret.app.arn)[3]
}

resource "aws_iam_role" "rotation" {
  name = "{{Role}}"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
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
        Resource = data.aws_secretsmanager_secret.app.arn
        Condition = {
          StringEquals = {
            "secretsmanager:resource/AllowRotationLambdaArn" = "arn:${local.partition}:lambda:${local.region}:${local.account}:function:{{Function}}"
          }
        }
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

resource "aws_iam_role_policy_attachment" "logs" {
  role       = aws_iam_role.rotation.name
  policy_arn = "arn:${local.partition}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}

data "archive_file" "function" {
  type        = "zip"
  source_file = "${path.module}/rotation_function.py"
  output_path = "${path.module}/rotation_function.zip"
}

resource "aws_lambda_function" "rotation" {
  function_name    = "{{Function}}"
  runtime          = "python3.13"
  handler          = "rotation_function.lambda_handler"
  timeout          = 60
  role             = aws_iam_role.rotation.arn
  filename         = data.archive_file.function.output_path
  source_code_hash = data.archive_file.function.output_base64sha256

  # Samples: put yours there.
  environment {
    variables = {
{{TerraformSettings}}
    }
  }
}

resource "aws_lambda_permission" "rotation" {
  statement_id   = "SecretsManagerMayRotate"
  function_name  = aws_lambda_function.rotation.function_name
  action         = "lambda:InvokeFunction"
  principal      = "secretsmanager.amazonaws.com"
  source_account = local.account
}

resource "aws_secretsmanager_secret_rotation" "app" {
  secret_id           = data.aws_secretsmanager_secret.app.id
  rotation_lambda_arn = aws_lambda_function.rotation.arn
  rotate_immediately  = false

  rotation_rules {
{{Rules}}
  }

  depends_on = [aws_lambda_permission.rotation]
}
