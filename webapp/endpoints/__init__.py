"""The discovery endpoints: autoconfig, Autodiscover, PACC and /.well-known, answered from prepared bytes.

A small WSGI application in front of Flask: no SQL, no template, no session on this path. It must never ask for
credentials, set a cookie, write down an address or a query, or publish a domain that is not hosted here.
"""

from webapp.endpoints.discovery import Discovery

__all__ = ["Discovery"]
