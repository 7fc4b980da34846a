"""Purchases from a CSV file.

* reading: what a file must be, and its numbered lines, one at a time;
* rows: a line becomes a purchase with a natural key, or faults in words;
* writing: batches of purchases through the services, one transaction each;
* report: refused rows for the person who sent the file;
* running: all of it, for one file;
* comparing: the same file against the three stores.
"""
