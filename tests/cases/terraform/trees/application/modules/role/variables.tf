variable "name" {
  type = string
}

variable "services" {
  type    = list(string)
  default = []
}

variable "policy_json" {
  type    = string
  default = null
}

variable "managed" {
  type    = list(string)
  default = ["service-role/AWSLambdaBasicExecutionRole"]
}

output "arn" {
  value = aws_iam_role.this.arn
}
