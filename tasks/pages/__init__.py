"""The pages for people outside the admin: the landing page and the stats page."""

from tasks.pages.views import landing, log_out, stats_figures, stats_page

__all__ = ["landing", "log_out", "stats_figures", "stats_page"]
