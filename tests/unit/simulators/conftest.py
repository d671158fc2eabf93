"""A NetSuite account on a loopback port, and a client of it."""

from __future__ import annotations

import datetime
import json
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests

from simulators.books import NetSuiteBooks, NsBill, NsBillLine, NsItem, NsJob, NsVendor
from simulators.common.server import RunningServer
from simulators.netsuite.app import NetSuiteState, build_app
from simulators.netsuite.auth import ASSERTION_TYPE, TOKEN_PATH
from simulators.netsuite.keys import make_key_file

RECORDS = "/services/rest/record/v1"
ITEMS = f"{RECORDS}/otherChargePurchaseItem"
BILLS = f"{RECORDS}/vendorBill"
KID = "certificate-of-the-tests"
TIMEOUT = 60  # seconds


def small_books() -> NetSuiteBooks:
    """Return books with one vendor per case, one project, one item per type, and one bill."""
    return NetSuiteBooks(
        account_id="1234567",
        subsidiary_id="3",
        expense_account_id="218",
        tax_schedule_id="1",
        retainage_item_id="5000",
        vendors=[
            NsVendor("742", "V-742", "O'Brien Concrete", "proc-9", "3"),
            NsVendor("743", "V-743", "Left Us Ltd", None, "3", isinactive=True),
            NsVendor("744", "V-744", "Elsewhere GmbH", None, "4"),
        ],
        jobs=[NsJob("9120", "24-017", "Harbor Point", "proc-17", "3")],
        items=[
            NsItem("5000", *_PURCHASE, "Retainage", "Retainage", None, False, "3", "218"),
            NsItem("5001", *_PURCHASE, "24-017-01-100.L", "Site concrete", None, False, "3", "218"),
            NsItem("5002", "serviceSaleItem", "Service", "Sale", "24-017-02-200.S", "A service", None, False, "3", ""),
            NsItem("5003", *_PURCHASE, "24-017-03-300.M", "Put away", None, True, "3", "218"),
            NsItem("5004", *_PURCHASE, "24-099-01-100.L", "Of another subsidiary", None, False, "4", "218"),
        ],
        bills=[
            NsBill("88000", "OLD-1", "742", None, "2026-09-30", "", [NsBillLine("5001", Decimal("10.00"), "", "9120")])
        ],
        closed_before=datetime.date(2026, 9, 1),
    )


_PURCHASE = ("otherChargePurchaseItem", "OthCharge", "Purchase")


def item_body(name: str, external_id: str | None = None, **more: Any) -> dict[str, Any]:
    """Return the body of a complete Item."""
    body = {"itemId": name, "expenseAccount": {"id": "218"}, "subsidiary": {"items": [{"id": "3"}]}, **more}
    return {**body, "externalId": external_id} if external_id else body


def bill_body(external_id: str | None, number: str, *amounts: str, **more: Any) -> dict[str, Any]:
    """Return the body of a complete bill with one line per amount."""
    lines = [
        {"item": {"id": "5001"}, "quantity": 1, "rate": float(amount), "customer": {"id": "9120"}} for amount in amounts
    ]
    body = {
        "entity": {"id": "742"},
        "subsidiary": {"id": "3"},
        "tranId": number,
        "tranDate": "2026-10-31",
        "item": {"items": lines},
        **more,
    }
    return {**body, "externalId": external_id} if external_id else body


class Account:
    """A running simulator, its live state, and a client that is logged in."""

    def __init__(self, state: NetSuiteState, url: str, key_file: Path) -> None:
        self.state = state
        self.url = url
        self.key_file = key_file
        self.session = requests.Session()
        self.session.headers["X-NetSuite-PropertyNameValidation"] = "Error"

    def log_in(self) -> None:
        """Get a token, and use it from now on."""
        answer = self.ask_token(self.assertion())
        assert answer.status_code == 200, answer.text
        self.session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def assertion(self, *, algorithm: str = "ES256", kid: str = KID, key: str | None = None, **claims: Any) -> str:
        """Return a signed assertion that is valid except for the given values."""
        now = int(time.time())
        payload = {
            "iss": self.state.doorkeeper.client_id,
            "scope": "rest_webservices",
            "aud": self.url + TOKEN_PATH,
            "iat": now,
            "exp": now + 300,
            **claims,
        }
        return jwt.encode(payload, key or self.key_file.read_text(), algorithm=algorithm, headers={"kid": kid})

    def ask_token(self, assertion: str, **form: str) -> requests.Response:
        """Send a POST to the token endpoint."""
        fields = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
            **form,
        }
        return requests.post(self.url + TOKEN_PATH, data=fields, timeout=TIMEOUT)

    def send(self, method: str, path: str, body: Any = None, **options: Any) -> requests.Response:
        """Send any request, logged in."""
        options.setdefault("timeout", TIMEOUT)
        data = None if body is None else json.dumps(body)
        return self.session.request(method, self.url + path, data=data, **options)

    def query(self, sql: str, page: str = "limit=1000&offset=0", prefer: str = "transient") -> requests.Response:
        """Send a SuiteQL query."""
        return self.send("POST", f"/services/rest/query/v1/suiteql?{page}", {"q": sql}, headers={"Prefer": prefer})

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Return the rows of a query that must succeed, without their links."""
        answer = self.query(sql)
        assert answer.status_code == 200, answer.text
        return [{name: value for name, value in row.items() if name != "links"} for row in answer.json()["items"]]


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    """Run an account with the small books; the client is logged in."""
    state = NetSuiteState(small_books())
    key_file = tmp_path / "key.pem"
    state.doorkeeper.register(KID, make_key_file(key_file))
    with RunningServer.start(build_app(state)) as server:
        running = Account(state, server.url, key_file)
        with running.session:
            running.log_in()
            state.journal.clear()
            yield running


def problem(answer: requests.Response) -> tuple[int, str, str]:
    """Return (status, code, text) of an error in NetSuite's shape."""
    assert answer.headers["Content-Type"] == "application/vnd.oracle.resource+json; type=error", answer.text
    details = answer.json()["o:errorDetails"][0]
    assert answer.json()["status"] == answer.status_code
    return answer.status_code, details["o:errorCode"], details["detail"]
