"""Files that have no policy and decide about those of others: values, parameters and what a file takes from another one."""
