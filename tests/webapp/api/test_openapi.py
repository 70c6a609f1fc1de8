"""The description of the API: valid, complete, and no promise that the routes do not keep."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from openapi_spec_validator import validate

from tests.webapp.admin.world import Host
from webapp.accounts import Scope
from webapp.api import batch_form
from webapp.api.openapi import DETAILS, description
from webapp.policy import policy_of


@pytest.fixture
def client(host: Host) -> FlaskClient:
    return host.pages.app.test_client()


def test_description_is_open_and_valid(client: FlaskClient) -> None:
    answer = client.get("/api/v1/openapi.json")

    assert answer.status_code == 200
    assert answer.json["openapi"] == "3.1.0"
    validate(answer.json)


def test_every_route_is_described_and_nothing_else(host: Host) -> None:
    paths = description(host.pages.app)["paths"]

    described = {(path, method.upper()) for path, operations in paths.items() for method in operations}
    routed = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method)
        for rule in host.pages.app.url_map.iter_rules()
        if rule.rule.startswith("/api/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert described == routed
    assert {operation["operationId"] for item in paths.values() for operation in item.values()} == set(DETAILS)


def test_scopes_are_those_of_the_policies(host: Host) -> None:
    app = host.pages.app
    for item in description(app)["paths"].values():
        for operation in item.values():
            policy = policy_of(app.view_functions[f"api.{operation['operationId']}"])
            assert policy is not None
            assert operation["security"] == ([{"token": [policy.scope]}] if policy.scope else [])
            assert {"401", "403"} <= set(operation["responses"]) or policy.open_because
            assert not policy.scope or policy.scope in set(Scope)


def test_form_of_a_list_is_described_field_by_field(host: Host) -> None:
    operation = description(host.pages.app)["paths"]["/api/v1/batches"]["post"]

    schema = operation["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert set(schema["properties"]) == {"file", *batch_form.ENTRIES}
    assert schema["required"] == ["file"]
    assert all(field["description"] for field in schema["properties"].values())


def test_defaults_in_the_description_are_usable(host: Host) -> None:
    operation = description(host.pages.app)["paths"]["/api/v1/batches"]["post"]
    fields = operation["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]

    for name, field in fields.items():
        if "default" in field and name != "parts":
            batch_form.ENTRIES[name].read(str(field["default"]))
