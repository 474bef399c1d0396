"""Terraform's functions, as far as policies need them.

https://developer.hashicorp.com/terraform/language/functions
"""
