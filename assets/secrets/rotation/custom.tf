data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

# The secret exists and has a value: a value in the configuration would be stored in the state.
data "aws_secretsmanager_secret" "app" {
  name = "{{Name}}"
}

resource "aws_iam_role" "rotation" {
  name               = "{{Role}}"
  assume_role_policy = file("${path.module}/lambda-trust.json")
}

resource "aws_iam_role_policy" "rotation" {
  name   = "RotateSecret"
  role   = aws_iam_role.rotation.id
  policy = file("${path.module}/rotation-role.json")
}

resource "aws_iam_role_policy_attachment" "logs" {
  role       = aws_iam_role.rotation.name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
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
  source_account = data.aws_caller_identity.current.account_id
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
