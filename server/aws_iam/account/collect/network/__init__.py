"""How machines and services are reached: VPCs, security groups, ACLs, load balancers, distributions, APIs."""
