resource "aws_iam_role" "ci" {
  name               = "ci"
  description        = "Builds and deploys."
  assume_role_policy = data.aws_iam_policy_document.ci_trust.json
}

data "aws_iam_policy_document" "ci_trust" {
  statement {
    sid     = "Partner"
    actions = ["sts:AssumeRole"]
    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::111122223333:role/build", "arn:aws:iam::444455556666:root"]
    }
  }
}

data "aws_iam_policy_document" "ci" {
  statement {
    sid       = "BuildArtifacts"
    actions   = ["s3:GetObject", "s3:PutObject", "s3:GetObjectTagging"]
    resources = ["arn:aws:s3:::amzn-s3-demo-bucket/*"]
  }
  statement {
    sid       = "Queue"
    actions   = ["sqs:SendMessage"]
    resources = ["arn:aws:sqs:eu-west-1:111122223333:deployments"]
  }
}

resource "aws_iam_role_policy" "ci" {
  name   = "ci"
  role   = aws_iam_role.ci.id
  policy = data.aws_iam_policy_document.ci.json
}

resource "aws_iam_role_policy_attachment" "ci_admin" {
  role       = aws_iam_role.ci.name
  policy_arn = "arn:aws:iam::aws:policy/AdministratorAccess"
}
