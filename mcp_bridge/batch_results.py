"""What the tools of batches return, typed like the others."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from mcp_bridge.results import Result
from tasks.vocabulary import Status


class BatchMade(Result):
    """A batch was accepted."""

    batch_id: int = Field(description="The batch's id, for get_batch_status.")
    count: int = Field(description="Tasks that it became.")
    status: Status = Field(description="Where the batch stands now.")


class BatchCounts(Result):
    """How many of the tasks stand where."""

    PENDING: int
    PROCESSING: int
    COMPLETED: int
    FAILED: int
    CANCELLED: int


class BatchStatus(Result):
    """Where a batch stands."""

    batch_id: int = Field(description="The batch's id.")
    name: str | None = Field(description="Its sender's name for it.")
    status: Status = Field(
        description="PENDING and PROCESSING may change; then CANCELLED or FAILED if any task is, "
        "else COMPLETED."
    )
    total: int = Field(description="Tasks submitted.")
    counts: BatchCounts
    task_ids: list[int] = Field(description="In the order of the submit, 1,000 at most.")
    has_more_task_ids: bool = Field(description="There are tasks beyond the ids listed.")
    cost_usd: str | None = Field(
        description="US dollars known to be spent, as a decimal; null: no price is known."
    )
    created_at: datetime = Field(description="When it was submitted, UTC.")
    finished_at: datetime | None = Field(description="When its last task ended, UTC.")
