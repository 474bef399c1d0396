# Create the secret with its type and value beforehand: a value in the configuration would be stored in the state.
data "aws_secretsmanager_secret" "external" {
  name = "{{Name}}"
}

resource "aws_iam_role" "rotation" {
  name               = "{{Role}}"
  assume_role_policy = file("${path.module}/external-trust.json")
}

resource "aws_iam_role_policy" "rotation" {
  name   = "RotateSecret"
  role   = aws_iam_role.rotation.id
  policy = file("${path.module}/external-role.json")
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
