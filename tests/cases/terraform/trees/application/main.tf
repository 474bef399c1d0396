terraform {
  required_version = ">= 1.5"
}

variable "environment" {
  type = string
}

variable "extra_bucket" {
  type    = string
  default = null
}

data "aws_caller_identity" "current" {}

locals {
  name    = "orders-${var.environment}"
  buckets = compact([aws_s3_bucket.data.bucket, var.extra_bucket])
}

resource "aws_s3_bucket" "data" {
  bucket = "${local.name}-data"
}

# One module for each role, with what it may do.
module "role" {
  source   = "./modules/role"
  for_each = { api = ["s3:GetObject"], worker = ["s3:GetObject", "s3:PutObject"] }

  name        = "${local.name}-${each.key}"
  services    = ["lambda.amazonaws.com"]
  policy_json = data.aws_iam_policy_document.access[each.key].json
}

resource "aws_sqs_queue" "jobs" {
  name           = "${local.name}-jobs"
  redrive_policy = jsonencode({ deadLetterTargetArn = "arn:aws:sqs:us-east-1:111122223333:dead", maxReceiveCount = 4 })
}

resource "aws_sqs_queue_policy" "jobs" {
  queue_url = aws_sqs_queue.jobs.id
  policy = templatefile("${path.module}/policies/queue.json.tftpl", {
    queue   = aws_sqs_queue.jobs.arn
    account = data.aws_caller_identity.current.account_id
    bucket  = aws_s3_bucket.data.arn
  })
}
