"""From needs to the fewest and shortest statements that grant them, with what the calls also need."""
