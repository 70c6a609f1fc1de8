"""DNS records, read back from the zone file by dnspython."""

from __future__ import annotations

from dataclasses import replace

import dns.rdatatype
import dns.zone
import pytest

from profiles import pacc
from profiles.dns_records import Record, RecordType, records, table, zone_file, zone_value
from profiles.model import DavService

from .accounts import COMPLETE, IMAP_STARTTLS, POP3, POP3_STARTTLS, SUBMISSION, service

SOA = "@ 3600 IN SOA ns.host.example. admin.host.example. 1 1 1 1 1\n@ 3600 IN NS ns.host.example.\n"


def zone_of(settings, domain="corp.example"):
    text = zone_file(records(settings, domain, "setup.host.example"))
    return dns.zone.from_text(SOA + text, origin=domain, relativize=False)


def look_up(zone, name, record_type):
    found = zone.get_rdataset(f"{name}.corp.example.", record_type)
    return sorted(record.to_text() for record in found) if found else []


@pytest.mark.parametrize("name", ["autoconfig", "autodiscover", "ua-auto-config"])
def test_names_point_to_the_service(name):
    assert look_up(zone_of(COMPLETE), name, "CNAME") == ["setup.host.example."]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("_imaps._tcp", "0 1 993 imap.corp.example."),
        ("_pop3s._tcp", "10 1 995 pop.corp.example."),
        ("_submissions._tcp", "0 1 465 smtp.corp.example."),
        ("_submission._tcp", "10 1 587 smtp.corp.example."),
        ("_caldavs._tcp", "0 1 443 dav.corp.example."),
        ("_carddavs._tcp", "0 1 8443 dav.corp.example."),
        ("_jmap._tcp", "0 1 443 jmap.corp.example."),
        ("_autodiscover._tcp", "0 0 443 setup.host.example."),
        ("_imap._tcp", "0 0 0 ."),
        ("_pop3._tcp", "0 0 0 ."),
    ],
)
def test_services_are_found_by_srv(name, value):
    assert look_up(zone_of(COMPLETE), name, "SRV") == [value]


def test_starttls_servers_have_the_names_of_rfc_6186():
    zone = zone_of(service(incoming_servers=(IMAP_STARTTLS, POP3_STARTTLS), outgoing_servers=(SUBMISSION,)))

    assert look_up(zone, "_imap._tcp", "SRV") == ["0 1 143 imap.corp.example."]
    assert look_up(zone, "_pop3._tcp", "SRV") == ["10 1 110 pop.corp.example."]
    assert look_up(zone, "_submission._tcp", "SRV") == ["0 1 587 smtp.corp.example."]
    assert look_up(zone, "_imaps._tcp", "SRV") == []


def test_dav_path_is_a_txt_record_beside_the_srv():
    assert look_up(zone_of(COMPLETE), "_caldavs._tcp", "TXT") == ['"path=/cal/"']


def test_dav_at_the_root_needs_no_path():
    settings = service(calendar=DavService(url="https://dav.corp.example/"))

    assert look_up(zone_of(settings), "_caldavs._tcp", "TXT") == []


def test_pacc_digest_is_that_of_the_document():
    digest = pacc.txt_record(pacc.render_settings(COMPLETE, "corp.example"))

    assert look_up(zone_of(COMPLETE), "_ua-auto-config", "TXT") == [f'"{digest}"']


def test_domain_that_pacc_cannot_describe_has_no_pacc_records():
    zone = zone_of(service(outgoing_servers=(SUBMISSION,)))

    assert look_up(zone, "_ua-auto-config", "TXT") == []
    assert look_up(zone, "ua-auto-config", "CNAME") == []


def test_each_domain_gets_its_own_hosts():
    settings = service(incoming_servers=(replace(POP3, hostname="pop.%EMAILDOMAIN%"),))

    found = records(settings, "corp.example.jp", "setup.host.example")

    assert all(record.name.endswith(".corp.example.jp") for record in found)
    assert [r.value for r in found if r.name.startswith("_pop3s.")] == ["0 1 995 pop.corp.example.jp."]


def test_name_never_points_to_itself():
    found = records(COMPLETE, "corp.example", "autoconfig.corp.example")

    assert "autoconfig.corp.example" not in [record.name for record in found]


def test_long_txt_is_cut_into_strings_of_255():
    record = Record(name="x.example", type=RecordType.TXT, value='a"\\' + "b" * 300, purpose="")

    zone = dns.zone.from_text(SOA + zone_file([record]), origin="example", relativize=False)
    (found,) = zone.get_rdataset("x.example.", "TXT")

    assert b"".join(found.strings).decode() == record.value
    assert zone_value(record).count('" "') == 1


def test_table_holds_the_bare_values():
    rows = table(records(COMPLETE, "corp.example", "setup.host.example"))

    assert ("_caldavs._tcp.corp.example", "TXT", "path=/cal/") in rows
    assert ("autoconfig.corp.example", "CNAME", "setup.host.example.") in rows


def test_no_records_make_an_empty_zone():
    assert zone_file(()) == ""
