resource "aws_iam_role" "this" {
  name               = var.name
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]

    dynamic "principals" {
      for_each = length(var.services) > 0 ? [1] : []

      content {
        type        = "Service"
        identifiers = var.services
      }
    }
  }
}

resource "aws_iam_policy" "this" {
  count  = var.policy_json == null ? 0 : 1
  name   = var.name
  policy = var.policy_json
}

resource "aws_iam_role_policy_attachment" "own" {
  count      = var.policy_json == null ? 0 : 1
  role       = aws_iam_role.this.name
  policy_arn = one(aws_iam_policy.this[*].arn)
}

resource "aws_iam_role_policy_attachment" "more" {
  for_each   = toset(var.managed)
  role       = aws_iam_role.this.name
  policy_arn = "arn:aws:iam::aws:policy/${each.value}"
}
