from __future__ import annotations

import pytest
from django.test import Client

from tasks.services.api_keys import create_api_key
from tasks.vocabulary import Scope

URL = "/api/stats/"


def _get(user, **query):
    _, key = create_api_key(user, name="job", scope=Scope.READ)
    return Client().get(URL, query, headers={"Authorization": f"Bearer {key}"})


@pytest.mark.parametrize("look_back", ["1h", "24h", "7d", "30d"])
def test_a_read_key_gets_the_figures_of_a_range(operator, make_task, look_back):
    make_task(), make_task("FAILED")
    body = _get(operator, range=look_back).json()
    assert (body["range"], body["total"], body["failed_percent"]) == (look_back, 2, 50)


def test_without_a_range_it_is_a_day(operator):
    assert _get(operator).json()["range"] == "24h"


@pytest.mark.parametrize("query", [{"range": "1y"}, {"range": ""}, {"rang": "1h"}])
def test_another_range_or_parameter_is_refused_by_name(operator, query):
    response = _get(operator, **query)
    assert response.status_code == 400
    assert list(response.json()["error"]["fields"]) == list(query)


def test_others_learn_only_of_their_own(owner, stranger, make_task, make_worker):
    make_worker("one")
    make_task()
    assert _get(owner).json()["total"] == 1
    foreign = _get(stranger).json()
    assert (foreign["total"], foreign["workers"], foreign["providers"]) == (0, None, [])


def test_without_a_key_there_is_nothing(db):
    assert Client().get(URL).status_code == 401
