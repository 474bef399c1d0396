"""Rules on actions, and on what they can reach."""
