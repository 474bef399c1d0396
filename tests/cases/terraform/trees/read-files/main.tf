# What comes from a file counts where it is used; what is left of one is read by itself.
resource "aws_iam_role_policy" "replaced" {
  role   = "app"
  policy = replace(file("${path.module}/replaced.json"), "BUCKET", "reports")
}

resource "aws_iam_user" "named" {
  name = yamldecode(file("${path.module}/config.yaml")).name
}

resource "aws_instance" "host" {
  user_data = templatefile("${path.module}/setup.sh", {})
}

resource "aws_iam_role_policy" "unknown" {
  role   = "app"
  policy = provider::own::changed(file("${path.module}/unknown.json"))
}
