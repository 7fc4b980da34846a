"""A stand for the speed of the hot paths: data, the production server, a client, the raw SQL."""
