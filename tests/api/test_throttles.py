"""Row A8: bursts and guesses are answered with 429 and Retry-After."""

from __future__ import annotations

import pytest
from django.test import Client
from rest_framework.test import APIClient

from tasks.services.login_guard import MOST_FOR_A_NAME, MOST_FOR_AN_ADDRESS
from tasks.vocabulary import Scope
from tests.api.conftest import client_of, error_of

TASKS = "/api/tasks/"


def retry_after(response) -> int:
    seconds = int(response["Retry-After"])
    assert 1 <= seconds <= 300
    return seconds


@pytest.fixture
def few_calls(settings):
    settings.API_CALLS_A_MINUTE = 3
    settings.API_REFUSALS_A_MINUTE = 3


@pytest.fixture(autouse=True)
def one_window(monkeypatch):
    """The clock of the counters stands still, so no test straddles two windows."""
    monkeypatch.setattr("tasks.services.rates.time.time", lambda: 1_800_000_010.0)


def test_a_burst_of_a_key_is_429_until_the_window_ends(owner, few_calls, monkeypatch):
    client = client_of(owner)
    assert [client.get(TASKS).status_code for _ in range(3)] == [200] * 3
    response = client.get(TASKS)
    assert error_of(response, 429)["code"] == "RATE_LIMITED"
    wait_s = retry_after(response)
    assert client.post(TASKS, {"prompt": "x"}).status_code == 429
    monkeypatch.setattr("tasks.services.rates.time.time", lambda: 1_800_000_010.0 + wait_s)
    assert client.get(TASKS).status_code == 200


def test_waiting_and_unknown_doors_count_too(owner, few_calls, make_task):
    client, address = client_of(owner), f"/api/tasks/{make_task().pk}/wait/?timeout=0"
    assert [client.get(address).status_code for _ in range(4)] == [200] * 3 + [429]


def test_each_key_has_its_own_measure(owner, stranger, few_calls):
    first, second = client_of(owner), client_of(owner, Scope.READ)
    assert [first.get(TASKS).status_code for _ in range(4)][-1] == 429
    assert second.get(TASKS).status_code == 200
    assert client_of(stranger).get(TASKS).status_code == 200


@pytest.mark.parametrize("header", [{}, {"HTTP_AUTHORIZATION": "Bearer trk_wrong"}])
def test_strangers_are_counted_by_address(db, few_calls, header):
    codes = [APIClient().get(TASKS, REMOTE_ADDR="192.0.2.1", **header) for _ in range(4)]
    assert [response.status_code for response in codes] == [401] * 3 + [429]
    retry_after(codes[-1])
    assert APIClient().get(TASKS, REMOTE_ADDR="192.0.2.2", **header).status_code == 401


def test_a_good_key_is_served_from_an_address_that_guesses(owner, few_calls):
    for _ in range(5):
        APIClient().get(TASKS)
    assert client_of(owner).get(TASKS).status_code == 200


def guess(username: str, guessed: str = "wrong", address: str = "192.0.2.1"):
    form = {"username": username, "password": guessed}
    return Client().post("/admin/login/", form, REMOTE_ADDR=address)


def test_guessing_one_users_password_is_stopped(operator):
    assert [guess("operator").status_code for _ in range(MOST_FOR_A_NAME)] == [
        200
    ] * MOST_FOR_A_NAME
    response = guess("Operator ")
    assert response.status_code == 429
    retry_after(response)
    assert guess("operator", "operator-password").status_code == 429  # not even the right one
    assert guess("operator", "operator-password", "192.0.2.2").status_code == 302


def test_guessing_many_users_from_one_address_is_stopped(db):
    codes = [guess(f"user-{number}").status_code for number in range(MOST_FOR_AN_ADDRESS + 1)]
    assert codes == [200] * MOST_FOR_AN_ADDRESS + [429]


def test_a_success_forgets_the_failures_before_it(operator):
    for _ in range(MOST_FOR_A_NAME - 1):
        guess("operator")
    assert guess("operator", "operator-password").status_code == 302
    assert guess("operator").status_code == 200


def test_the_login_page_itself_stays_open(operator):
    for _ in range(MOST_FOR_A_NAME + 1):
        guess("operator")
    assert Client().get("/admin/login/", REMOTE_ADDR="192.0.2.1").status_code == 200


@pytest.mark.parametrize("username", ["", "\x00", "é" * 500, "a:b"])
def test_odd_usernames_break_nothing(db, username):
    for _ in range(MOST_FOR_A_NAME + 1):
        last = guess(username).status_code
    assert last in (200, 429)
