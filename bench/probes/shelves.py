"""A month of tasks as `month` makes it, part of them in batches, made with a template, or cut."""

from __future__ import annotations

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402

from bench.probes.conversation import serve  # noqa: E402
from bench.probes.fill import indexes_last  # noqa: E402
from bench.probes.month import insert_month, settle  # noqa: E402
from tasks.models import Attempt, Batch, PromptTemplate, Task, TemplateVersion  # noqa: E402


def fill(ended: int) -> dict[str, int]:
    """The ids of a batch of a tenth of the tasks, and of a small one of the user `second`."""
    with indexes_last(Task, Attempt):
        insert_month(ended)
        batches = _put_on_shelves(ended)
    settle()
    return batches


def _put_on_shelves(ended: int) -> dict[str, int]:
    admin, second = (get_user_model().objects.get(username=name) for name in ("admin", "second"))
    template = PromptTemplate.objects.create(owner=admin, name="summarise")
    version = TemplateVersion.objects.create(
        template=template, number=1, prompt="{{ text }}", variables=[]
    )
    large = Batch.objects.create(owner=admin, total=ended // 10)
    small = Batch.objects.create(owner=second, total=ended // 1_000)
    own, others = Task.objects.filter(owner=admin), Task.objects.filter(owner=second)
    own.filter(pk__lte=ended // 10).update(batch=large)
    others.filter(pk__gt=ended // 2, pk__lte=ended // 2 + ended // 100).update(batch=small)
    own.filter(pk__gt=ended // 4, pk__lte=ended // 3).update(template_version=version)
    Task.objects.filter(pk__range=(1, ended // 500), status="COMPLETED").update(truncated=True)
    return {"large": large.pk, "small": small.pk}


if __name__ == "__main__":
    serve(fill)
