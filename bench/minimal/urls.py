"""One table and its views."""

from __future__ import annotations

from django.db import models
from django.http import HttpRequest, HttpResponse
from django.urls import path
from rest_framework import generics, serializers


class Note(models.Model):
    """A prompt, and when it came."""

    prompt = models.TextField()
    priority = models.PositiveSmallIntegerField(default=5)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "minimal"

    def __str__(self) -> str:
        return self.prompt


class NoteSerializer(serializers.ModelSerializer[Note]):
    class Meta:
        model = Note
        fields = ("id", "prompt", "priority", "created_at")


class NoteListView(generics.CreateAPIView[Note]):
    queryset = Note.objects.all()
    serializer_class = NoteSerializer


class NoteView(generics.RetrieveAPIView[Note]):
    queryset = Note.objects.all()
    serializer_class = NoteSerializer


def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


urlpatterns = [
    path("notes/", NoteListView.as_view()),
    path("notes/<int:pk>/", NoteView.as_view()),
    path("healthz", healthz),
]
