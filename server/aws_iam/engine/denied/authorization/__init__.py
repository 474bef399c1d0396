"""AWS's own record of a refused request, beside the decision of its captured policies."""
