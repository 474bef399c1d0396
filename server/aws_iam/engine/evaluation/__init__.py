"""The parts of a decision: who asks, in which context, and what each statement says to it."""
