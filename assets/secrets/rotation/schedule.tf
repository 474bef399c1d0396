
resource "aws_secretsmanager_secret_rotation" "database" {
  secret_id          = {{SecretAttribute}}
  rotate_immediately = false

  rotation_rules {
{{Rules}}
  }
}
