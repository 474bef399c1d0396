resource "aws_redshift_cluster" "database" {
  cluster_identifier        = "{{Database}}"
  cluster_type              = "single-node"
  node_type                 = "ra3.large"
  database_name             = "app"
  encrypted                 = true
  publicly_accessible       = false
  master_username           = "app_admin"
  manage_master_password    = true
  final_snapshot_identifier = "{{Database}}-final"
}
