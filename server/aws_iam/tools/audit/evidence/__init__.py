"""What controls reason with: alarms, metric filters, event selectors, networks."""
