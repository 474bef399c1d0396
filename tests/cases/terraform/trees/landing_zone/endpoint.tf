resource "aws_vpc_endpoint" "s3" {
  vpc_id = var.vpc
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = "*", Action = "s3:*", Resource = "*" }]
  })
}

resource "aws_ecr_lifecycle_policy" "keep" {
  repository = "app"
  policy     = jsonencode({ rules = [] })
}

resource "aws_iam_role" "network" {
  name                 = "network"
  permissions_boundary = aws_iam_policy.boundary.arn
  assume_role_policy   = file("../../../../secret.json")
}

resource "aws_iam_policy" "boundary" {
  name   = "boundary"
  policy = file("policies/../policies/leave.json")
}
