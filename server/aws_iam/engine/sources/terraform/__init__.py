"""Policies in Terraform's own language: `.tf` and `.tf.json` are parsed, their expressions evaluated as far as they are known.

parsing/        text → syntax.py          python-hcl2 and templates; the only place that knows its tree
modules.py      folders → modules         variables, tfvars, locals, calls of local modules
expressions.py  syntax → values           with functions.py; what is not known becomes a placeholder
documents.py    aws_iam_policy_document
policies.py     modules → policies        the entry, for `sources/gather.py`
"""
