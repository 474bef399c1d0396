"""Policies in Terraform's own language: files are parsed, their expressions evaluated as far as they are known.

policies.py     files → policies          the entry, for `sources/gather.py`; results.py collects them
folders.py      files → folders           parsing/ is the only place that knows python-hcl2
modules.py      folders → modules         variables, locals, instances, calls of local modules
expressions.py  syntax.py → values.py     with functions/; unknowns.py writes what is not known as a placeholder
documents.py    aws_iam_policy_document   permissions.py: statements without a document
"""
