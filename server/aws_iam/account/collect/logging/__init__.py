"""What is recorded, and who is alarmed."""
