"""Templates in the admin."""

from __future__ import annotations

import pytest

from tasks.models import PromptTemplate, TemplateVersion
from tasks.services.templates import create_template
from tests.admin.conftest import HOSTILE

LIST = "/admin/tasks/prompttemplate/"
FORM = {
    "name": "summarise", "description": "d", "prompt": "In {{ language }}:\r\n{{ text }}",
    "variables": "language = English # Any language.\r\n\r\ntext", "published": "on",
}  # fmt: skip


@pytest.fixture
def page(operator):
    template = create_template(operator, {"name": "greet", "prompt": "Hello {{ name }}"})
    return f"{LIST}{template.pk}/change/"


def test_a_template_is_made_from_the_form(operator_client, operator):
    response = operator_client.post(f"{LIST}add/", FORM)
    assert response.status_code == 302, response.context["errors"]
    template = PromptTemplate.objects.get()
    assert (template.owner, template.name, template.published) == (operator, "summarise", True)
    version = TemplateVersion.objects.get()
    assert version.prompt == "In {{ language }}:\n{{ text }}"
    assert version.variables == [
        {"name": "language", "default": "English", "description": "Any language."},
        {"name": "text", "default": None, "description": ""},
    ]
    text = operator_client.get(response.url).text
    assert "language = English # Any language." in text


def test_a_preview_shows_the_wording_and_saves_nothing(operator_client, page):
    form = {"prompt": "Bye {{ name }}{{ end }}", "variables": "end = !", "_preview": "1"}
    text = operator_client.post(page, {**form, "value_name": HOSTILE}).text
    assert "Bye &lt;script&gt;alert(1)&lt;/script&gt; {% debug %}" in text
    assert 'name="value_end"' in text
    assert "<script>alert" not in text
    missing = operator_client.post(page, form).text
    assert "<strong>name</strong>: This variable is required." in missing
    assert TemplateVersion.objects.count() == 1


def test_saving_makes_a_version_and_shows_what_changed(operator_client, page):
    operator_client.post(page, {"prompt": "Bye {{ name }}"})
    assert TemplateVersion.objects.count() == 2
    text = operator_client.get(page).text
    assert '<span class="ins">+ Bye {{ name }}' in text
    assert '<span class="del">− Hello {{ name }}' in text


@pytest.mark.parametrize(("change", "told"), [
    ({"prompt": "x" * 1001}, "at most 1000"), ({"variables": "unused"}, "does not stand"),
    ({"prompt": ""}, "required"), ({"variables": "a b"}, "letters, digits and _"),
])  # fmt: skip
def test_a_bad_wording_is_told_beside_its_field(operator_client, page, change, told):
    response = operator_client.post(page, {"prompt": "Hello {{ name }}", **change})
    assert response.status_code == 200
    assert told in response.text
    assert TemplateVersion.objects.count() == 1


def test_deleting_keeps_the_versions(operator_client, page):
    path = page.replace("change", "delete")
    assert operator_client.get(path).status_code == 200
    assert operator_client.post(path, {"post": "yes"}).status_code == 302
    assert operator_client.get(page, follow=True).status_code == 404
    assert TemplateVersion.objects.count() == 1


def test_permissions_hold(staff_client, page):
    viewer = staff_client("view_prompttemplate")
    assert viewer.get(LIST).status_code == 200
    assert "Save as" not in viewer.get(page).text
    assert viewer.post(page, {"prompt": "x"}).status_code == 403
    assert viewer.get(f"{LIST}add/").status_code == 403
    assert viewer.post(page.replace("change", "delete"), {"post": "yes"}).status_code == 403
    nobody = staff_client(username="nobody")
    assert nobody.get(LIST).status_code == nobody.get(page).status_code == 403
    assert TemplateVersion.objects.count() == 1


def test_pages_have_nothing_inline(operator_client, page):
    for path in (LIST, page, f"{LIST}add/"):
        text = operator_client.get(path).text
        for inline in ("<style", " style=", " onclick=", "<script>", "javascript:"):
            assert inline not in text
