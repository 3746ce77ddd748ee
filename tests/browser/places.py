"""Every page that people see, by name: what the tests walk through and the screenshots show."""

from __future__ import annotations

from tests.deployment import Deployment

BEFORE_LOGIN = {"landing": "/", "login": "/admin/login/"}


def places(deployment: Deployment) -> dict[str, str]:
    """The project's own pages over the painted scenery, addresses by name."""

    def newest(table: str, condition: str = "1 = 1") -> int:
        query = f"SELECT max(id) FROM tasks_{table} WHERE {condition}"
        ((key,),) = deployment.query(query)
        return int(key)

    def detail(condition: str) -> str:
        return f"/admin/tasks/task/{newest('task', condition)}/change/"

    template = newest("prompttemplate")
    return {
        "stats": "/stats/",
        "stats-30d": "/stats/?range=30d",
        "own-tasks": "/tasks/",
        "own-failed": "/tasks/?status__exact=FAILED&finished=24h&error=timeout",
        "own-new": "/tasks/new/",
        "own-new-template": f"/tasks/new/?template={template}",
        "own-task": f"/tasks/{newest('task', 'attempts = 2')}/",
        "admin": "/admin/",
        "list": "/admin/tasks/task/",
        "list-failed": "/admin/tasks/task/?status__exact=FAILED&finished=24h",
        "add": "/admin/tasks/task/add/",
        "detail-completed": detail("result_source = 'fallback'"),
        "detail-mock": detail("result_source = 'mock'"),
        "detail-waiting": detail("attempts = 2"),
        "detail-failed": detail("error_code = 'request_refused'"),
        "keys": "/admin/tasks/apikey/",
        "key-add": "/admin/tasks/apikey/add/",
        "batches": "/admin/tasks/batch/",
        "batch": "/admin/tasks/batch/1/change/",
        "templates": "/admin/tasks/prompttemplate/",
        "template": f"/admin/tasks/prompttemplate/{template}/change/",
        "workers": "/admin/tasks/worker/",
        "providers": "/admin/tasks/providerstate/",
        "webhooks": "/admin/tasks/webhookendpoint/",
        "webhook-add": "/admin/tasks/webhookendpoint/add/",
        "webhook": f"/admin/tasks/webhookendpoint/{newest('webhookendpoint')}/change/",
        "deliveries": "/admin/tasks/webhookdelivery/",
        "delivery": f"/admin/tasks/webhookdelivery/{newest('webhookdelivery')}/change/",
        "audit": "/admin/tasks/auditentry/",
    }


def foreign_places(deployment: Deployment) -> dict[str, str]:
    """Pages that libraries draw: Swagger UI and the browsable API."""
    ((task,),) = deployment.query("SELECT max(id) FROM tasks_task")
    return {
        "api-docs": "/api/docs/",
        "api-tasks": "/api/tasks/",
        "api-task": f"/api/tasks/{task}/",
        "api-stats": "/api/stats/",
        "api-providers": "/api/providers/",
    }
