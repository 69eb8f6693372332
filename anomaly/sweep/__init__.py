"""Many runs as one: what is planned, what is done already, what came of it."""
