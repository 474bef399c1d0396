# Leave this out if the cluster already has the agent; EKS Auto Mode has it built in.
resource "aws_eks_addon" "agent" {
  cluster_name = "{{Cluster}}"
  addon_name   = "eks-pod-identity-agent"
}

# The role has no permissions yet: attach the policies that the workload needs.
resource "aws_iam_role" "workload" {
  name               = "{{Role}}"
  assume_role_policy = jsonencode(
    {{Trust}}
  )
}

resource "aws_eks_pod_identity_association" "workload" {
  cluster_name    = "{{Cluster}}"
  namespace       = "{{Namespace}}"
  service_account = "{{ServiceAccount}}"
  role_arn        = aws_iam_role.workload.arn
  target_role_arn = "{{TargetRole}}"
}

output "role_arn" {
  value = aws_iam_role.workload.arn
}
