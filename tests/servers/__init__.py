"""Private mail servers on loopback for the tests: Dovecot, Postfix, a DNS server, and servers that misbehave.

Nothing here listens on a usual port or outside 127.0.0.0/8, and nothing is written outside one temporary folder.
"""
