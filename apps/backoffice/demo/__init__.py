"""A made-up world for development: partners, people, two years of purchases.

* people: the cast one signs in as, and the names of everybody else;
* partners: five businesses with their addresses, staff and rhythm of trade;
* world: who comes when and pays how much; plain Python, the same for the same seed and moment;
* promotion: campaigns of coupons and a live chain;
* loading: the world through the services, in batches, going on where it was interrupted.
"""
