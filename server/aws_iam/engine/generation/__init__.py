"""From needs to the fewest and smallest statements that grant them, with what the calls also need."""
