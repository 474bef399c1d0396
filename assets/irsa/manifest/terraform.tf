# HCP Terraform exchanges the token by itself; nothing is stored but these settings.
data "tfe_workspace" "workload" {
  organization = "{{Organization}}"
  name         = "{{Workspace}}"
}

resource "tfe_variable" "auth" {
  workspace_id = data.tfe_workspace.workload.id
  category     = "env"
  key          = "TFC_AWS_PROVIDER_AUTH"
  value        = "true"
}

# Give the other phase its own role: TFC_AWS_{{OtherPhase}}_ROLE_ARN.
resource "tfe_variable" "role" {
  workspace_id = data.tfe_workspace.workload.id
  category     = "env"
  key          = "TFC_AWS_{{Phase}}_ROLE_ARN"
  value        = "{{RoleArn}}"
}

resource "tfe_variable" "audience" {
  workspace_id = data.tfe_workspace.workload.id
  category     = "env"
  key          = "TFC_AWS_WORKLOAD_IDENTITY_AUDIENCE"
  value        = "{{Audience}}"
}
