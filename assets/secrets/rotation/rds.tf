resource "aws_db_instance" "database" {
  identifier                  = "{{Database}}"
  engine                      = "postgres"
  instance_class              = "db.t4g.medium"
  allocated_storage           = 20
  storage_encrypted           = true
  publicly_accessible         = false
  username                    = "app_admin"
  manage_master_user_password = true
  final_snapshot_identifier   = "{{Database}}-final"
}
