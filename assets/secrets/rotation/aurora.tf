resource "aws_rds_cluster" "database" {
  cluster_identifier          = "{{Database}}"
  engine                      = "aurora-postgresql"
  storage_encrypted           = true
  master_username             = "app_admin"
  manage_master_user_password = true
  final_snapshot_identifier   = "{{Database}}-final"
}
