"""Programs for the environment of `make clients`: a public client against a simulator, its
address and credentials on standard input, what the client understood on standard output."""
