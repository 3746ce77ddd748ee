"""What calls other than a submit may say. The rules of the fields are the submit's own."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from tasks.services.bulk import BulkAction
from tasks.services.fields import StrictBoolean, StrictInteger, StrictText, Text
from tasks.services.selection import FILTER_NAMES
from tasks.services.submission import SubmissionSerializer
from tasks.vocabulary import MAX_PRIORITY, MIN_PRIORITY


class TaskChangesSerializer(serializers.Serializer[Any]):
    """What can be changed while a task is PENDING."""

    priority = StrictInteger(min_value=MIN_PRIORITY, max_value=MAX_PRIORITY, required=False)
    tags = serializers.ListField(child=StrictText(max_length=50), required=False)


class TaskCloneSerializer(SubmissionSerializer):
    """What the new task shall have otherwise than the old one; nothing is required."""

    prompt = Text(required=False)


class BulkActionSerializer(serializers.Serializer[Any]):
    """One action on all tasks that a filter selects."""

    action = serializers.ChoiceField([word.value for word in BulkAction])
    filter = serializers.DictField(
        help_text=f"As in the list's query; {{}} selects all. Any of {', '.join(FILTER_NAMES)}."
    )
    priority = StrictInteger(required=False, help_text="The new one, for set_priority.")
    dry_run = StrictBoolean(default=False, help_text="Count, change nothing.")
    eligible = StrictInteger(
        min_value=0,
        max_value=2**63 - 1,
        required=False,
        help_text="What the dry run counted: if it is otherwise by now, nothing is done.",
    )


class BulkOutcomeSerializer(serializers.Serializer[Any]):
    """What a bulk action came to."""

    action = serializers.ChoiceField([word.value for word in BulkAction])
    dry_run = serializers.BooleanField()
    matched = serializers.IntegerField(help_text="Tasks that met the filter.")
    eligible = serializers.IntegerField(help_text="Those whose state allows the action.")
    changed = serializers.IntegerField(help_text="Those that were changed; 0 on a dry run.")
