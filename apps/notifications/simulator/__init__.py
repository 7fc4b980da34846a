"""SMS.ru, Firebase and SendGrid in one process, for the demo and for tests over HTTP.

What they answer is docs/providers of the contracts: two-level statuses, error codes, callbacks with
their digest, signed events. Switches (`POST /control`) make them fail the ways they do in life;
`GET /control` tells what arrived. Nothing leaves this machine.
"""
