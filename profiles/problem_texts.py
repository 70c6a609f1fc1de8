"""The words of every code: what happened to which thing, and what to do next.

One table, and therefore longer than other modules. The texts are English msgids (catalogue `profiles`) written for
employees; sentences for whoever runs the mail server begin with "Admin:". `%(server)s`, `%(place)s` and
`%(server_text)s` stand for those fields of the problem, every other placeholder for one of its parameters
(`Text.params`). A placeholder without a value shows as a dash: fill the texts with `webapp.i18n.describe`, never
with a bare `%`, so that a forgotten parameter cannot turn one problem into another.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from profiles.codes import Code, Severity

_PLACEHOLDER = re.compile(r"%\((\w+)\)s")
WARNING = Severity.WARNING
INFO = Severity.INFO


@dataclass(frozen=True, slots=True)
class Text:
    """The words of one code: what happened to which thing, and what to do next."""

    summary: str
    advice: str
    severity: Severity = Severity.ERROR

    @property
    def params(self) -> frozenset[str]:
        """The placeholders of both texts."""
        return frozenset(_PLACEHOLDER.findall(self.summary + self.advice))


def N_(message: str) -> str:
    """Mark a text for translation; the layer above translates it."""
    return message


TEXTS: dict[Code, Text] = {
    # input of people
    Code.ADDRESS_INVALID: Text(
        N_("“%(address)s” is not a mail address."),
        N_("Type the whole address, such as taro@example.jp."),
    ),
    Code.ADDRESS_MENDED: Text(
        N_("The address was read as %(address)s."),
        N_("If that is not what you meant, correct it."),
        INFO,
    ),
    Code.PASSWORD_MISSING: Text(
        N_("The password is missing."),
        N_("Type the password of this mailbox."),
    ),
    Code.PASSWORD_UNUSUAL: Text(
        N_("The password begins or ends with a blank, or holds full-width characters."),
        N_("If the password is really written so, send it again; otherwise correct it."),
        WARNING,
    ),
    Code.PASSWORD_UNUSABLE: Text(
        N_("The password holds a character that mail servers cannot take, such as a line break."),
        N_("Type the password by hand instead of pasting it."),
    ),
    Code.NAME_UNUSABLE: Text(
        N_("The name holds a character that cannot stand in a mail."),
        N_("Type the name without line breaks and without the signs < and >."),
    ),
    Code.USERNAME_MISSING: Text(
        N_("This mail service needs a user name besides the address."),
        N_("Type the user name that the mail service gave you."),
    ),
    Code.USERNAME_UNUSABLE: Text(
        N_("The user name holds a character that mail servers cannot take, such as a line break."),
        N_("Type the user name by hand instead of pasting it."),
    ),
    Code.HOST_INVALID: Text(
        N_("“%(host)s” is not the name of a server."),
        N_(
            "Write the name as your mail service gives it, such as mail.example.jp, without https:// and "
            "without blanks."
        ),
    ),
    Code.PORT_INVALID: Text(
        N_("“%(port)s” is not a port number."),
        N_("Write a number from 1 to 65535, usually 993 for IMAP and 465 or 587 for sending."),
    ),
    Code.SERVER_URL_INVALID: Text(
        N_("“%(url)s” is not the URL of a mail server."),
        N_(
            "Write imaps://, imap+starttls://, pop3s://, pop3+starttls://, smtps:// or smtp+starttls://, "
            "then host and port, never a password."
        ),
    ),
    Code.SETTINGS_UNKNOWN: Text(
        N_("The mail servers of %(domain)s are not known here."),
        N_("Check the part after the @, or enter the servers by hand as your mail service gives them."),
    ),
    Code.SETTINGS_UNPROVED: Text(
        N_("Mail servers of %(domain)s were found (%(servers)s), but nothing proves them: %(where)s."),
        N_(
            "Compare them with the instructions of your mail service. If they are right, name them with --incoming"
            " and --outgoing, or use --accept-guess."
        ),
    ),
    Code.FORM_EXPIRED: Text(
        N_("The page was open for too long and is no longer valid."),
        N_("Press the button once more; if the page asks for a password, type it again first."),
    ),
    Code.TOO_MANY_ATTEMPTS: Text(
        N_("There were too many attempts in a short time."),
        N_("Wait %(minutes)s minutes, so that your mail service does not lock the mailbox, and then try again."),
    ),
    Code.TOO_MANY_FILES: Text(
        N_("Very many files were asked for from your network in a short time."),
        N_("Wait %(minutes)s minutes, and then try again."),
    ),
    Code.TOO_MANY_SEARCHES: Text(
        N_("Very many mail settings were searched for from your network in a short time."),
        N_("Enter your mail servers by hand, or wait %(minutes)s minutes and try again."),
    ),
    Code.BUSY: Text(
        N_("Many checks are running at this moment."),
        N_("Try again in a minute."),
    ),
    Code.ACCOUNT_REPEATED: Text(
        N_("%(address)s is among these accounts already."),
        N_("Enter another address of yours."),
    ),
    Code.ADDRESS_ELSEWHERE: Text(
        N_("%(address)s is not an address of this mail service."),
        N_("Enter one that ends in %(domains)s. For any other, begin at the first page."),
    ),
    # links and deliveries
    Code.LINK_UNKNOWN: Text(
        N_("This link is not known here."),
        N_("Check that the link is complete, or ask for a new one."),
    ),
    Code.LINK_EXPIRED: Text(
        N_("This link is no longer valid."),
        N_("Ask for a new link, or start again with your address."),
    ),
    Code.LINK_USED: Text(
        N_("This link has already been used."),
        N_("Ask for a new link; if you did not use this one yourself, tell your administrator."),
    ),
    Code.PIN_INVALID: Text(
        N_("A PIN has six digits."),
        N_("Enter all six, also the zeros in front."),
    ),
    Code.PIN_WRONG: Text(
        N_("This PIN is not right."),
        N_("Compare it with the message that told you the PIN. Tries left: %(left)s."),
    ),
    Code.PIN_LOCKED: Text(
        N_("A wrong PIN was entered five times, so this link is locked."),
        N_("Ask your administrator for a new card and a new PIN."),
    ),
    Code.CHECK_LOST: Text(
        N_("The check was interrupted because the service was restarted."),
        N_("Start the check again."),
    ),
    Code.CHECK_STOPPED: Text(
        N_("The check was stopped before it ended."),
        N_("Start the check again."),
    ),
    # domains, providers, settings of the host
    Code.TOML_SYNTAX: Text(
        N_("%(place)s is not valid TOML: %(reason)s."),
        N_("Correct the line named here; texts stand in double quotes."),
    ),
    Code.FILE_UNREADABLE: Text(
        N_("%(place)s cannot be read."),
        N_("Check that the file exists, is not too large, holds what its name promises, and may be read."),
    ),
    Code.KEY_UNKNOWN: Text(
        N_("%(place)s is not a known key."),
        N_("Did you mean %(suggestion)s?"),
    ),
    Code.KEY_MISSING: Text(
        N_("%(place)s is missing."),
        N_("Add it; docs/operators.md shows a complete domain."),
    ),
    Code.VALUE_TYPE: Text(
        N_("%(place)s has the wrong kind of value."),
        N_("Write %(expected)s."),
    ),
    Code.VALUE_UNKNOWN: Text(
        N_("%(place)s: “%(value)s” is not a known word."),
        N_("Use one of these: %(known)s."),
    ),
    Code.VALUE_INVALID: Text(
        N_("%(place)s: “%(value)s” cannot be used here."),
        N_("Correct the value: printable characters only, not too long, URLs with https://, dates as 2026-08-31."),
    ),
    Code.SERVER_PLAIN_TEXT: Text(
        N_("%(place)s asks for a connection without TLS."),
        N_("Use SSL or STARTTLS: passwords never travel unencrypted."),
    ),
    Code.PORT_SECURITY_MISMATCH: Text(
        N_("%(place)s: port %(port)s is unusual together with %(security)s."),
        N_("If the server is not set up in a special way, use port %(usual)s with %(security)s."),
        WARNING,
    ),
    Code.DOMAIN_EXISTS: Text(
        N_("The domain “%(id)s” already exists."),
        N_("Use --replace if the new settings shall take its place."),
    ),
    Code.DOMAIN_TAKEN: Text(
        N_("The mail domain %(domain)s already belongs to “%(id)s”."),
        N_("List each mail domain in one place only."),
    ),
    Code.DOMAIN_REPEATED: Text(
        N_("%(place)s names %(domain)s twice."),
        N_("Keep it once."),
    ),
    Code.DOMAIN_UNKNOWN: Text(
        N_("There is no domain “%(id)s” here."),
        N_("“hagaki domain list” shows the domains there are."),
    ),
    Code.SETTING_UNKNOWN: Text(
        N_("%(setting)s is not a setting of Hagaki."),
        N_("Remove it or correct its name (nearest: %(nearest)s); docs/operators.md lists every setting."),
    ),
    Code.SETTING_INVALID: Text(
        N_("%(setting)s has a value that cannot be used: %(value)s."),
        N_("Write %(expected)s."),
    ),
    Code.SETTING_CONFLICT: Text(
        N_("%(setting)s and %(other)s cannot be used together."),
        N_("Keep one of the two."),
    ),
    Code.SETTING_MISSING: Text(
        N_("%(other)s is set, but %(setting)s is not."),
        N_("Set both, or neither of them."),
    ),
    Code.BIND_FAILED: Text(
        N_("Hagaki cannot listen on %(bind)s: %(reason)s."),
        N_("End the program that uses this port, or choose another with HAGAKI_BIND."),
    ),
    Code.DATABASE_UNAVAILABLE: Text(
        N_("The database cannot be reached: %(reason)s."),
        N_("Try again in a minute. Admin: check HAGAKI_DATABASE_URL, free disk space and that the database runs."),
    ),
    # outputs and signing
    Code.FORMAT_CANNOT_HOLD: Text(
        N_("The format %(format)s cannot hold this account: %(reason)s."),
        N_("Choose another format, for instance the sheet of values."),
    ),
    Code.SIGNER_EXPIRED: Text(
        N_("The signing certificate of “%(subject)s” ended on %(not_after)s."),
        N_(
            "Admin: renew it and import it with “hagaki signing import”, or make a new local one with “hagaki "
            "signing issue”."
        ),
    ),
    Code.SIGNER_NOT_YET_VALID: Text(
        N_("The signing certificate of “%(subject)s” is valid only from %(not_before)s on."),
        N_("Admin: check the clock of this machine, or use the earlier certificate until then."),
    ),
    Code.SIGNER_SELF_SIGNED: Text(
        N_("The signing certificate of “%(subject)s” is signed by itself."),
        N_(
            "Admin: use a certificate from a certificate authority, or “hagaki signing issue”, which makes a "
            "chain."
        ),
    ),
    Code.SIGNER_CHAIN_BROKEN: Text(
        N_("The certificate of “%(issuer)s”, which signed that of “%(subject)s”, is missing or does not fit."),
        N_("Admin: give the whole chain, in PEM, with HAGAKI_SIGNING_CHAIN."),
    ),
    Code.SIGNER_KEY_MISMATCH: Text(
        N_("The signing key does not belong to the certificate of “%(subject)s”."),
        N_("Admin: give the key with which the certificate was requested."),
    ),
    Code.SIGNER_KEY_UNSUPPORTED: Text(
        N_("The signing key cannot be used."),
        N_("Admin: use an unencrypted PEM key, RSA of at least 2048 bits or ECDSA on P-256, P-384 or P-521."),
    ),
    Code.SIGNER_MISSING: Text(
        N_("%(place)s holds no signing certificate or key."),
        N_("Admin: give a PEM file with certificate and key, or let “hagaki signing issue” make a local one."),
    ),
    Code.SIGNER_EXPIRES_SOON: Text(
        N_("The signing certificate of “%(subject)s” ends in %(days)s days, on %(not_after)s."),
        N_("Admin: renew it before that day; profiles made earlier stay valid on the devices."),
        WARNING,
    ),
    Code.SIGNER_LOCAL_CA: Text(
        N_("Profiles are signed by this installation's own certificate authority."),
        N_(
            "iPhones show such profiles as “Not Verified”. Admin: import a certificate that Apple devices "
            "trust, or "
            "install the root %(place)s on your devices."
        ),
        WARNING,
    ),
    # name and connection
    Code.DNS_NXDOMAIN: Text(
        N_("The name %(host)s does not exist."),
        N_(
            "Check the address and the server name for a typing error. Admin: the A or CNAME record of the mail "
            "host "
            "is missing."
        ),
    ),
    Code.DNS_NO_ADDRESS: Text(
        N_("The name %(host)s exists but has no address."),
        N_(
            "Check the server name. Admin: add an A or AAAA record; MX and TXT alone are not enough for mail apps."
        ),
    ),
    Code.DNS_SERVFAIL: Text(
        N_("The name servers of %(host)s answer with an error."),
        N_("Try again later. Admin: check the name servers and DNSSEC."),
    ),
    Code.DNS_TIMEOUT: Text(
        N_("The name servers of %(host)s did not answer in time."),
        N_("Try again in a few minutes. Admin: check the name servers."),
    ),
    Code.TARGET_NOT_ALLOWED: Text(
        N_("This service may not connect to %(server)s."),
        N_(
            "Ask your administrator to allow this server. Admin: register its domain, or name its network in "
            "HAGAKI_ALLOW_NETWORKS."
        ),
    ),
    Code.CONNECT_REFUSED: Text(
        N_("%(server)s refused the connection."),
        N_(
            "Check protocol and port: usual are 993 or 143 for IMAP, 995 or 110 for POP3, 465 or 587 for sending. "
            "Admin: check that the service runs."
        ),
    ),
    Code.CONNECT_TIMEOUT: Text(
        N_("%(server)s did not answer."),
        N_(
            "Check the server name, and use 465 or 587 instead of 25 for sending. Admin: check the firewall, and "
            "whether the server has banned the address of this service."
        ),
    ),
    Code.CONNECT_RESET: Text(
        N_("%(server)s broke the connection off at once."),
        N_(
            "Check the server name and the port. Admin: check firewall, access list, and bans of this service's "
            "address."
        ),
    ),
    Code.CONNECT_UNREACHABLE: Text(
        N_("There is no way to %(server)s from this service."),
        N_("Try again later. Admin: check the network of this service, IPv6 included."),
    ),
    Code.CLOSED_EARLY: Text(
        N_("%(server)s ended the connection without a word."),
        N_(
            "Try again in some minutes. Admin: check the log of the mail server; it refuses us or is not set up "
            "correctly."
        ),
    ),
    Code.NO_GREETING: Text(
        N_("%(server)s took the connection but said nothing."),
        N_(
            "Check that port and security belong together; otherwise the server may be overloaded, so try again "
            "later."
        ),
    ),
    Code.SERVER_TOO_SLOW: Text(
        N_("%(server)s answers too slowly."),
        N_("Try again later. Admin: check the load of the server."),
    ),
    Code.NOT_A_MAIL_SERVER: Text(
        N_("What answers at %(server)s is not a mail server."),
        N_("Check the port: 993 for IMAP, 995 for POP3, 465 or 587 for sending."),
    ),
    Code.WRONG_PROTOCOL: Text(
        N_("%(server)s speaks %(spoken)s, not %(asked)s."),
        N_("Choose %(spoken)s for this server, or another port."),
    ),
    Code.SERVER_UNAVAILABLE: Text(
        N_("%(server)s says that it is not available now."),
        N_("Try again in some minutes."),
    ),
    Code.SERVER_UNREACHABLE: Text(
        N_("%(server)s cannot be reached as a mail server."),
        N_("Check server name, port and security."),
    ),
    Code.SERVER_SAID_NO: Text(
        N_("%(server)s answered with an error that is not known here."),
        N_("Read the server's own words, and show them to whoever runs the mail server."),
    ),
    # TLS and certificates
    Code.PORT_SPEAKS_STARTTLS: Text(
        N_("%(server)s begins unencrypted and expects STARTTLS."),
        N_(
            "The port is right for STARTTLS: choose STARTTLS, or SSL with port 993 for IMAP, 995 for POP3, 465 "
            "for sending."
        ),
    ),
    Code.PORT_SPEAKS_TLS: Text(
        N_("%(server)s expects TLS from the start."),
        N_("Choose SSL/TLS for this port."),
    ),
    Code.STARTTLS_NOT_OFFERED: Text(
        N_("%(server)s offers no encryption on this port."),
        N_("Choose SSL with port 993 for IMAP, 995 for POP3 or 465 for sending; nothing is sent unencrypted."),
    ),
    Code.STARTTLS_REFUSED: Text(
        N_("%(server)s offers STARTTLS but could not begin it."),
        N_("Try SSL with port 993 for IMAP or 465 for sending. Admin: check certificate and key of the server."),
    ),
    Code.STARTTLS_INJECTION: Text(
        N_("Someone put unencrypted data into the connection to %(server)s before encryption began."),
        N_("Do not go on in this network, and tell your administrator: this may be an attack."),
    ),
    Code.PREAUTH_REFUSED: Text(
        N_("%(server)s claims a log-in before encryption began."),
        N_("Do not go on in this network, and tell your administrator: this may be an attack."),
    ),
    Code.CERT_SELF_SIGNED: Text(
        N_("The certificate of %(server)s is signed by itself, so nobody vouches for it."),
        N_(
            "Phones warn or refuse. Admin: install a certificate from a certificate authority, or name this one "
            "in "
            "HAGAKI_CA_FILE and hand it out to the devices."
        ),
    ),
    Code.CERT_EXPIRED: Text(
        N_("The certificate of %(server)s ended on %(not_after)s."),
        N_("Tell your administrator. Admin: renew it and reload the mail server too, not only the web server."),
    ),
    Code.CERT_NOT_YET_VALID: Text(
        N_("The certificate of %(server)s is valid only from %(not_before)s on."),
        N_("Tell your administrator. Admin: check the clocks of the mail server and of this machine."),
    ),
    Code.CERT_WRONG_NAME: Text(
        N_("The certificate of %(server)s is made for other names: %(names)s."),
        N_(
            "If one of these names is your mail server, use it as the server name; otherwise ask your "
            "administrator."
        ),
    ),
    Code.CERT_MISSING_INTERMEDIATE: Text(
        N_("%(server)s does not send its whole certificate chain."),
        N_(
            "Some devices work all the same, Android does not. Admin: install the file with the chain "
            "(fullchain.pem) "
            "and reload the mail server."
        ),
    ),
    Code.CERT_UNKNOWN_CA: Text(
        N_("The certificate of %(server)s comes from an authority that is not known here."),
        N_(
            "Ask your administrator. Admin: name the root of your company in HAGAKI_CA_FILE, and install it on "
            "the "
            "devices too."
        ),
    ),
    Code.CERT_INVALID: Text(
        N_("The certificate of %(server)s cannot be verified."),
        N_("Tell your administrator. Admin: check the certificate and its chain."),
    ),
    Code.CERT_EXPIRES_SOON: Text(
        N_("The certificate of %(server)s ends in %(days)s days."),
        N_("Nothing to do for you now. Admin: renew it and reload the mail server."),
        WARNING,
    ),
    Code.TLS_TOO_OLD: Text(
        N_("%(server)s knows only TLS versions that are no longer safe."),
        N_("Tell your administrator. Admin: update the mail server to TLS 1.2 or newer."),
    ),
    Code.TLS_OLD_CIPHER: Text(
        N_("%(server)s encrypts in an old-fashioned way."),
        N_(
            "It still works. Admin: allow modern ciphers (ECDHE with AES-GCM), because new devices will refuse "
            "the old ones."
        ),
        WARNING,
    ),
    Code.TLS_CLIENT_CERT: Text(
        N_("%(server)s asks for a certificate of the device."),
        N_("This is not supported here: ask your administrator for a server that takes a password."),
    ),
    Code.TLS_FAILED: Text(
        N_("No encrypted connection to %(server)s came about."),
        N_(
            "The password has not been sent, so it is not the cause. Admin: check TLS versions and ciphers of "
            "the server."
        ),
    ),
    # signing in
    Code.AUTH_WRONG_PASSWORD: Text(
        N_("%(server)s did not accept the user name or the password."),
        N_("Check the password for capital letters, 0 and O, and blanks, and type it once more."),
    ),
    Code.AUTH_APP_PASSWORD: Text(
        N_("%(server)s does not take the ordinary password; it wants an app password."),
        N_("Make an app password on the pages of your mail service, and type that one here."),
    ),
    Code.AUTH_WEB_LOGIN: Text(
        N_("%(server)s asks you to sign in with a browser first."),
        N_("Sign in to your mailbox in a browser once, confirm what it asks, and then try again here."),
    ),
    Code.AUTH_PROTOCOL_DISABLED: Text(
        N_("Mail apps are switched off for this mailbox at %(server)s."),
        N_(
            "Switch IMAP or POP on in the settings of your mail service. Admin: allow it for this mailbox or "
            "domain."
        ),
    ),
    Code.AUTH_WRONG_PASSWORD_OR_DISABLED: Text(
        N_("%(server)s did not accept the password, or mail apps are switched off for this mailbox."),
        N_(
            "Switch IMAP on in the settings of your mail service, check whether it wants an app password, and "
            "try again."
        ),
    ),
    Code.AUTH_OAUTH_REQUIRED: Text(
        N_("%(server)s takes no password; you sign in on the provider's own page instead."),
        N_(
            "Add the account on the device itself (for Microsoft as “Exchange” or in the Outlook app) and sign "
            "in there."
        ),
    ),
    Code.AUTH_SMTP_DISABLED: Text(
        N_("Sending with a password is switched off for this mailbox at %(server)s."),
        N_("Ask your administrator. Admin: allow authenticated SMTP for this mailbox or for the organization."),
    ),
    Code.AUTH_POLICY: Text(
        N_("A security policy at %(server)s refused the log-in."),
        N_(
            "Ask your administrator. Admin: check security defaults, conditional access and the address of this "
            "service."
        ),
    ),
    Code.AUTH_PASSWORD_EXPIRED: Text(
        N_("The password has expired at %(server)s."),
        N_("Set a new password as your company or mail service describes it, and then try again."),
    ),
    Code.AUTH_ACCOUNT_DISABLED: Text(
        N_("This mailbox is closed at %(server)s."),
        N_("Read the server's own words and ask your administrator."),
    ),
    Code.AUTH_ACCOUNT_LOCKED: Text(
        N_("This mailbox is locked at %(server)s."),
        N_("Do not try again now; unlock it on the pages of your mail service, or ask your administrator."),
    ),
    Code.AUTH_TEMPORARY: Text(
        N_("%(server)s cannot check passwords at this moment."),
        N_("Your password may be right: try again in some minutes. Admin: check the log of the mail server."),
    ),
    Code.AUTH_NEEDS_TLS: Text(
        N_("%(server)s takes the password only over an encrypted connection."),
        N_("Choose SSL with port 993 for IMAP or 465 for sending, or STARTTLS with 143 or 587."),
    ),
    Code.AUTH_LOGIN_DISABLED: Text(
        N_("%(server)s does not take log-ins with a password on this port."),
        N_("Choose SSL with port 993. Admin: the server announces LOGINDISABLED even after TLS."),
    ),
    Code.AUTH_CONNECTION_LIMIT: Text(
        N_("%(server)s has too many connections open."),
        N_("Wait some minutes and try again. Admin: raise the limit of connections per address for this service."),
    ),
    Code.AUTH_RATE_LIMITED: Text(
        N_("%(server)s refuses log-ins for a while because there were too many."),
        N_("Wait at least 15 minutes, some services an hour, without trying again; each attempt makes it longer."),
    ),
    Code.AUTH_IP_BLOCKED: Text(
        N_("%(server)s has blocked the address of this service."),
        N_("Tell your administrator. Admin: take this service's address off the block list of the mail server."),
    ),
    Code.AUTH_NO_COMMON_MECHANISM: Text(
        N_("%(server)s offers no way to log in that is supported here; it offers: %(offered)s."),
        N_("Ask your administrator. Admin: enable PLAIN or LOGIN over TLS."),
    ),
    Code.AUTH_NOT_OFFERED: Text(
        N_("%(server)s offers no log-in for sending on this port."),
        N_("Use port 587 or 465, not 25. Admin: enable SMTP AUTH on the submission port."),
    ),
    Code.AUTH_NOT_AUTHORIZED: Text(
        N_("The password is right, but this account may not use the mailbox at %(server)s."),
        N_("Check the user name, above all for a shared mailbox. Admin: grant access to the mailbox."),
    ),
    # comparing both services
    Code.IMAP_OFF_LIKELY: Text(
        N_(
            "Sending accepts the password but %(server)s does not, so reading mail by app is probably switched "
            "off."
        ),
        N_("Switch IMAP or POP on in the settings of your mail service, or ask your administrator to."),
    ),
    Code.SMTP_SEPARATE_LIKELY: Text(
        N_(
            "Reading accepts the password but %(server)s does not, so sending probably has another password or "
            "is off."
        ),
        N_(
            "Look whether your mail service gave you a password of its own for sending, or ask your administrator."
        ),
    ),
    Code.NOT_TRIED: Text(
        N_("This step was not tried."),
        N_("It needs a password, and every step before it to work."),
        INFO,
    ),
    Code.PROVIDER_HINT: Text(
        N_("This provider has a rule of its own."),
        N_("Read the provider's pages before you try again."),
        INFO,
    ),
    Code.USERNAME_FORM_LIKELY: Text(
        N_("%(server)s may want another form of the user name."),
        N_("Try “%(username)s” as the user name once, if the password is certainly right."),
        INFO,
    ),
    # mailbox and submission
    Code.MAILBOX_UNAVAILABLE: Text(
        N_("The log-in at %(server)s succeeded, but the mailbox cannot be opened."),
        N_("Try again later. Admin: check the mailbox and the log of the mail server."),
    ),
    Code.QUOTA_70: Text(
        N_("The mailbox at %(server)s is %(percent)s %% full."),
        N_("Delete or move large mails in the next weeks, and empty the trash."),
        WARNING,
    ),
    Code.QUOTA_80: Text(
        N_("The mailbox at %(server)s is %(percent)s %% full."),
        N_("Delete or move large mails soon and empty the trash, before new mail is turned away."),
        WARNING,
    ),
    Code.QUOTA_FULL: Text(
        N_("The mailbox at %(server)s is full."),
        N_("Delete or move large mails and empty the trash, so that new mail arrives again."),
    ),
    Code.NAMESPACE_PREFIX: Text(
        N_("The folders at %(server)s stand below “%(prefix)s”."),
        N_("Nothing to do: the prefix is part of what the device gets."),
        INFO,
    ),
    Code.FOLDERS_UNSUBSCRIBED: Text(
        N_("Some folders at %(server)s are not subscribed, so apps may hide them: %(folders)s."),
        N_("If you miss a folder on the phone, subscribe to it in webmail or in a mail program."),
        WARNING,
    ),
    Code.SMTP_SENDER_REFUSED: Text(
        N_("%(server)s does not let this account send as %(address)s."),
        N_("Check the address. Admin: allow this account to use the address as sender."),
    ),
    Code.SMTP_MAILBOX_FULL: Text(
        N_("%(server)s says that the mailbox is full."),
        N_("Delete or move large mails and empty the trash, then try again."),
    ),
    Code.SMTP_RECIPIENT_REFUSED: Text(
        N_("%(server)s does not take mail for the address itself."),
        N_("Check the address for a typing error. Admin: check that the mailbox exists on this server."),
    ),
    Code.SMTP_GREYLISTED: Text(
        N_("%(server)s puts the first mail off for some minutes (greylisting)."),
        N_("Nothing to do: mail programs send again by themselves."),
        INFO,
    ),
    Code.SMTP_SIZE_LIMIT: Text(
        N_("%(server)s takes mails with attachments of up to about %(megabytes)s MB."),
        N_("Send larger files as a link."),
        INFO,
    ),
    Code.TEST_MAIL_NOT_SEEN: Text(
        N_("The test mail was sent, but it did not arrive within %(seconds)s seconds."),
        N_("Look in the inbox and among junk mail in some minutes; if it stays away, ask your administrator."),
        WARNING,
    ),
    Code.DAV_NOT_USABLE: Text(
        N_("%(protocol)s at %(server)s did not pass the check (%(reason)s)."),
        N_("Mail works all the same. Ask your administrator about calendar and contacts."),
        WARNING,
    ),
    # discovery
    Code.NOTHING_FOUND: Text(
        N_("No mail servers were found for %(domain)s."),
        N_("Check the part after the @, or enter the servers by hand as your mail service gives them."),
    ),
    Code.SOURCE_UNAVAILABLE: Text(
        N_("The source %(source)s could not be asked (%(reason)s)."),
        N_("The others were asked; try again later if nothing fits."),
        WARNING,
    ),
    # what the doctor finds
    Code.RECORD_MISSING: Text(
        N_("The DNS record %(name)s %(type)s is missing."),
        N_("Publish it with the value “%(value)s”."),
    ),
    Code.RECORD_ADVISABLE: Text(
        N_("The DNS record %(name)s %(type)s is not published, although some mail apps would use it."),
        N_("Publish it with the value “%(value)s”, if your DNS service can."),
        WARNING,
    ),
    Code.RECORD_WRONG: Text(
        N_("The DNS record %(name)s %(type)s says “%(found)s”."),
        N_("Change it to “%(value)s”."),
    ),
    Code.MAIL_HOST_UNKNOWN: Text(
        N_("Clients are told to use %(server)s, but this name has no address in DNS."),
        N_("Correct the name, or publish its A or AAAA record; “hagaki check” tries the server itself."),
        WARNING,
    ),
    Code.WEB_UNREACHABLE: Text(
        N_("%(url)s cannot be reached (%(reason)s)."),
        N_("Let the name lead to a web server that answers on port 443, or take the name out of DNS."),
    ),
    Code.WEB_STATUS: Text(
        N_("%(url)s answers with status %(status)s."),
        N_("Let it answer 200 with the settings, or 404 where there are none."),
    ),
    Code.WEB_CONTENT_TYPE: Text(
        N_("%(url)s is served with the content type %(content_type)s."),
        N_("Serve XML as text/xml and JSON as application/json, because some clients refuse everything else."),
    ),
    Code.WEB_CATCH_ALL: Text(
        N_("%(url)s answers 200 with something that is no mail configuration (%(content_type)s)."),
        N_(
            "Let the web server answer 404 for paths it does not know, "
            "because clients take a 200 for the end of their search."
        ),
    ),
    Code.WEB_ASKS_CREDENTIALS: Text(
        N_("%(url)s asks for a password."),
        N_(
            "Let it answer without a log-in, "
            "because clients send the mailbox password to whoever asks for it here."
        ),
    ),
    Code.HTTP_NOT_REDIRECTED: Text(
        N_("%(url)s leads to an answer over plain http."),
        N_("Redirect it to https, because anyone on the way can change what comes over plain http."),
    ),
    Code.CONFIG_UNUSABLE: Text(
        N_("%(client)s cannot use what %(url)s answers: %(reason)s."),
        N_("Correct the document, or let Hagaki answer there."),
    ),
    Code.CONFIG_DISAGREES: Text(
        N_("%(client)s would set up %(found)s instead of %(expected)s."),
        N_("Let autoconfig, Autodiscover, SRV records and PACC all name the same servers."),
    ),
    Code.CONFIG_ONLY_BY_MX: Text(
        N_("%(client)s finds the settings of %(domain)s only through the mail exchanger %(where)s."),
        N_("Publish autoconfig.%(domain)s, so that clients need not rely on the MX record."),
        WARNING,
    ),
    Code.MX_UNTRUSTED: Text(
        N_(
            "The MX record of %(domain)s is not signed, "
            "so %(client)s asks the person before it uses the settings found there."
        ),
        N_("Publish autoconfig.%(domain)s, or sign the zone with DNSSEC."),
        WARNING,
    ),
    Code.PACC_DIGEST_STALE: Text(
        N_("The digest at %(name)s does not fit the document at %(url)s, so PACC readers ignore it."),
        N_("Publish the TXT record “v=UAAC1; a=sha256; d=%(digest)s”."),
    ),
    Code.PACC_DIGEST_MISSING: Text(
        N_("The document at %(url)s has no digest in DNS, so PACC readers ignore it."),
        N_("Publish “v=UAAC1; a=sha256; d=%(digest)s” as TXT record at %(name)s."),
        WARNING,
    ),
    Code.POX_FAULTY: Text(
        N_("The Autodiscover answer of %(url)s has a fault: %(reason)s."),
        N_("Correct the answer, or let Hagaki give it."),
    ),
    Code.CLIENT_FINDS_NOTHING: Text(
        N_("%(client)s finds no usable settings for %(domain)s."),
        N_(
            "Publish autoconfig and Autodiscover for this domain; "
            "the steps of this client show where it has looked."
        ),
    ),
    # lists of people
    Code.LIST_EMPTY: Text(
        N_("%(file)s holds no rows."),
        N_("Write one row for each person, with at least the mail address, below a row of headings."),
    ),
    Code.LIST_FORMAT: Text(
        N_("%(file)s is not a list that can be read: %(reason)s."),
        N_("Save it as a CSV file (UTF-8) or as an Excel workbook (.xlsx), and use that file."),
    ),
    Code.LIST_TOO_LARGE: Text(
        N_("%(file)s is too large: %(reason)s."),
        N_("Remove the columns that are not needed, or divide the list into several files."),
    ),
    Code.LIST_ENCODING: Text(
        N_("Line %(line)s of %(file)s cannot be read as %(encoding)s."),
        N_("Save the whole file in one encoding, best as “CSV UTF-8”, or name the encoding with --encoding."),
    ),
    Code.LIST_QUOTING: Text(
        N_("The quotation marks in line %(line)s do not match."),
        N_(
            "Close each cell that begins with a quotation mark, and write a quotation mark inside such a cell "
            "twice."
        ),
    ),
    Code.LIST_ADDRESS_COLUMN_MISSING: Text(
        N_("%(file)s has no column with mail addresses; its columns are: %(columns)s."),
        N_("Write “address” above the column with the mail addresses, or name it with --map COLUMN=address."),
    ),
    Code.LIST_COLUMN_REPEATED: Text(
        N_("The columns %(columns)s both mean the same."),
        N_("Remove or rename one of them, or choose one with --map COLUMN=%(field)s."),
    ),
    Code.LIST_COLUMN_UNKNOWN: Text(
        N_("%(file)s has no column “%(column)s”; its columns are: %(columns)s."),
        N_("Name one of these columns, by its heading or by its letter."),
    ),
    Code.LIST_PASSWORDS_UNUSED: Text(
        N_("The list holds passwords, which invitations do not use."),
        N_("Delete that column, or make ready-made profiles with --mode ready-made."),
        WARNING,
    ),
    Code.LIST_PINS_UNUSED: Text(
        N_("The list holds PINs; an invitation has none."),
        N_("Nothing to do. PINs open the links of the mode “ready-made”, which hand out the passwords of a list."),
        INFO,
    ),
    Code.LIST_PROTECTED: Text(
        N_("%(file)s is protected by a password."),
        N_(
            "Open it in Excel, remove the password under File > Info > Protect Workbook > Encrypt with Password, "
            "and save it."
        ),
    ),
    Code.LIST_ONE_COLUMN: Text(
        N_("Each row of %(file)s stands in one single cell, such as “%(value)s”."),
        N_(
            "Divide it into columns (in Excel: Data > Text to Columns), or name the sign between the cells with "
            "--delimiter."
        ),
    ),
    Code.LIST_ENCODING_GUESSED: Text(
        N_("%(file)s does not say its encoding; it was read as %(encoding)s."),
        N_("Look whether the names are right. If not, name the encoding with --encoding."),
        WARNING,
    ),
    Code.LIST_SHEETS_UNREAD: Text(
        N_("Only the sheet “%(sheet)s” is read, and not: %(others)s."),
        N_("If people stand there too, save each sheet as a file of its own."),
        INFO,
    ),
    Code.LIST_ROWS_HIDDEN: Text(
        N_("Rows that the sheet hides are read too: %(count)s."),
        N_("If they are not meant, copy the visible rows into a new workbook, and use that one."),
        WARNING,
    ),
    Code.LIST_PASSWORDS_MISSING: Text(
        N_("%(file)s has no column with passwords, which ready-made profiles need."),
        N_("Say which column holds them, or make invitations: they need no passwords."),
    ),
    Code.UPLOAD_ENDED: Text(
        N_("This list is no longer here."),
        N_("Upload it again: a list waits 24 hours for “Make”, and then it is deleted."),
    ),
    Code.UPLOAD_MISSING: Text(
        N_("No file was chosen."),
        N_("Choose the list, or drop it onto the field."),
    ),
    Code.UPLOAD_TOO_LARGE: Text(
        N_("The file is larger than %(limit)s MB, which is the most that this page takes."),
        N_("Remove the columns that are not needed or divide the list, or use “hagaki bulk” on the host."),
    ),
    Code.NUMBER_OUT_OF_RANGE: Text(
        N_("This must be a number from %(least)s to %(most)s."),
        N_("Correct it."),
    ),
    Code.NOTHING_CHOSEN: Text(
        N_("Nothing is chosen here."),
        N_("Choose at least one."),
    ),
    Code.CELL_FORMULA: Text(
        N_("The cell holds a formula, or what a formula left: “%(value)s”."),
        N_("Copy the cells and paste them as values, then correct what is left."),
    ),
    Code.CELL_CONTROL_CHARACTER: Text(
        N_("The cell holds a line break or an invisible character."),
        N_("Delete the cell and type its contents anew."),
    ),
    Code.CELL_TOO_LONG: Text(
        N_("The cell is longer than %(limit)s characters."),
        N_("Shorten it."),
    ),
    Code.CELL_WITHOUT_COLUMN: Text(
        N_("The row has more cells than the headings: “%(value)s” belongs to no column."),
        N_("Put cells that hold a comma between quotation marks, or delete the cell."),
    ),
    Code.ADDRESS_MISSING: Text(
        N_("The row has no mail address."),
        N_("Fill it in, or delete the row."),
    ),
    Code.ADDRESS_REPEATED: Text(
        N_("%(address)s already stands in row %(first)s."),
        N_("Keep one of the two rows."),
    ),
    Code.NAME_MISSING: Text(
        N_("The row has no name."),
        N_("Fill it in: mail is sent under this name, and the postcard is addressed to it."),
    ),
    Code.PASSWORD_MASKED: Text(
        N_("The cell holds only dots or asterisks instead of the password."),
        N_("Write the password itself. Programs that export a list leave it out."),
    ),
    Code.PIN_TRIVIAL: Text(
        N_("The PIN is easy to guess: one digit only, digits in a row, or the employee number."),
        N_("Write another one, or leave the cell empty: a random PIN is then made."),
    ),
    Code.PIN_REPEATED: Text(
        N_("The PIN of row %(first)s stands here again."),
        N_("Give each person a PIN of their own, or leave the cell empty: a random PIN is then made."),
    ),
    Code.PIN_ZERO_ADDED: Text(
        N_("The PIN had five digits and got a zero in front."),
        N_("Spreadsheets drop that zero. If the PIN is meant otherwise, correct it."),
        INFO,
    ),
    Code.DOMAIN_MISTYPED: Text(
        N_("The mail servers of %(domain)s are not known here; those of %(suggestion)s are."),
        N_("Did you mean %(suggestion)s? Correct the part after the @."),
    ),
    Code.DOMAIN_NOT_SERVED: Text(
        N_("The mail servers of %(domain)s are not known here."),
        N_("Check the part after the @, or add the domain with “hagaki domain add”."),
    ),
    Code.BATCH_UNKNOWN: Text(
        N_("There is no batch %(id)s."),
        N_("It may have been deleted. Look for it in the list of all batches."),
    ),
    Code.BATCH_CHECK_STOPPED: Text(
        N_("%(server)s said that there are too many log-ins; %(count)s rows were therefore not tried."),
        N_("Wait an hour and check again, more slowly with --check-rate."),
        WARNING,
    ),
    Code.ROW_GIVEN_UP: Text(
        N_("Nothing was made of this row: the work on it broke off several times."),
        N_("Try it again; if that fails too, read the log of the worker."),
    ),
    Code.QUEUE_UNAVAILABLE: Text(
        N_("The queue cannot be used (%(reason)s)."),
        N_("Check QUEUE_URL, and that the queue’s server runs. Batches are made all the same, a little later."),
    ),
    Code.WORKER_MISSING: Text(
        N_("No worker is running, so nothing goes on."),
        N_("Ask whoever runs Hagaki to start “hagaki worker”. What waits is then made."),
        WARNING,
    ),
    Code.HOST_KEY_OTHER: Text(
        N_("%(setting)s here is another key than the server of this database has."),
        N_("Give every machine the same key. Where you changed it on purpose, start the server first."),
    ),
    Code.ROW_NOT_TRIED: Text(
        N_("The password of this row was not tried on the mail server."),
        N_("Check again later; until then the profile says that it was not checked."),
        WARNING,
    ),
    Code.LINK_ONLY_LOCAL: Text(
        N_("The links begin with %(base_url)s, which other devices cannot open."),
        N_("Set HAGAKI_BASE_URL to the address under which phones reach this host, and make the cards again."),
        WARNING,
    ),
    # admins
    Code.ADMIN_NAME_INVALID: Text(
        N_("“%(name)s” cannot be an admin’s name."),
        N_("Use a mail address or a short name without blanks, at most 254 signs."),
    ),
    Code.ADMIN_NAME_TAKEN: Text(
        N_("There is already an admin named %(name)s."),
        N_("Choose another name, or make a new set-up link for that admin."),
    ),
    Code.ADMIN_UNKNOWN: Text(
        N_("There is no admin named %(name)s."),
        N_("See the names with “hagaki admin list”."),
    ),
    Code.ADMIN_LAST_OWNER: Text(
        N_("%(name)s is the only owner who can log in."),
        N_("Set another owner up first."),
    ),
    Code.ADMIN_PASSWORD_WEAK: Text(
        N_("This password is too easy to guess, or shorter than %(shortest)s signs."),
        N_("Choose a longer one, or take the one that the page offers."),
    ),
    Code.SETUP_LINK_ENDED: Text(
        N_("This set-up link is used or has expired."),
        N_("Make a new one with “hagaki admin reset NAME”, or restart Hagaki where there is no admin yet."),
    ),
    Code.LOGIN_REFUSED: Text(
        N_("The name or the password is wrong."),
        N_("Type both again. Whoever forgot the password asks an owner for a new set-up link."),
    ),
    Code.CODE_WRONG: Text(
        N_("This code is wrong, or was used already."),
        N_("Wait for the app’s next code and type that, or use a recovery code."),
    ),
    Code.TOKEN_NAME_INVALID: Text(
        N_("“%(name)s” cannot be a token’s name."),
        N_("Name it after what uses it, in 1 to 120 signs."),
    ),
    Code.TOKEN_NAME_TAKEN: Text(
        N_("There is already a token named %(name)s."),
        N_("Choose another name, or revoke that one first."),
    ),
    Code.TOKEN_UNKNOWN: Text(
        N_("There is no token named %(name)s."),
        N_("See the names with “hagaki token list”."),
    ),
    Code.TOKEN_WITHOUT_SCOPE: Text(
        N_("The token may do nothing yet."),
        N_("Choose at least one scope."),
    ),
    Code.AUDIT_ROW_CHANGED: Text(
        N_("Row %(number)s of the audit log was changed after it was written."),
        N_("Compare it with a backup, and find out who can write to the database."),
    ),
    Code.AUDIT_ROW_MISSING: Text(
        N_("Row %(number)s of the audit log is missing."),
        N_("Look for it in a backup, and find out who can write to the database."),
    ),
    # mails to employees
    Code.MAIL_NOT_SET_UP: Text(
        N_("This host cannot send mails: %(setting)s is not set."),
        N_("Set it as docs/operators.md says, and start Hagaki again."),
    ),
    Code.MAIL_RELAY_UNUSABLE: Text(
        N_("Mails wait, because %(server)s cannot be used at the moment: %(reason)s."),
        N_(
            "They go out by themselves once it works again. Try it with “hagaki mail test ADDRESS”; "
            "if it stays so, check HAGAKI_SMTP_URL."
        ),
        WARNING,
    ),
    Code.MAIL_LOGIN_REFUSED: Text(
        N_("Mails wait, because %(server)s refuses the log-in of HAGAKI_SMTP_URL."),
        N_(
            "Correct the name and the password in HAGAKI_SMTP_URL, start Hagaki again, and try it "
            "with “hagaki mail test ADDRESS”."
        ),
        WARNING,
    ),
    Code.MAIL_SENDER_REFUSED: Text(
        N_("Mails wait, because %(server)s takes none from the sender %(sender)s."),
        N_("Set HAGAKI_MAIL_FROM to an address that this server may send for, and start Hagaki again."),
        WARNING,
    ),
    Code.MAIL_RECIPIENT_REFUSED: Text(
        N_("%(server)s does not take mails for %(address)s."),
        N_("Check the address for a typing error, or hand the card over on paper."),
    ),
    Code.MAIL_REFUSED: Text(
        N_("%(server)s did not take the mail to %(address)s."),
        N_("Read what the server said; the one who runs it knows what it wants."),
    ),
    Code.MAIL_PUT_OFF: Text(
        N_("%(server)s put the mail to %(address)s off."),
        N_("Nothing to do: it is sent again by itself."),
        INFO,
    ),
    Code.MAIL_GIVEN_UP: Text(
        N_("%(server)s put the mail to %(address)s off %(count)s times, so it was given up."),
        N_("Press “Send the invitation mail again” later, or hand the card over on paper."),
    ),
    Code.MAIL_UNSURE: Text(
        N_(
            "It is not known whether the mail to %(address)s went out: Hagaki or the connection "
            "stopped in the middle."
        ),
        N_("Ask the person, or press “Send the invitation mail again”; it may then arrive twice."),
        WARNING,
    ),
    Code.MAIL_LINK_ENDED: Text(
        N_("No mail went to %(address)s, because the link has ended."),
        N_("Extend the link or issue a new one, then press “Send the invitation mail again”."),
    ),
    Code.MAIL_SENT_BEFORE: Text(
        N_("This person already has the mail with this link."),
        N_("Nothing to do; with “Send the invitation mail again” it goes out once more."),
        INFO,
    ),
    Code.MAIL_UNENCRYPTED: Text(
        N_("Mails to %(domain)s travel without encryption, so others on the way can read this one."),
        N_("Name another mail address of this person in the list, or hand the card over on paper."),
        WARNING,
    ),
    Code.MAIL_ENCRYPTION_UNKNOWN: Text(
        N_("Whether mails to %(domain)s travel encrypted could not be seen from here."),
        N_("Nothing to do; networks often close port 25, over which it would be seen."),
        INFO,
    ),
    # fields of the API and of admin pages
    Code.FIELD_MISSING: Text(
        N_("The field “%(place)s” is missing."),
        N_("Send %(expected)s in it."),
    ),
    Code.FIELD_UNUSABLE: Text(
        N_("The field “%(place)s” cannot hold “%(value)s”."),
        N_("Send %(expected)s in it."),
    ),
    Code.NOBODY_NAMED: Text(
        N_("No mail address was found."),
        N_("Paste at least one address, or choose a file with a column of addresses."),
    ),
    Code.KEY_REUSED: Text(
        N_("The Idempotency-Key “%(key)s” was sent with another list before."),
        N_("Send a key of its own with each list; keep the key only when the same request is sent again."),
    ),
    # any other
    Code.INCIDENT: Text(
        N_("Something in Hagaki itself went wrong (incident %(incident)s)."),
        N_("Try again; if it happens again, give your administrator this number, which stands in the log."),
    ),
}
