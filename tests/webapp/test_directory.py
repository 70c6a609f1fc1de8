"""The host's domains: changed all or nothing, seen by every process, answered from memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from profiles.model import Source
from profiles.problems import Code, Problem, ProblemError
from tests.webapp.clock import Clock
from tests.webapp.threads import at_once
from webapp.config import Config
from webapp.directory import CHECK_SECONDS, Changes, Directory, find_provider, providers
from webapp.store import Store, open_store

SERVERS = """
[[incomingServer]]
type = "imap"
hostname = "{host}"
port = 993
socketType = "SSL"
authentication = ["password-cleartext"]
username = "%EMAILADDRESS%"

[[outgoingServer]]
type = "smtp"
hostname = "{host}"
port = 465
socketType = "SSL"
authentication = ["password-cleartext"]
username = "%EMAILADDRESS%"
"""


def entry(entry_id: str = "corp.example", *domains: str, host: str = "mail.corp.example") -> str:
    """The TOML of one entry; without `domains` it has the one of its id."""
    names = ", ".join(f'"{domain}"' for domain in domains or (entry_id,))
    head = f'id = "{entry_id}"\ndisplayName = "{entry_id}"\ndisplayShortName = "x"\ndomains = [{names}]\n'
    return f"# {entry_id}\n{head}{SERVERS.format(host=host)}"


@pytest.fixture
def directory(store: Store, clock: Clock) -> Directory:
    """An empty directory."""
    return Directory(store, now=clock)


@pytest.fixture
def elsewhere(store_config: Config, store: Store, clock: Clock) -> Iterator[Directory]:
    """Another process with the same database and the same clock."""
    del store  # opened first, so that the tables are there
    opened = open_store(store_config)
    yield Directory(opened, now=clock)
    opened.close()


def problems_of(change: object) -> tuple[Problem, ...]:
    """The problems of a refused change."""
    assert callable(change)
    with pytest.raises(ProblemError) as caught:
        change()
    return caught.value.problems


def test_an_added_domain_is_found_at_once(directory: Directory) -> None:
    before = directory.version
    added = directory.add(entry("corp.example", "corp.example", "corp.example.jp"))

    assert directory.hosted("corp.example") == directory.hosted("corp.example.jp") == added
    assert added.source is Source.DOMAIN
    assert set(directory.hosted_domains()) == {"corp.example", "corp.example.jp"}
    assert directory.version != before
    assert directory.hosted("other.example") is None


def test_another_process_sees_a_change_within_a_second(
    directory: Directory, elsewhere: Directory, clock: Clock
) -> None:
    assert elsewhere.find("corp.example") is None
    directory.add(entry())

    assert elsewhere.hosted("corp.example") is None
    clock.advance(CHECK_SECONDS)
    assert elsewhere.hosted("corp.example")
    directory.remove("corp.example")
    clock.advance(CHECK_SECONDS)
    assert elsewhere.hosted("corp.example") is None


def test_the_version_is_looked_up_at_most_once_a_second(directory: Directory, clock: Clock, store: Store) -> None:
    directory.snapshot()
    with store.write() as connection:
        connection.execute(text("UPDATE counters SET value = 77 WHERE name = 'domains'"))

    assert directory.version == 0
    clock.advance(CHECK_SECONDS / 2)
    assert directory.version == 0
    clock.advance(CHECK_SECONDS / 2)
    assert directory.version == 77


def test_an_existing_entry_is_not_replaced_unasked(directory: Directory) -> None:
    directory.add(entry())

    (problem,) = problems_of(lambda: directory.add(entry(host="new.corp.example"), place="corp.toml"))

    assert (problem.code, problem.place, problem.params) == (
        Code.DOMAIN_EXISTS,
        "corp.toml: id",
        {"id": "corp.example"},
    )
    assert host_of(directory, "corp.example") == "mail.corp.example"


def host_of(directory: Directory, domain: str) -> str | None:
    """The incoming server of a domain."""
    found = directory.find(domain)
    return found.incoming_servers[0].hostname if found else None


def test_replacing_gives_up_domains_that_are_gone(directory: Directory) -> None:
    directory.add(entry("corp.example", "corp.example", "old.example"))
    directory.add(entry("corp.example", "corp.example", "new.example"), replace=True)
    directory.add(entry("old.example"))

    assert set(directory.hosted_domains()) == {"corp.example", "new.example", "old.example"}


def test_a_domain_has_one_owner(directory: Directory) -> None:
    directory.add(entry("corp.example", "corp.example", "shared.example"))

    (problem,) = problems_of(
        lambda: directory.add(entry("other.example", "other.example", "shared.example"), place="other.toml")
    )

    assert (problem.code, problem.place) == (Code.DOMAIN_TAKEN, "other.toml: domains")
    assert problem.params == {"domain": "shared.example", "id": "corp.example"}
    assert directory.hosted("other.example") is None


def test_every_problem_of_every_file_is_named_and_nothing_changes(directory: Directory) -> None:
    directory.add(entry())
    version = directory.version
    texts = {
        "a.toml": entry("a.example").replace('type = "imap"', 'type = "gopher"'),
        "b.toml": entry("b.example").replace("993", '"many"'),
        "c.toml": "this is = not TOML =",
        "d.toml": entry("d.example"),
    }

    problems = problems_of(lambda: directory.apply(texts))

    assert {str(problem.place).partition(":")[0].split(" ")[0] for problem in problems} == {
        "a.toml",
        "b.toml",
        "c.toml",
    }
    assert (set(directory.hosted_domains()), directory.version) == ({"corp.example"}, version)


def test_files_that_clash_with_each_other_are_refused(directory: Directory) -> None:
    problems = problems_of(
        lambda: directory.apply(
            {"a.toml": entry("x.example"), "b.toml": entry("x.example"), "c.toml": entry("c.example", "x.example")}
        )
    )

    assert [(problem.code, problem.place) for problem in problems] == [
        (Code.DOMAIN_EXISTS, "b.toml: id"),
        (Code.DOMAIN_TAKEN, "b.toml: domains"),
        (Code.DOMAIN_TAKEN, "c.toml: domains"),
    ]


def test_applying_a_folder_makes_it_the_whole_truth(directory: Directory) -> None:
    for name in ("gone.example", "kept.example", "changed.example"):
        directory.add(entry(name))

    changes = directory.apply(
        {
            "kept.toml": entry("kept.example"),
            "changed.toml": entry("changed.example", host="new.example"),
            "new.toml": entry("new.example", "new.example", "gone.example"),
        }
    )

    assert changes == Changes(
        added=("new.example",),
        replaced=("changed.example",),
        removed=("gone.example",),
        unchanged=("kept.example",),
    )
    assert set(directory.hosted_domains()) == {"kept.example", "changed.example", "new.example", "gone.example"}
    assert host_of(directory, "changed.example") == "new.example"


def test_a_domain_may_move_between_entries_in_one_apply(directory: Directory, elsewhere: Directory) -> None:
    directory.apply({"a": entry("a.example", "a.example", "x.example"), "b": entry("b.example")})
    assert elsewhere.hosted("x.example")

    directory.apply(
        {"a": entry("a.example"), "b": entry("b.example", "b.example", "x.example", host="b.host.example")}
    )

    assert host_of(directory, "x.example") == "b.host.example"


def test_applying_one_file_leaves_the_others_alone(directory: Directory) -> None:
    directory.add(entry("a.example"))

    changes = directory.apply({"b.toml": entry("b.example")}, whole=False)

    assert changes.added == ("b.example",)
    assert set(directory.hosted_domains()) == {"a.example", "b.example"}


def test_applying_the_same_again_changes_nothing(directory: Directory) -> None:
    texts = {"a.toml": entry("a.example"), "b.toml": entry("b.example")}
    directory.apply(texts)

    assert directory.apply(texts) == Changes(unchanged=("a.example", "b.example"))


def test_a_removed_entry_is_gone_and_can_come_back(directory: Directory) -> None:
    directory.add(entry())
    directory.remove("corp.example")

    assert directory.hosted("corp.example") is None
    assert [p.code for p in problems_of(lambda: directory.remove("corp.example"))] == [Code.DOMAIN_UNKNOWN]
    directory.add(entry())
    assert directory.hosted("corp.example")


def test_export_gives_back_what_was_written(directory: Directory) -> None:
    directory.add(entry("b.example"))
    directory.add(entry("a.example"))

    assert [found.toml for found in directory.export()] == [entry("a.example"), entry("b.example")]
    assert [found.settings.id for found in directory.export("b.example")] == ["b.example"]
    assert [p.code for p in problems_of(lambda: directory.export("c.example"))] == [Code.DOMAIN_UNKNOWN]


def test_one_entry_can_serve_thousands_of_domains_by_a_template(directory: Directory) -> None:
    names = [f"customer{number}.example" for number in range(2000)]
    directory.add(entry("host.example", *names, host="mail.%EMAILDOMAIN%"))

    found = directory.find("customer1999.example")

    assert found is not None
    assert found.for_domain("customer1999.example").incoming_servers[0].hostname == "mail.customer1999.example"
    assert found is directory.find("customer1.example")


def test_a_change_parses_only_what_changed(directory: Directory, elsewhere: Directory, clock: Clock) -> None:
    directory.apply({str(number): entry(f"d{number}.example") for number in range(300)})
    before = elsewhere.snapshot().entries
    directory.add(entry("d7.example", host="new.example"), replace=True)
    clock.advance(CHECK_SECONDS)

    after = elsewhere.snapshot().entries
    assert [name for name in after if after[name] is not before[name]] == ["d7.example"]


def test_the_last_good_domains_stay_when_the_database_is_gone(
    directory: Directory, clock: Clock, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    directory.add(entry())
    directory.snapshot()
    with store.write() as connection:
        connection.execute(text("ALTER TABLE counters RENAME TO elsewhere"))
    clock.advance(CHECK_SECONDS)

    assert directory.hosted("corp.example")
    clock.advance(CHECK_SECONDS)
    assert directory.hosted("corp.example")
    assert [record.getMessage() for record in caplog.records] == [
        "event=directory_kept version=1 code=DATABASE_UNAVAILABLE"
    ]
    with store.write() as connection:
        connection.execute(text("ALTER TABLE elsewhere RENAME TO counters"))
    clock.advance(CHECK_SECONDS)
    directory.remove("corp.example")
    assert directory.hosted("corp.example") is None


def test_a_stored_entry_that_cannot_be_read_any_more_is_told_and_left_out(
    directory: Directory, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    directory.add(entry("good.example"))
    directory.add(entry("bad.example"))
    with store.write() as connection:
        connection.execute(text("UPDATE domain_entries SET toml = 'x' WHERE id = 'bad.example'"))

    assert set(directory.hosted_domains()) == {"good.example"}
    assert "event=domain_unreadable id=bad.example" in caplog.text


def test_a_smaller_version_means_a_backup_was_put_back(directory: Directory, clock: Clock, store: Store) -> None:
    directory.add(entry("a.example"))
    directory.add(entry("b.example"))
    directory.snapshot()
    with store.write() as connection:
        connection.execute(text("DELETE FROM domain_names WHERE domain = 'b.example'"))
        connection.execute(text("DELETE FROM domain_entries WHERE id = 'b.example'"))
        connection.execute(text("UPDATE counters SET value = 1 WHERE name = 'domains'"))
    clock.advance(CHECK_SECONDS)

    assert set(directory.hosted_domains()) == {"a.example"}


def test_two_admins_at_once_do_not_both_get_a_domain(directory: Directory) -> None:
    numbers = iter(range(100))

    def add() -> str:
        number = next(numbers)
        return directory.add(entry(f"e{number}.example", f"e{number}.example", "prize.example")).id

    found = at_once(16, add)

    assert found.count(Code.DOMAIN_TAKEN) == 15
    assert len(directory.snapshot().entries) == 1


# registered servers


def test_servers_of_hosted_domains_are_registered(directory: Directory) -> None:
    directory.add(entry("corp.example", host="mail.corp.example"))
    directory.add(entry("host.example", "customer.example", host="mail.%EMAILDOMAIN%"))

    assert directory.is_registered("mail.corp.example", 993)
    assert directory.is_registered("mail.customer.example", 465)
    assert not directory.is_registered("mail.corp.example", 25)
    assert not directory.is_registered("mail.stranger.example", 993)
    assert not directory.is_registered("mail.%EMAILDOMAIN%.example", 993)


def test_a_template_of_one_entry_does_not_register_another_s_domain(directory: Directory) -> None:
    directory.add(entry("corp.example", host="imap.corp.example"))
    directory.add(entry("host.example", "customer.example", host="mail.%EMAILDOMAIN%"))

    assert not directory.is_registered("mail.corp.example", 993)


# providers


def test_providers_are_found_after_the_host_s_own_domains(directory: Directory) -> None:
    found = directory.find("gmail.com")

    assert found is not None
    assert (found.id, found.source) == ("gmail", Source.PROVIDER)
    assert directory.hosted("gmail.com") is None
    assert directory.is_registered("imap.gmail.com", 993)
    directory.add(entry("own.example", "gmail.com"))
    assert host_of(directory, "gmail.com") == "mail.corp.example"


def test_wild_cards_of_providers_match_every_depth() -> None:
    wild = [(settings, name) for settings in providers() for name in settings.domains if name.startswith("*.")]

    for settings, name in wild:
        assert find_provider("a" + name[1:]) is settings
        assert find_provider("a.b" + name[1:]) is settings
    assert find_provider("nobody.example") is None
