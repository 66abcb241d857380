"""What additions to an instance are worth: a bound for each, and exact answers from the solved base."""
