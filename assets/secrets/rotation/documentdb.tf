resource "aws_docdb_cluster" "database" {
  cluster_identifier          = "{{Database}}"
  storage_encrypted           = true
  master_username             = "app_admin"
  manage_master_user_password = true
  final_snapshot_identifier   = "{{Database}}-final"
}
