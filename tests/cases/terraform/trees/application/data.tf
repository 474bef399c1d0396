data "aws_iam_policy_document" "base" {
  statement {
    sid       = "Logs"
    actions   = ["logs:PutLogEvents"]
    resources = ["*"]
  }
}

data "aws_iam_policy_document" "access" {
  for_each = { api = ["s3:GetObject"], worker = ["s3:GetObject", "s3:PutObject"] }

  source_policy_documents = [data.aws_iam_policy_document.base.json]

  statement {
    sid       = "Data"
    actions   = each.value
    resources = [for bucket in local.buckets : "arn:aws:s3:::${bucket}/*"]
  }
}

# Nothing uses it.
data "aws_iam_policy_document" "unused" {
  statement {
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.data.arn]
  }
}
