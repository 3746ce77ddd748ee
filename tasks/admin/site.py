"""The admin site itself: its name, its one login page, and what must not be on it."""

from __future__ import annotations

from importlib import import_module

from django.contrib.admin import AdminSite
from django.contrib.auth.forms import AuthenticationForm


def open_site(site: AdminSite) -> None:
    """Name the site, let every active user log in by its page, and close django-q2's pages."""
    site.site_header = site.site_title = "Async AI Task Runner"
    site.index_title = "Operations"
    site.site_url = "/stats/"
    site.enable_nav_sidebar = False  # five lists need no menu; the width belongs to the tasks
    # One login page for all: users who are not staff land on their stats page, not in the admin.
    site.login_form = AuthenticationForm
    _close_django_q(site)


def _close_django_q(site: AdminSite) -> None:
    """django-q2's pages let staff run any function by name.

    They register when their module is first imported; importing it here makes sure that it has
    happened before they are taken away, in whatever order the apps are listed.
    """
    import_module("django_q.admin")
    for model in [model for model in site._registry if model._meta.app_label == "django_q"]:
        site.unregister(model)
