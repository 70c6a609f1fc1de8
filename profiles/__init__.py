"""The words of mail set-up and the functions from a MailAccount to each client's format.

Nothing here touches files, sockets, the clock, randomness, the environment or Flask.
"""
