# For spiffe-helper beside the workload: it writes a JWT-SVID into /run/workload/token and renews it.
agent_address = "/tmp/spire-agent/public/api.sock"
cert_dir = "/run/workload"
daemon_mode = true
jwt_svids = [{ jwt_audience = "{{Audience}}", jwt_svid_file_name = "token" }]
