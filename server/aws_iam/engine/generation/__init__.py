"""From needs to the actions and resources that grant them, with what the calls also need."""
