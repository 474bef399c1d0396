"""What is recorded, and who is notified: CloudTrail, Config, metric filters, alarms, log deliveries."""
