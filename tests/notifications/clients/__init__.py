"""Programs for the environment of `make clients`: a public client against the simulated providers,
its address on standard input, what the client understood on standard output."""
