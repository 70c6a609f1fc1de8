"""A file that was merged is, byte for byte, the file that rendering gives."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from profiles import catalogue, k9s, mobileconfig
from profiles.address import Address
from profiles.merging import Merge, Person
from profiles.model import ASK, Artifact, LocalizedText, MailAccount, RenderOptions, ServiceSettings
from profiles.problems import Code, ProblemError
from webapp.i18n import catalogue as words

DOMAIN = """\
id = "corp.example"
displayName = "Example & <Sons>"
displayShortName = "Example"
domains = ["corp.example", "a.corp.example"]
[[incomingServer]]
type = "imap"
hostname = "mail.%EMAILDOMAIN%"
port = 993
socketType = "SSL"
authentication = ["password-cleartext"]
username = "%EMAILLOCALPART%+%EMAILADDRESS%"
[[outgoingServer]]
type = "smtp"
hostname = "mail.%EMAILDOMAIN%"
port = 465
socketType = "SSL"
authentication = ["password-cleartext"]
username = "%ASK%"
[calendar]
url = "https://dav.corp.example/%EMAILDOMAIN%/"
username = "%EMAILADDRESS%"
[addressbook]
url = "https://dav.corp.example/"
username = "%ASK%"
"""

letters = some.characters(
    codec="utf-8", categories=["L", "N", "P", "S", "Zs"], exclude_characters="\xa0\u2028\u2029\ufffe\uffff"
)
local_parts = some.text("abcXYZ019!#$%&'*+/=?^_`{|}~.-", min_size=1, max_size=64)
people = some.builds(
    Person,
    address=some.builds(Address, local_parts, some.sampled_from(["corp.example", "a.corp.example"])),
    full_name=some.text(letters, max_size=20),
    username=some.none() | some.text(letters, min_size=1, max_size=20),
    password=some.none() | some.text(letters, min_size=1, max_size=20),
)


@pytest.fixture(scope="module")
def settings() -> ServiceSettings:
    found, problems = catalogue.parse(DOMAIN, place="corp.toml")
    assert found is not None, problems
    return found


def options(language: str = "ja") -> RenderOptions:
    return RenderOptions(language=language, translate=words(language).gettext)


MERGES = {one: Merge(one, options()) for one in (mobileconfig.render, k9s.render)}


def alone(
    render: object, settings: ServiceSettings, person: Person, *, unchecked: bool = False
) -> Artifact | tuple[Code, ...]:
    """The file, or why there is none."""
    account = settings.account(person.address, person.full_name, username=person.username)
    own = replace(options(), password=person.password, unchecked=unchecked)
    return outcome(lambda: render(account, own))  # type: ignore[operator]


def outcome(make: object) -> Artifact | tuple[Code, ...]:
    """A file, or the codes of its problems."""
    try:
        return make()  # type: ignore[operator,no-any-return]
    except ProblemError as error:
        return tuple(problem.code for problem in error.problems)


@given(person=people, unchecked=some.booleans(), render=some.sampled_from([mobileconfig.render, k9s.render]))
def test_a_merged_file_is_the_rendered_file(
    person: Person, unchecked: bool, render: object, settings: ServiceSettings
) -> None:
    merge = MERGES[render]  # type: ignore[index]

    merged = outcome(lambda: merge.render(settings, person, unchecked=unchecked))

    assert merged == alone(render, settings, person, unchecked=unchecked)


@pytest.mark.parametrize("render", [mobileconfig.render, k9s.render])
def test_a_person_is_merged_and_not_rendered(render: object, settings: ServiceSettings) -> None:
    calls: list[str] = []

    def counted(account: MailAccount, given: RenderOptions) -> Artifact:
        calls.append(str(account.address))
        return render(account, given)  # type: ignore[operator,no-any-return]

    merge = Merge(counted, options())
    for number in range(50):
        person = Person(
            address=Address(f"a{number}", "corp.example"), full_name="山田", username="x", password="y"
        )
        merge.render(settings, person)

    assert len(calls) == 3, "nobody, and two strangers"
    assert not [address for address in calls if address.startswith("a1")]


def test_a_format_that_looks_at_a_person_otherwise_renders_everybody(settings: ServiceSettings) -> None:
    def initials(account: MailAccount, given: RenderOptions) -> Artifact:
        del given
        return Artifact(data=account.full_name[:2].encode(), content_type="text/plain", filename="x")

    merge = Merge(initials, options())

    names = ("山田", "佐藤")
    made = [
        merge.render(settings, Person(address=Address("a", "corp.example"), full_name=name)).data.decode()
        for name in names
    ]
    assert made == list(names)


def test_settings_that_change_meanwhile_are_used(settings: ServiceSettings) -> None:
    merge = Merge(mobileconfig.render, options())
    person = Person(address=Address("taro", "corp.example"), full_name="山田", username="x")
    merge.render(settings, person)

    changed = replace(settings, organization="株式会社 新", consent=LocalizedText(texts=(("ja", "同意 %"),)))
    again = merge.render(changed, person)

    assert again == alone(mobileconfig.render, changed, person)
    assert "株式会社 新".encode() in again.data


@pytest.mark.parametrize(
    ("person", "code"),
    [
        (Person(address=Address("a", "corp.example"), full_name="\x07"), Code.NAME_UNUSABLE),
        (Person(address=Address("a", "corp.example"), password="\x07"), Code.PASSWORD_UNUSABLE),
    ],
)
def test_what_xml_cannot_hold_is_refused(person: Person, code: Code, settings: ServiceSettings) -> None:
    with pytest.raises(ProblemError) as caught:
        Merge(mobileconfig.render, options()).render(settings, person)

    assert [problem.code for problem in caught.value.problems] == [code]


def test_a_user_name_that_is_asked_for_stays_open(settings: ServiceSettings) -> None:
    person = Person(address=Address("taro", "corp.example"), full_name="山田")

    merged = MERGES[mobileconfig.render].render(settings, person)

    assert merged == alone(mobileconfig.render, settings, person)
    assert ASK.encode() not in merged.data
