"""Invented services and people for the tests of formats."""

from __future__ import annotations

from profiles.address import Address
from profiles.model import (
    Authentication,
    DavService,
    Link,
    LocalizedText,
    MailAccount,
    Protocol,
    Server,
    ServiceSettings,
    SignIn,
    SocketType,
)

SSL, STARTTLS = SocketType.SSL, SocketType.STARTTLS


def server(
    protocol: Protocol,
    port: int,
    socket_type: SocketType = SSL,
    *,
    hostname: str = "mail.corp.example",
    username: str = "%EMAILADDRESS%",
    authentication: tuple[Authentication, ...] = (Authentication.PASSWORD_CLEARTEXT,),
) -> Server:
    """A server of corp.example."""
    return Server(
        protocol=protocol,
        hostname=hostname,
        port=port,
        socket_type=socket_type,
        username=username,
        authentication=authentication,
    )


IMAP = server(Protocol.IMAP, 993, hostname="imap.corp.example")
POP3 = server(Protocol.POP3, 995, hostname="pop.corp.example")
SMTP = server(Protocol.SMTP, 465, hostname="smtp.corp.example")
SUBMISSION = server(Protocol.SMTP, 587, STARTTLS, hostname="smtp.corp.example")
IMAP_STARTTLS = server(Protocol.IMAP, 143, STARTTLS, hostname="imap.corp.example")
POP3_STARTTLS = server(Protocol.POP3, 110, STARTTLS, hostname="pop.corp.example")


def service(**changes: object) -> ServiceSettings:
    """The mail service of corp.example and corp.example.jp."""
    values: dict[str, object] = {
        "id": "corp.example",
        "display_name": "Example Corporation",
        "display_short_name": "Example",
        "domains": ("corp.example", "corp.example.jp"),
        "incoming_servers": (IMAP,),
        "outgoing_servers": (SMTP,),
    }
    return ServiceSettings(**(values | changes))


COMPLETE = service(
    incoming_servers=(IMAP, POP3),
    outgoing_servers=(SMTP, SUBMISSION),
    calendar=DavService(url="https://dav.corp.example/cal/"),
    addressbook=DavService(url="https://dav.corp.example:8443/card/"),
    activesync_url="https://mail.corp.example/Microsoft-Server-ActiveSync",
    jmap_url="https://jmap.corp.example/.well-known/jmap",
    documentation=Link(
        url="https://intra.corp.example/mail?a=1&b=2",
        title=LocalizedText(texts=(("en", "Mail help"), ("ja", "メールの手引き"))),
    ),
    organization="株式会社サンプル",
    help=LocalizedText(texts=(("en", "IT desk, extension 5500"), ("ja", "情報システム部 内線 5500"))),
)

POP3_ONLY = service(
    incoming_servers=(server(Protocol.POP3, 995, username="%EMAILLOCALPART%"),),
    outgoing_servers=(server(Protocol.SMTP, 587, STARTTLS, username="%EMAILLOCALPART%"),),
)

EXCHANGE = service(
    sign_in=SignIn.OAUTH,
    incoming_servers=(server(Protocol.IMAP, 993, authentication=(Authentication.OAUTH2,)),),
    outgoing_servers=(server(Protocol.SMTP, 587, STARTTLS, authentication=(Authentication.OAUTH2,)),),
    activesync_url="https://eas.corp.example/Microsoft-Server-ActiveSync",
)

ADDRESS = Address("taro.yamada", "corp.example")


def account(
    settings: ServiceSettings | None = None, full_name: str = "山田 太郎", **options: object
) -> MailAccount:
    """Taro Yamada's account, of the plain service unless told otherwise."""
    return (settings or service()).account(ADDRESS, full_name, **options)
