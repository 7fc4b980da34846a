"""A stand for the speed of the hot paths: data, the production server, a client, the raw SQL."""

MEMBER = "018f0001-0000-7000-8000-"  # how the id of a made member begins
